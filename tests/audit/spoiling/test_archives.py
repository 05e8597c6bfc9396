"""Each way to spoil an archive (docs/spoiled.md) is told: what one program unpacks and another does not, and what leads out."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from bundler.audit import Fault, FaultKind, verify
from bundler.entries import Directory, Entry, Layer, Literal
from bundler.errors import NotABundle
from bundler.version import VERSION
from tests.sinks.samples import entry, write

FILES = {"bin/python3": (b"no program\n", 0o755), "lib/a.py": (b"A = 1\n", 0o644)}
CONTENT, LINK, ADDED = FaultKind.CONTENT, FaultKind.LINK, FaultKind.ADDED


def manifest() -> bytes:
    """A `bundle.json` of these files, which make no Python."""
    files = {
        path: {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "origin": "env:", "mode": f"{mode:o}"}
        for path, (data, mode) in FILES.items()
    }
    python = {"executable": "bin/python3", "version": "3.12.1", "stdlib": "lib/python3.12"}
    return json.dumps({"bundler": VERSION, "schema": 1, "python": python, "files": files}).encode()


def entries() -> list[Entry]:
    """The same for a sink."""
    files = [entry(path, Literal(data), mode) for path, (data, mode) in FILES.items()]
    json_file = entry("bundle.json", Literal(manifest()), layer=Layer.APPLICATION)
    return [entry("bin", Directory(), 0o755), files[0], entry("lib", Directory(), 0o755), files[1], json_file]


def found(path: Path) -> set[tuple[FaultKind, str, str]]:
    """What the audit says of an archive, but for what it says of any that holds no Python."""
    return {(fault.kind, fault.path, fault.message) for fault in verify(path).faults}


@pytest.fixture
def tar(tmp_path: Path) -> Path:
    return write("tar", tmp_path / "a.tar", entries())


def told(path: Path, sound: Path) -> list[tuple[FaultKind, str, str]]:
    """What the audit says of an archive, and not of a sound one."""
    return sorted(found(path) - found(sound), key=str)


class Added(NamedTuple):
    """A member that is added to a tar."""

    name: str
    kind: bytes = tarfile.REGTYPE
    data: bytes = b""
    target: str = ""


@pytest.mark.parametrize(
    ("members", "fault", "words"),
    [
        pytest.param([Added("lib/a.py", data=b"A = 2\n")], (CONTENT, "lib/a.py"), "more than once", id="member-twice"),
        pytest.param(
            [Added("lib/a.py", data=b"A = 1\n")], (CONTENT, "lib/a.py"), "more than once", id="the-same-twice"
        ),
        pytest.param([Added("../a.py")], (CONTENT, ""), "leads out of the archive", id="member-up"),
        pytest.param([Added("/a.py")], (CONTENT, ""), "leads out of the archive", id="member-absolute"),
        pytest.param([Added("lib/null", tarfile.CHRTYPE)], (CONTENT, "lib/null"), "device", id="member-device"),
        pytest.param([Added("lib/pipe", tarfile.FIFOTYPE)], (CONTENT, "lib/pipe"), "is a pipe", id="member-pipe"),
        pytest.param(
            [Added("lib/conf", tarfile.SYMTYPE, target="../../conf")],
            (LINK, "lib/conf"),
            "leads out",
            id="member-link-out",
        ),
        pytest.param(
            [Added("lib/b", tarfile.SYMTYPE, target=".."), Added("lib/b/c")],
            (CONTENT, ""),
            "lib/b/c lies in lib/b, which is no folder",
            id="member-below-a-link",
        ),
        pytest.param(
            [Added("lib/b", tarfile.LNKTYPE, target="/etc/hosts")],
            (CONTENT, "lib/b"),
            "device",
            id="member-hard-link-out",
        ),
        pytest.param([Added("LIB/A.py")], (ADDED, "LIB/A.py"), "was added", id="case-twins-in-an-archive"),
    ],
)
def test_what_a_tar_has_more_is_told(
    tar: Path, tmp_path: Path, members: list[Added], fault: tuple[FaultKind, str], words: str
) -> None:
    spoiled = tmp_path / "spoiled.tar"
    with tarfile.open(spoiled, "w") as target, tarfile.open(tar) as source:
        for info in source:
            target.addfile(info, source.extractfile(info) if info.isreg() else None)
        for member in members:
            info = tarfile.TarInfo(member.name)
            info.type, info.size, info.linkname = member.kind, len(member.data), member.target
            target.addfile(info, io.BytesIO(member.data))
    faults = told(spoiled, tar)
    assert any(found[:2] == fault and words in found[2] for found in faults), faults


@pytest.mark.parametrize("mode", [0o4755, 0o757])
def test_permissions_in_a_header_are_told(tar: Path, tmp_path: Path, mode: int) -> None:
    spoiled = tmp_path / "spoiled.tar"
    with tarfile.open(spoiled, "w") as target, tarfile.open(tar) as source:
        for info in source:
            if info.name == "bin/python3":
                info.mode = mode
            target.addfile(info, source.extractfile(info) if info.isreg() else None)
    assert [fault[0] for fault in told(spoiled, tar)] == [FaultKind.PERMISSION]


def test_members_beside_the_folder_on_top_are_no_bundle(tmp_path: Path) -> None:
    path = write("tar", tmp_path / "a.tar", entries(), top="app")
    with tarfile.open(path, "a") as archive:
        archive.addfile(tarfile.TarInfo("beside"))
    with pytest.raises(NotABundle):
        verify(path)


@pytest.mark.parametrize("name", ["tar", "tar.gz", "tar.zst", "zip", "run", "oci.tar"])
def test_an_archive_that_is_cut_is_one_fault(tmp_path: Path, name: str) -> None:
    path = write(name, tmp_path / f"a.{name}", entries())
    data = path.read_bytes().rstrip(b"\0")
    path.write_bytes(data[:-40])
    (fault,) = verify(path).faults
    assert fault.kind is CONTENT and "is damaged" in fault.message


def test_a_zip_that_lost_its_modes_is_told(tmp_path: Path) -> None:
    sound = write("zip", tmp_path / "a.zip", entries())
    with zipfile.ZipFile(sound) as source, zipfile.ZipFile(tmp_path / "b.zip", "w") as target:
        for info in source.infolist():
            plain = zipfile.ZipInfo(info.filename)
            plain.create_system = 0
            target.writestr(plain, source.read(info))
    assert (CONTENT, "bin/python3") in [fault[:2] for fault in told(tmp_path / "b.zip", sound)]


def other_name(data: bytes) -> bytes:
    """The first header names another file than the directory at the end."""
    return data.replace(b"lib/a.py", b"lib/b.py", 1)


def before(data: bytes) -> bytes:
    """A member before the first one that the directory names."""
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("lib/before.py", "")
    return other.getvalue()[: other.getvalue().index(b"PK\1\2")] + data


def tail(data: bytes) -> bytes:
    return data + b"more"


def hidden_member(data: bytes) -> bytes:
    """A member that the directory at the end does not name: whoever reads from the beginning unpacks it."""
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("lib/hidden.py", "")
    hidden = other.getvalue()[: other.getvalue().index(b"PK\1\2")]
    directory = data.index(b"PK\1\2")
    end = data.rindex(b"PK\5\6")
    start = (int.from_bytes(data[end + 16 : end + 20], "little") + len(hidden)).to_bytes(4, "little")
    return data[:directory] + hidden + data[directory : end + 16] + start + data[end + 20 :]


@pytest.mark.parametrize("change", [other_name, before, tail, hidden_member])
def test_a_zip_that_two_programs_read_in_two_ways_is_damaged(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    path = write("zip", tmp_path / "a.zip", entries())
    data = path.read_bytes()
    path.write_bytes(change(data))
    if change is hidden_member:
        with zipfile.ZipFile(path) as archive:
            assert "lib/hidden.py" not in archive.namelist()
    (fault,) = verify(path).faults
    assert fault.kind is CONTENT and "is damaged" in fault.message


def test_members_of_foreign_zips_may_tell_their_sizes_behind_them(tmp_path: Path) -> None:
    """As programs write them that cannot go back in their output."""
    sound = write("zip", tmp_path / "a.zip", entries())

    class Stream(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise io.UnsupportedOperation

    stream = Stream()
    with zipfile.ZipFile(sound) as source, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
        for info in source.infolist():
            info.flag_bits, info.extra = 0, b""
            target.writestr(info, source.read(info))
    (tmp_path / "b.zip").write_bytes(stream.getvalue())
    assert told(tmp_path / "b.zip", sound) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'echo "unpacked into $target"', b'echo "Unpacked into $target"'),
        (b"\nset -eu\n", b"\nset -e \n"),
        (b"\nname=app\n", b"\nname=a;p\n"),
    ],
)
def test_another_script_in_front_of_a_run_file_is_told(tmp_path: Path, before: bytes, after: bytes) -> None:
    sound = write("run", tmp_path / "a.run", entries())
    data = sound.read_bytes()
    assert len(before) == len(after) and before in data
    spoiled = tmp_path / "b.run"
    spoiled.write_bytes(data.replace(before, after, 1))
    assert [fault[:2] for fault in told(spoiled, sound)] == [(FaultKind.SCRIPT, "")]


def test_a_run_file_that_starts_something_else_is_told(tmp_path: Path) -> None:
    path = write("run", tmp_path / "a.run", entries())
    faults: list[Fault] = [fault for fault in verify(path).faults if fault.kind is FaultKind.SCRIPT]
    assert "starts bin/run, and bundle.json tells no start command" in faults[0].message


def digest_name(data: bytes) -> str:
    return f"blobs/sha256/{hashlib.sha256(data).hexdigest()}"


def image_files(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        files = {info.name: archive.extractfile(info) for info in archive if info.isreg()}
        return {name: file.read() for name, file in files.items() if file is not None}


def write_image(path: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(path, "w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def with_layer(files: dict[str, bytes], member: str, data: bytes) -> dict[str, bytes]:
    """The image with one more layer on top, all of its digests right: as a second build leaves it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        info = tarfile.TarInfo(member)
        info.size, info.mode = len(data), 0o644
        archive.addfile(info, io.BytesIO(data))
    layer = out.getvalue()
    index, docker = json.loads(files["index.json"]), json.loads(files["manifest.json"])
    old = "blobs/sha256/" + index["manifests"][0]["digest"].removeprefix("sha256:")
    described = json.loads(files[old])
    described["layers"].append(
        {**described["layers"][-1], "digest": "sha256:" + digest_name(layer)[13:], "size": len(layer)}
    )
    new = json.dumps(described).encode()
    index["manifests"][0] |= {"digest": "sha256:" + digest_name(new)[13:], "size": len(new)}
    docker[0]["Layers"].append(digest_name(layer))
    rest = {name: data for name, data in files.items() if name != old}
    return {**rest, digest_name(layer): layer, digest_name(new): new,
            "index.json": json.dumps(index).encode(), "manifest.json": json.dumps(docker).encode()}  # fmt: skip


@pytest.mark.parametrize(
    ("member", "path", "words"),
    [("app/lib/a.py", "lib/a.py", "more than once"), ("app/lib/b.py", "lib/b.py", "was added")],
)
def test_a_layer_on_top_of_an_image_is_told(tmp_path: Path, member: str, path: str, words: str) -> None:
    sound = write("oci.tar", tmp_path / "a.oci.tar", entries())
    spoiled = tmp_path / "b.oci.tar"
    write_image(spoiled, with_layer(image_files(sound), member, b"A = 2\n"))
    assert any(fault[1] == path and words in fault[2] for fault in told(spoiled, sound))


@pytest.mark.parametrize("name", ["manifest.json", "blob"])
def test_an_image_that_contradicts_itself_is_damaged(tmp_path: Path, name: str) -> None:
    path = write("oci.tar", tmp_path / "a.oci.tar", entries())
    files = image_files(path)
    if name == "blob":
        layer = json.loads(files["manifest.json"])[0]["Layers"][-1]
        files[layer] = files[layer][:-1] + bytes([files[layer][-1] ^ 1])
    else:
        docker = json.loads(files[name])
        docker[0]["Layers"].pop()
        files[name] = json.dumps(docker).encode()
    write_image(path, files)
    (fault,) = verify(path).faults
    assert fault.kind is CONTENT and re.search("is damaged", fault.message)
    assert os.path.basename(path) in fault.message

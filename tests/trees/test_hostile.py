"""Archives that somebody made to do harm: each ends with an error that says what is wrong, in little memory and time.

All are harmless: small, made here, and read by bundler alone.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import lzma
import struct
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from bundler.errors import DamagedBundle, NotABundle
from bundler.formats import FOLDER_LABEL
from bundler.sinks.archives.frame_codecs import GZIP, ZSTANDARD, FrameCodec
from bundler.sinks.archives.frame_index import MOST_OF_A_FRAME, Frame, FrameIndex, digest_of, pack_index, unpack_index
from bundler.trees import archive as archive_of_trees
from bundler.trees import compression, extracted, open_archive
from bundler.trees.last_file import manifest_in_tar
from tests.material.memory import memory_of
from tests.sinks.samples import CODECS, entry, sample, write

Content = bytes | str | None
"""Bytes of a file, the target of a link, None for a folder."""
Member = tuple[str, Content]
CODEC = pytest.mark.parametrize("codec", [GZIP, ZSTANDARD], ids=lambda codec: codec.name)
MEMORY = 24 << 20
"""Bytes for anything that is read here."""


def tar(path: Path, *members: Member) -> Path:
    with tarfile.open(path, "w:gz") as file:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                info.size = len(content)
                file.addfile(info, io.BytesIO(content))
                continue
            info.type, info.linkname = (tarfile.DIRTYPE, "") if content is None else (tarfile.SYMTYPE, content)
            file.addfile(info)
    return path


def zipped(path: Path, *members: Member) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, content in members:
            info = zipfile.ZipInfo(name + "/" * (content is None))
            info.external_attr = (0o120777 if isinstance(content, str) else 0o100644) << 16
            file.writestr(info, content.encode() if isinstance(content, str) else content or b"")
    return path


FORMATS = pytest.mark.parametrize("made", [tar, zipped])


def read(path: Path) -> list[str]:
    """The names in an archive, which is read to its end."""
    return [member.path for member, _ in open_archive(str(path)).scan(lambda _, file: file and file.read(1 << 16))]


def refused(path: Path, words: str) -> None:
    """The archive is refused when it is read and when it is unpacked, and leaves nothing."""
    with pytest.raises(DamagedBundle, match=words) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path} is damaged: ")
    before = sorted(path.parent.iterdir())
    with pytest.raises(DamagedBundle, match=words), extracted(str(path)):
        pass
    assert sorted(path.parent.iterdir()) == before


@FORMATS
@pytest.mark.parametrize(
    ("members", "words"),
    [
        ([("a/b", b"1"), ("a", b"1")], "something lies in a, which is no folder"),
        ([("a/b/c", b"1"), ("a/b", "..")], "something lies in a/b, which is no folder"),
        ([("a", b"1"), ("a/b", b"1")], "a/b lies in a, which is no folder"),
        ([("a", ".."), ("a/b/c", b"1")], "a/b/c lies in a, which is no folder"),
        ([("b", None), ("b/a", "/etc"), ("b/a/c", None)], "b/a/c lies in b/a, which is no folder"),
        ([("../a", b"1")], "the name ../a leads out of the archive"),
        ([("a/../../b", b"1")], "leads out of the archive"),
        ([("/a", b"1")], "the name /a leads out of the archive"),
    ],
)
def test_names_that_programs_would_unpack_in_different_ways_are_refused(
    tmp_path: Path, made: Callable[..., Path], members: list[Member], words: str
) -> None:
    refused(made(tmp_path / "archive", *members), words)


@FORMATS
def test_a_name_that_stands_there_twice_is_read_twice_and_never_unpacked(
    tmp_path: Path, made: Callable[..., Path]
) -> None:
    """Which of the two is meant depends on the program: the audit says so (tests/audit)."""
    path = made(tmp_path / "archive", ("b/a", b"1"), ("./b//a", b"2"))
    assert read(path) == ["b/a", "b/a"]
    with pytest.raises(NotABundle, match="the archive has b/a twice"), extracted(str(path)):
        pass


@FORMATS
def test_a_folder_may_stand_there_twice_and_behind_what_is_in_it(tmp_path: Path, made: Callable[..., Path]) -> None:
    path = made(tmp_path / "archive", ("a/b", b"1"), ("a", None), ("a", None), ("c", "a"))
    assert set(read(path)) == {"a", "a/b", "c"}


def test_devices_and_hard_links_are_told_and_never_made(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as file:
        for name, kind in (
            ("null", tarfile.CHRTYPE),
            ("disk", tarfile.BLKTYPE),
            ("pipe", tarfile.FIFOTYPE),
            ("hard", tarfile.LNKTYPE),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            file.addfile(info)
    found = {
        member.path: member.kind.value for member, _ in open_archive(str(tmp_path / "a.tar")).scan(lambda *_: None)
    }
    assert set(found) == {"null", "disk", "pipe", "hard"}
    assert set(found.values()) == {"pipe, socket or device"}
    with extracted(str(tmp_path / "a.tar")) as folder:
        assert list(Path(folder).iterdir()) == []


@pytest.mark.parametrize("name", [*CODECS[1:], "zip"])
def test_an_archive_that_holds_far_more_than_its_size_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = write(name, tmp_path / f"a.{name}", [entry("big", sample(tmp_path)[4].content), *sample(tmp_path)[:3]])
    read(path)
    monkeypatch.setattr(archive_of_trees, "_PLAIN_BYTES", 1 << 20)
    monkeypatch.setattr(archive_of_trees, "_TIMES", 2)
    refused(path, r"it has \d+ bytes, and its files have more than \d+ together")


@FORMATS
def test_an_archive_with_far_more_members_than_its_size_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: Callable[..., Path]
) -> None:
    path = made(tmp_path / "archive", *((f"folder/{number:04}", b"") for number in range(300)))
    assert len(read(path)) == 300
    monkeypatch.setattr(archive_of_trees, "_MEMBERS", 200)
    monkeypatch.setattr(archive_of_trees, "_BYTES_OF_MEMBER", 1 << 20)
    refused(path, "more than 200 files and folders")


def test_a_file_of_holes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tar tells of the holes in a file, which `tarfile` fills: a tebibyte out of two kilobytes."""
    monkeypatch.setattr(archive_of_trees, "_PLAIN_BYTES", 1 << 24)
    info = tarfile.TarInfo("GNUSparseFile.0/big")
    told = {"major": "1", "minor": "0", "name": "big", "realsize": str(1 << 40)}
    info.pax_headers = {f"GNU.sparse.{key}": value for key, value in told.items()}
    info.size = 512
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.PAX_FORMAT) as file:
        file.addfile(info, io.BytesIO(b"1\n0\n0\n".ljust(512, b"\0")))
    assert memory_of(lambda: refused(tmp_path / "a.tar", "its files have more than")) < MEMORY


def header(kind: bytes, size: int) -> bytes:
    info = tarfile.TarInfo("x")
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK])
def test_a_header_that_asks_for_more_memory_than_any_is_refused(tmp_path: Path, kind: bytes) -> None:
    size = 200 << 20
    with gzip.open(tmp_path / "a.tar.gz", "wb", 1) as file:
        file.write(header(kind, size))
        for _ in range(size >> 20):
            file.write(bytes(1 << 20))
    assert memory_of(lambda: refused(tmp_path / "a.tar.gz", "bytes between two files, or at the end")) < MEMORY


def test_an_archive_that_does_not_end_is_refused(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "a.tar.gz", "wb", 1) as file:
        for _ in range(64):
            file.write(bytes(1 << 20))
    assert memory_of(lambda: refused(tmp_path / "a.tar.gz", "bytes between two files, or at the end")) < MEMORY


def test_what_is_no_file_has_no_content_to_be_passed_over(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "a.tar.gz", "wb", 1) as file:
        file.write(header(tarfile.GNUTYPE_SPARSE, 64 << 20))
        for _ in range(64):
            file.write(bytes(1 << 20))
    refused(tmp_path / "a.tar.gz", "bytes between two files, or at the end")


def test_a_decoder_of_xz_that_wants_more_memory_than_any_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write("tar.xz", tmp_path / "a.tar.xz", sample(tmp_path))
    monkeypatch.setattr(compression, "_MOST_MEMORY", 1 << 20)
    refused(path, "[Mm]emory usage limit")


@pytest.mark.parametrize("padding", [0, 4, 100_000])
def test_streams_of_xz_one_behind_the_other_are_one(tmp_path: Path, padding: int) -> None:
    plain = gzip.decompress(tar(tmp_path / "a.tar.gz", ("a", b"1" * 70_000), ("b", b"2")).read_bytes())
    parts = [lzma.compress(plain[:5000]), lzma.compress(plain[5000:])]
    (tmp_path / "a.tar.xz").write_bytes(parts[0] + bytes(padding) + parts[1] + bytes(padding))
    assert read(tmp_path / "a.tar.xz") == ["a", "b"]
    (tmp_path / "a.tar.xz").write_bytes(parts[0] + bytes(padding) + parts[1][:-9])
    with pytest.raises(NotABundle):
        read(tmp_path / "a.tar.xz")


def test_a_link_whose_target_is_a_file_s_size_is_refused(tmp_path: Path) -> None:
    refused(zipped(tmp_path / "a.zip", ("link", "x" * (1 << 20))), "the target of link has 1048576 bytes")


@CODEC
def test_a_frame_with_more_bytes_than_any_is_refused(codec: FrameCodec) -> None:
    data = codec.compress(bytes(8 * MOST_OF_A_FRAME), 1)
    assert len(data) < MOST_OF_A_FRAME >> 4

    def refuse() -> None:
        with pytest.raises(ValueError, match="more bytes than any should have"):
            codec.decompress(data)

    assert memory_of(refuse) < 3 * MOST_OF_A_FRAME


@CODEC
def test_an_index_that_lies_is_refused(tmp_path: Path, codec: FrameCodec) -> None:
    """Of frames that are too large, and of none at all: then all that follows would be the last one."""
    data = codec.compress(bytes(1000), 1)
    right = Frame(digest_of(b"k"), digest_of(data), len(data), 1000, codec.check(bytes(1000), data))
    for frames, words in (
        ([right._replace(plain=MOST_OF_A_FRAME + 1)], "larger than any"),
        ([right._replace(size=(1 << 32) - 1)], "larger than any"),
        ([], "more than there can be"),
    ):
        index = pack_index(FrameIndex("x", frames))
        many = data * (1 if frames else 3 * MOST_OF_A_FRAME // len(data))
        (tmp_path / "a").write_bytes(codec.head + many + codec.tail(frames, index, right, data))
        assert memory_of(lambda words=words: refused(tmp_path / "a", words)) < MEMORY  # type: ignore[misc]


def test_an_index_that_is_cut_short_behind_a_true_seal_is_damaged() -> None:
    whole = pack_index(FrameIndex("maker", [Frame(bytes(16), bytes(16), 1, 1, 1)]))[:-32]
    for size in range(len(whole)):
        body = whole[:size]
        with pytest.raises(ValueError, match="its index is damaged"):
            unpack_index(body + hashlib.sha256(body).digest())


def test_a_manifest_that_is_larger_than_any_is_not_read_for_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        info = tarfile.TarInfo("bundle.json")
        info.size = 100
        archive.addfile(info, io.BytesIO(bytes(100)))
    assert manifest_in_tar(io.BytesIO(file.getvalue())) == bytes(100)
    monkeypatch.setattr("bundler.trees.last_file.MOST_OF_A_MANIFEST", 99)
    assert manifest_in_tar(io.BytesIO(file.getvalue())) is None


def image(path: Path, *layers: list[Member]) -> Path:
    """An OCI image of these layers, whose label says that the bundle lies in `app`."""
    blobs: dict[str, bytes] = {}

    def blob(data: bytes) -> dict[str, str]:
        digest = hashlib.sha256(data).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = data
        return {"digest": f"sha256:{digest}"}

    described = [
        blob(tar(path.parent / f"layer{number}", *members).read_bytes()) for number, members in enumerate(layers)
    ]
    config = blob(json.dumps({"config": {"Labels": {FOLDER_LABEL: "/app"}}}).encode())
    manifest = blob(json.dumps({"config": config, "layers": described}).encode())
    blobs |= {"oci-layout": b"{}", "index.json": json.dumps({"manifests": [manifest]}).encode()}
    with tarfile.open(path, "w") as file:
        for name in sorted(blobs):
            info = tarfile.TarInfo(name)
            info.size = len(blobs[name])
            file.addfile(info, io.BytesIO(blobs[name]))
    return path


def test_a_layer_of_an_image_that_covers_a_file_of_another_is_refused(tmp_path: Path) -> None:
    """An engine would take the upper one, whichever is looked at here."""
    assert read(image(tmp_path / "good", [("app", None), ("app/a", b"1")], [("app", None), ("app/b", b"2")])) == [
        "a",
        "b",
    ]
    bad = image(tmp_path / "bad", [("app/a", b"good")], [("app/a", b"other")])
    assert read(bad) == ["a", "a"], "the audit says that it stands there twice"
    with pytest.raises(NotABundle, match="the archive has a twice"), extracted(str(bad)):
        pass


@pytest.mark.parametrize("upper", ["app", "srv"])
def test_a_link_in_the_place_of_the_folder_of_the_bundle_is_refused(tmp_path: Path, upper: str) -> None:
    path = image(tmp_path / "bad", [("app/a", b"1")], [(upper, "/somewhere")])
    if upper == "app":
        refused(path, "app is no folder, and the bundle lies in it")
    else:
        assert read(path) == ["a"], "what lies elsewhere in an image is none of the bundle"


def test_a_description_of_an_image_that_does_not_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bundler.trees.image._MOST_OF_A_JSON", 10)
    refused(image(tmp_path / "a", [("app/a", b"1")]), "has [0-9]+ bytes")


@pytest.mark.parametrize("name", ["x" * 300, "a" * 5000 + "/b"])
def test_a_name_that_no_file_can_have_is_told_and_nothing_is_left(tmp_path: Path, name: str) -> None:
    path = tar(tmp_path / "a.tar.gz", ("first", b"1"), (name, b"2"))
    with pytest.raises(NotABundle, match="the archive has a name that no file can have here"), extracted(str(path)):
        pass
    assert list(tmp_path.iterdir()) == [path]


def test_a_zip_that_says_less_than_a_member_has_is_damaged(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ("a", bytes(100_000)))
    data = path.read_bytes()
    path.write_bytes(data.replace(struct.pack("<I", 100_000), struct.pack("<I", 10)))
    refused(path, "CRC|bytes behind its last member")

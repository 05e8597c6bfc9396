"""Promise 10: a bundle from somebody else is looked at without harm, however it was made."""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bundles.conftest import Sample
from tests.material.environments import bundler
from tests.material.snapshots import snapshot

MANIFEST = json.dumps({"bundler": "0.1.0", "schema": 1, "python": {"executable": "bin/python3"}}).encode()


def archive(path: Path, *members: tuple[str, bytes | str, int]) -> Path:
    """An archive of files (bytes) and links (text), with modes, behind a manifest."""
    with tarfile.open(path, "w:gz") as file:
        for name, content, mode in (("bundle.json", MANIFEST, 0o644), *members):
            info = tarfile.TarInfo(name)
            info.mode = mode
            if isinstance(content, bytes):
                info.size = len(content)
                file.addfile(info, io.BytesIO(content))
            else:
                info.type = tarfile.SYMTYPE
                info.linkname = content
                file.addfile(info)
    return path


@pytest.mark.parametrize(
    "members",
    [
        [("{outside}/written", b"x", 0o644)],
        [("../outside/written", b"x", 0o644)],
        [("way", "{outside}", 0o777), ("way/written", b"x", 0o644)],
        [("way", "../outside", 0o777), ("way/written", b"x", 0o644)],
        [("here", ".", 0o777), ("here/up", "..", 0o777), ("up/outside/written", b"x", 0o644)],
        [("dir/here", "..", 0o777), ("dir/here/up", "..", 0o777), ("up/outside/written", b"x", 0o644)],
    ],
)
def test_an_archive_writes_nothing_beside_the_place_where_it_is_looked_at(
    tmp_path: Path, members: list[tuple[str, bytes | str, int]]
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()

    def fill(text: bytes | str) -> bytes | str:
        return text.replace("{outside}", str(outside)) if isinstance(text, str) else text

    filled = [(name.replace("{outside}", str(outside)), fill(content), mode) for name, content, mode in members]
    path = archive(tmp_path / "evil.tar.gz", *filled)
    before = snapshot(outside)
    done = bundler(["verify", path])
    assert done.returncode in (1, 3), done.stderr
    assert snapshot(outside) == before
    assert sorted(os.listdir(tmp_path)) == ["evil.tar.gz", "outside"]


def test_no_set_id_program_comes_out_of_an_archive(tmp_path: Path) -> None:
    from bundler.trees import extracted

    path = archive(tmp_path / "evil.tar.gz", ("bin/shell", b"#!/bin/sh\n", 0o6755))
    with extracted(str(path)) as folder:
        assert os.stat(os.path.join(folder, "bin/shell")).st_mode & 0o6000 == 0


def spoil_with_a_pipe(bundle: Path, _: Path) -> None:
    os.mkfifo(bundle / "lib/pipe")


def spoil_with_a_known_pipe(bundle: Path, _: Path) -> None:
    victim = bundle / "pyvenv.cfg"
    victim.unlink()
    os.mkfifo(victim)


def spoil_with_a_foreign_interpreter(bundle: Path, outside: Path) -> None:
    """The manifest names a program outside, which must not be started."""
    manifest = json.loads((bundle / "bundle.json").read_text())
    manifest["python"]["executable"] = str(outside / "program")
    (bundle / "bundle.json").write_text(json.dumps(manifest))


def spoil_with_a_link_for_an_interpreter(bundle: Path, outside: Path) -> None:
    manifest = json.loads((bundle / "bundle.json").read_text())
    executable = bundle / manifest["python"]["executable"]
    executable.unlink()
    executable.symlink_to(outside / "program")


@pytest.mark.parametrize(
    "spoil",
    [
        spoil_with_a_pipe,
        spoil_with_a_known_pipe,
        spoil_with_a_foreign_interpreter,
        spoil_with_a_link_for_an_interpreter,
    ],
)
def test_a_spoiled_bundle_is_told_and_nothing_of_it_is_run(
    sample: Sample, tmp_path: Path, spoil: Callable[[Path, Path], None]
) -> None:
    bundle = Path(shutil.copytree(sample.bundle, tmp_path / "bundle", symlinks=True, copy_function=os.link))
    (bundle / "bundle.json").unlink()
    shutil.copy(sample.bundle / "bundle.json", bundle)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "program").write_text(f"#!/bin/sh\ntouch {outside}/was-run\n")
    (outside / "program").chmod(0o755)
    spoil(bundle, outside)
    done = bundler(["verify", bundle, "--json"], timeout=40)
    assert not (outside / "was-run").exists()
    assert done.returncode == 3, done.stderr
    assert json.loads(done.stdout)["run"] is None

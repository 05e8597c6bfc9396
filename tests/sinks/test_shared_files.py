"""Which files a bundle shares with its source by a hard link: those whose owner and permissions are the bundle's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bundler.entries import Entry, Layer, Source
from bundler.options import LinkMode
from bundler.sinks.copying import write_file
from tests.bundles.test_programs import give_capabilities


def is_shared(tmp_path: Path, source: Path, mode: int, owner: int | None) -> bool:
    """Whether a file of this mode is one with its source in a bundle of this owner."""
    entry = Entry(
        "x", Source(str(source), source.stat().st_size), mode, source.stat().st_mtime_ns, Layer.PACKAGES, "env:x"
    )
    out = tmp_path / "bundle"
    write_file(entry, str(out), {}, LinkMode.HARDLINK, owner)
    assert out.read_bytes() == source.read_bytes() and (owner is None or out.stat().st_mode & 0o7777 == mode)
    return out.samefile(source)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "source").write_text("text")
    (tmp_path / "source").chmod(0o755)
    return tmp_path / "source"


@pytest.mark.parametrize(
    ("before", "mode", "shared"), [(0o755, 0o755, True), (0o777, 0o775, False), (0o4755, 0o755, False)]
)
def test_a_file_whose_mode_the_bundle_keeps_is_shared(
    tmp_path: Path, source: Path, before: int, mode: int, shared: bool
) -> None:
    source.chmod(before)
    assert is_shared(tmp_path, source, mode, os.geteuid()) is shared
    assert source.stat().st_mode & 0o7777 == before


def test_a_file_of_a_third_user_is_not_shared(tmp_path: Path, source: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to give a file to another user")
    os.chown(source, 12345, -1)
    assert not is_shared(tmp_path, source, 0o755, 0)
    (tmp_path / "bundle").unlink()
    assert is_shared(tmp_path, source, 0o755, 12345), "in place the environment's owner is the bundle's"


def test_a_program_with_capabilities_is_not_shared(tmp_path: Path, source: Path) -> None:
    give_capabilities(source)
    assert not is_shared(tmp_path, source, 0o755, os.geteuid())


def test_in_a_bundle_that_nobody_keeps_everything_is_shared(tmp_path: Path, source: Path) -> None:
    source.chmod(0o777)
    assert is_shared(tmp_path, source, 0o755, None)

"""What a dry run and a progress bar say of sizes is what is written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import bundler
from bundler.keywords import PackKeywords
from tests.material.environments import quick_environment


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with pip, whose scripts and RECORD change."""
    return quick_environment(tmp_path_factory.mktemp("sizes") / "env", [])


class Counted:
    """Progress that adds up."""

    def __init__(self) -> None:
        self.expected = 0
        self.done = 0

    def phase(self, title: str) -> None:
        """Nothing."""

    def total(self, size: int) -> None:
        """Another pass begins."""
        self.expected, self.done = size, 0

    def advance(self, size: int) -> None:
        self.done += size


def size_on_disk(folder: Path) -> int:
    files = (Path(place, name) for place, _, names in os.walk(folder) for name in names)
    return sum(path.lstat().st_size for path in files if not path.is_symlink())


@pytest.mark.parametrize(
    "more", [PackKeywords(), PackKeywords(profile="slim", pyc="compile", add=[f"{__file__}=share/é.py"])]
)
def test_a_dry_run_says_how_much_would_be_written(environment: Path, tmp_path: Path, more: PackKeywords) -> None:
    told = bundler.pack(environment, tmp_path / "app", bundler.PackOptions(dry_run=True), **more)
    written = bundler.pack(environment, tmp_path / "app", **more)
    assert told.size == written.size == size_on_disk(tmp_path / "app")
    sizes = {path: fact.size for path, fact in written.manifest.files.items()}
    assert {path: fact.size for path, fact in told.manifest.files.items()} == sizes
    assert {fact.sha256 for fact in told.manifest.files.values()} == {None}


def test_progress_counts_what_is_written(environment: Path, tmp_path: Path) -> None:
    """All but a few of the bytes that follow from the others' digests are known beforehand."""
    for name, update in (("app", False), ("app", True), ("app.tar", False)):
        counted = Counted()
        written = bundler.pack(environment, tmp_path / name, None, counted, verify=False, update=update)
        assert counted.done == pytest.approx(counted.expected, rel=0.002)
        if name == "app":
            assert counted.expected == pytest.approx(written.size, rel=0.002)

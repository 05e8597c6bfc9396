"""An environment into which something comes while it is packed, or from which something goes, is noticed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import bundler
from bundler.errors import BundlerError, OutputFailed
from bundler.plan.listings import check_unchanged
from bundler.progress import Silent
from tests.material.tiny import tiny_base, tiny_environment


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_base(tmp_path_factory.mktemp("tiny") / "base")


@pytest.fixture
def environment(base: Path, tmp_path: Path) -> Path:
    return tiny_environment(tmp_path / "env", base)


def site_packages(environment: Path) -> Path:
    return next(environment.glob("lib/python3*/site-packages"))


class Doing(Silent):
    """Does something to the environment in one phase of a pack."""

    def __init__(self, title: str, do: Callable[[], object]) -> None:
        self._title, self._do = title, do

    def phase(self, title: str) -> None:
        if title == self._title:
            self._do()


def install(environment: Path) -> None:
    (site_packages(environment) / "new.py").touch()


def uninstall(environment: Path) -> None:
    shutil.rmtree(site_packages(environment) / "small/empty")


def remove_file(environment: Path) -> None:
    (site_packages(environment) / "small/data.bin").unlink()


def truncate(environment: Path) -> None:
    (site_packages(environment) / "small/data.bin").write_text("less")


def rewrite(environment: Path) -> None:
    file = site_packages(environment) / "small/data.bin"
    file.write_bytes(bytes(file.stat().st_size))


CHANGES = {
    install: "new.py came",
    uninstall: "empty went",
    remove_file: "data.bin was there when the pack began, and is gone",
    truncate: "data.bin changed while it was packed",
    rewrite: "data.bin changed while it was packed",
}


@pytest.mark.parametrize("out", ["app", "app.tar"])
@pytest.mark.parametrize(("change", "told"), CHANGES.items(), ids=[change.__name__ for change in CHANGES])
def test_a_change_while_it_is_packed_is_told(
    environment: Path, tmp_path: Path, out: str, change: Callable[[Path], object], told: str
) -> None:
    settle(environment)
    (tmp_path / "dist").mkdir()
    with pytest.raises(OutputFailed, match=told):
        bundler.pack(
            environment,
            tmp_path / "dist" / out,
            progress=Doing("writing", lambda: change(environment)),
            verify=False,
            cache=False,
            pyc="keep",
        )
    assert os.listdir(tmp_path / "dist") == []


def test_modules_that_python_compiles_meanwhile_are_no_change(environment: Path, tmp_path: Path) -> None:
    def compiled() -> None:
        folder = site_packages(environment) / "small/__pycache__"
        folder.mkdir()
        (folder / "x.pyc").touch()

    bundler.pack(environment, tmp_path / "app", progress=Doing("writing", compiled), verify=False, cache=False)
    assert (tmp_path / "app/bundle.json").exists()


def test_a_folder_that_goes_while_it_is_listed_is_told(
    environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.scandir

    def scandir(path: str) -> object:
        if str(path).endswith("small"):
            raise FileNotFoundError(2, "No such file or directory", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(BundlerError, match="small cannot be read: No such file") as caught:
        bundler.pack(environment, tmp_path / "app", verify=False, cache=False)
    assert "pack again" in caught.value.hint


def test_a_folder_that_changed_a_moment_ago_is_listed_again(tmp_path: Path) -> None:
    from bundler.plan.listings import listing_of

    (tmp_path / "a").touch()
    facts = tmp_path.stat()
    listing = listing_of("", facts, facts.st_mtime_ns + 1, ["a"])
    check_unchanged({str(tmp_path): listing})
    (tmp_path / "b").touch()
    os.utime(tmp_path, ns=(facts.st_mtime_ns, facts.st_mtime_ns))
    with pytest.raises(OutputFailed, match="b came"):
        check_unchanged({str(tmp_path): listing})
    old = listing_of("", facts, facts.st_mtime_ns + 10_000_000_000, ["a"])
    check_unchanged({str(tmp_path): old})


def settle(environment: Path) -> None:
    """Let it look as if nobody had touched it for a while: its files have stamps then."""
    from time import sleep

    from bundler.entries import settling_time

    newest = max((path.lstat() for path in environment.rglob("*")), key=lambda facts: facts.st_ctime_ns)
    sleep(settling_time(newest) / 1e9 + 0.01)

"""Many files are patched in one go, by one process or more, and all or none of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from bundler.binaries import several
from bundler.binaries.elf import ElfClass, read_image
from bundler.binaries.formats import plan
from bundler.binaries.request import PatchOutcome, Request
from bundler.binaries.several import Destination, patch_files
from bundler.errors import BundlerError, NotDynamic, OutputFailed, Problems
from tests.binaries.elf.samples import make_sample

SAMPLE = make_sample(ElfClass.ELF64, "little")
LONG = "$ORIGIN/" + "a" * 3000
GROW = Request(set_rpath=LONG)
MANY = 200


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Libraries that have to grow."""
    paths = [tmp_path / f"{number}.so" for number in range(MANY)]
    for path in paths:
        path.write_bytes(SAMPLE)
    return list(map(str, paths))


def search_path(path: str) -> str | None:
    with open(path, "rb") as file:
        return read_image(file).rpath


def untouched(files: list[str]) -> bool:
    return all(Path(path).read_bytes() == SAMPLE for path in files if not path.endswith("broken.so"))


@pytest.fixture(params=[1, 2, 3])
def processes(request: pytest.FixtureRequest) -> Iterator[int]:
    """How many share the work; none of them is left behind."""
    yield request.param
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_all_are_patched(files: list[str], processes: int) -> None:
    results = patch_files(files, GROW, Destination(), processes)
    assert [search_path(path) for path in files] == [LONG] * MANY
    assert [result.size for result in results if result] == [os.path.getsize(path) for path in files]
    assert patch_files(files, GROW, Destination(), processes) == [None] * MANY


def test_results_are_in_the_order_of_the_files(files: list[str], processes: int) -> None:
    patch_files(files[::3], GROW, Destination())
    results = patch_files(files, GROW, Destination(), processes)
    assert [result is None for result in results] == [number % 3 == 0 for number in range(MANY)]


@pytest.mark.parametrize("place", [0, MANY // 2 - 1, MANY - 1])
def test_where_one_cannot_be_patched_none_is(files: list[str], processes: int, place: int) -> None:
    broken = files[place].replace(".so", "-broken.so")
    Path(broken).write_bytes(SAMPLE[:100])
    files[place] = broken
    with pytest.raises(BundlerError, match=f"{os.path.basename(broken)}: .*truncated"):
        patch_files(files, GROW, Destination(), processes)
    assert untouched(files)


def test_the_errors_of_all_processes_are_told_together(files: list[str], processes: int) -> None:
    with pytest.raises(Problems) as caught:
        patch_files(files, Request(set_interpreter="/lib/ld.so"), Destination(), processes)
    assert len(caught.value.errors) == MANY
    assert all(isinstance(error, NotDynamic) for error in caught.value.errors)
    assert [error.message.split(":")[0] for error in caught.value.errors] == files
    assert untouched(files)


def test_a_dry_run_writes_nothing(files: list[str], processes: int) -> None:
    results = patch_files(files, GROW, Destination(dry_run=True), processes)
    assert all(result is not None and result.growth > 0 for result in results)
    assert untouched(files)


@pytest.mark.parametrize("overwrite", [False, True], ids=["new files", "in place"])
def test_a_file_that_is_named_twice_is_patched_once(tmp_path: Path, overwrite: bool) -> None:
    one, link = tmp_path / "one.so", tmp_path / "link.so"
    one.write_bytes(SAMPLE)
    link.symlink_to("one.so")
    expected = tmp_path / "expected.so"
    patch_files([str(one)], GROW, Destination(output=str(expected)))
    results = patch_files([str(one), str(link), str(one)], GROW, Destination(overwrite=overwrite))
    assert one.read_bytes() == expected.read_bytes()
    assert link.is_symlink()
    assert results[0] == results[1] == results[2] is not None


def test_both_names_of_a_hard_link_get_a_file_of_their_own(tmp_path: Path) -> None:
    one, other, cache = (tmp_path / name for name in ("one.so", "other.so", "cache.so"))
    cache.write_bytes(SAMPLE)
    for path in (one, other):
        path.hardlink_to(cache)
    patch_files([str(one), str(other)], GROW, Destination())
    assert search_path(str(one)) == search_path(str(other)) == LONG
    assert cache.read_bytes() == SAMPLE


def test_a_file_that_changes_between_plan_and_writing_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "one.so"
    path.write_bytes(SAMPLE)

    def plan_and_change(file: BinaryIO, name: str, request: Request) -> PatchOutcome | None:
        found = plan(file, name, request)
        path.write_bytes(SAMPLE + b"more")
        return found

    monkeypatch.setattr(several, "plan", plan_and_change)
    with pytest.raises(OutputFailed, match="changed"):
        patch_files([str(path)], GROW, Destination())
    assert path.read_bytes() == SAMPLE + b"more"


def test_a_mistake_in_another_process_is_told_with_its_place(files: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    first = os.getpid()

    def fail_elsewhere(file: BinaryIO, name: str, request: Request) -> PatchOutcome | None:
        if os.getpid() != first:
            raise KeyError("a mistake")
        return plan(file, name, request)

    monkeypatch.setattr(several, "plan", fail_elsewhere)
    with pytest.raises(RuntimeError, match=r"fail_elsewhere\n(.|\n)*KeyError: 'a mistake'"):
        patch_files(files, GROW, Destination(), 2)
    assert untouched(files)


def test_a_process_that_is_killed_is_told(files: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    first = os.getpid()

    def end_at_once(file: BinaryIO, name: str, request: Request) -> PatchOutcome | None:
        if os.getpid() != first:
            os.kill(os.getpid(), 9)
        return plan(file, name, request)

    monkeypatch.setattr(several, "plan", end_at_once)
    with pytest.raises(OutputFailed, match="stopped"):
        patch_files(files, GROW, Destination(), 2)
    assert untouched(files)

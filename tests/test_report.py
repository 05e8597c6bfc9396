"""What a pack says to a person of what may stop the bundle elsewhere."""

from __future__ import annotations

import dataclasses

import pytest

from bundler import report
from bundler.ceiling import NO_CEILING, Ceiling, Demand
from bundler.manifest import Manifest, OpenedFact, PythonFacts
from bundler.report import PackReport
from tests.material.schemes import POSIX_312

PYTHON = PythonFacts("3.12.1", POSIX_312, "lib/libpython3.12.so.1.0", (), (".so",))
MANIFEST = Manifest("1", PYTHON, "x86_64", None, (), {}, libc="glibc")


def lines(**facts: object) -> list[str]:
    """The report of a bundle with these facts, without its first line."""
    manifest = dataclasses.replace(MANIFEST, **facts)  # type: ignore[arg-type]
    made = PackReport("app", "directory", manifest, 0, (), 0, 0, None, None)
    return [*report.as_lines(made, verbose=False)][1:]


def test_a_bundle_that_asks_for_nothing_says_nothing() -> None:
    assert lines(ceiling=NO_CEILING) == []


@pytest.mark.parametrize(
    ("ceiling", "words"),
    [
        (Ceiling(executable_stacks=("a.so",)), "glibc 2.41 and later refuse to open a.so: it asks for"),
        (Ceiling(executable_stacks=("a.so", "b.so")), "refuse to open a.so, b.so: each asks for"),
        (Ceiling(unmarked_stacks=("a.so",)), "refuse to open a.so: no PT_GNU_STACK"),
        (Ceiling(cpu_level=Demand("x86-64-v3", "a.so")), "needs a processor of the level x86-64-v3 or higher (a.so)"),
        (Ceiling(unknown_versions=(Demand("GLIBC_ABI_X", "a.so"),)), "needs a libc with GLIBC_ABI_X (a.so)"),
        (Ceiling(text_relocations=("a.so",)), "refuse a.so: text relocations"),
        (Ceiling(writable_code=("a.so",)), "refuse a.so: memory to write to and execute"),
    ],
)
def test_each_demand_is_a_line_with_its_file(ceiling: Ceiling, words: str) -> None:
    (line,) = lines(ceiling=ceiling)
    assert words in line


@pytest.mark.parametrize("path", [PYTHON.executable, PYTHON.library])
def test_what_is_loaded_at_the_start_is_not_refused_and_makes_all_stacks_executable(path: str) -> None:
    for ceiling in (Ceiling(executable_stacks=("a.so", path)), Ceiling(("a.so",), (path,))):
        (line,) = lines(ceiling=ceiling)
        assert line.startswith(f"all processes have an executable stack: {path} asks for it")


def test_what_is_suggested_and_stays_behind_is_told_once() -> None:
    fact = OpenedFact("a.so", ("libx.so.1",), "suggested", "", "left out")
    others = [dataclasses.replace(fact, outcome=outcome) for outcome in ("missing", "bundled", "left to the host")]
    (line,) = lines(opened=(fact, fact, *others))
    assert line == "note: a.so may open libx.so.1, which it only suggests (--include-lib libx.so.1 takes it along)"

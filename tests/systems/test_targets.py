"""Systems by name: what the tables hold, and what a page says of them."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

from bundler.errors import BadOption, BundlerError
from bundler.floor import Release
from bundler.platforms import AARCH64, X86_64, Libc, OperatingSystem, Platform
from bundler.systems.linux.targets import DISTRIBUTIONS, POLICIES, release_of_tag
from bundler.systems.targets import check_target, target_named, target_names
from bundler.target import Target

PAGE = (Path(__file__).parents[2] / "docs/targets.md").read_text()
LINUX = Platform(OperatingSystem.LINUX, (X86_64,), Libc.GLIBC)


@pytest.mark.parametrize(
    ("name", "release", "kernel"),
    [
        ("debian11", (2, 31), (5, 10)),
        ("Debian11", (2, 31), (5, 10)),
        ("rocky8", (2, 28), (4, 18)),
        ("manylinux_2_28", (2, 28), None),
        ("manylinux2014", (2, 17), None),
        ("manylinux_2_28_aarch64", (2, 28), None),
        ("glibc2.31", (2, 31), None),
        ("alpine", None, None),
        ("macos11", (11, 0), None),
        ("macos10.15", (10, 15), None),
        ("windowsserver2012r2", (8, 1), None),
    ],
)
def test_a_name_means_a_release(name: str, release: Release | None, kernel: Release | None) -> None:
    found = target_named(name)
    assert (found.release, found.kernel) == (release, kernel)


@pytest.mark.parametrize(
    ("name", "near"),
    [("debian1", "debian11"), ("manylinux_2_28_z80", "manylinux_2_28"), ("macos10", "macos10.15"), ("?", "rhel8")],
)
def test_another_name_is_a_wrong_option_and_the_nearest_ones_are_told(name: str, near: str) -> None:
    with pytest.raises(BadOption) as caught:
        target_named(name)
    assert name in caught.value.message and near in (caught.value.hint or "")


def test_every_name_that_is_listed_means_something_and_no_two_the_same() -> None:
    names = target_names()
    assert len(set(names)) == len(names)
    for name in names:
        assert target_named(name).name == name
    aliases = [alias for row in DISTRIBUTIONS for alias in row.aliases]
    assert not set(aliases) & set(names) and len(set(aliases)) == len(aliases)


@pytest.mark.parametrize("name", target_names())
def test_each_fact_has_a_public_source(name: str) -> None:
    found = target_named(name)
    assert found.sources and all(re.fullmatch(r"https://[\w.-]+/\S*", source) for source in found.sources)


def test_what_is_later_has_no_less() -> None:
    """A slip in a number would show here."""
    for kind in ("debian", "ubuntu", "rhel"):
        rows = [row for row in DISTRIBUTIONS if row.name.startswith(kind)]
        for earlier, later in itertools.pairwise(rows):
            assert earlier.release is not None and later.release is not None and earlier.release < later.release
            assert earlier.kernel is not None and later.kernel is not None and earlier.kernel < later.kernel
            assert earlier.cpu_level <= later.cpu_level
            for prefix, level in later.symbols.items():
                assert earlier.symbols[prefix] <= level
    for (first, levels), (second, more) in itertools.pairwise(POLICIES):
        assert first < second and all(levels[prefix] <= more[prefix] for prefix in levels)


def test_no_wheel_that_a_policy_lets_through_asks_too_much_of_a_distribution() -> None:
    """That is what the policies are made of (PEP 600)."""
    for row in DISTRIBUTIONS:
        if row.release is None or not row.symbols:
            continue
        levels = next(levels for release, levels in reversed(POLICIES) if release <= row.release)
        assert all(levels[prefix] <= row.symbols[prefix] for prefix in ("GLIBCXX", "CXXABI")), row.name


@pytest.mark.parametrize(
    ("tag", "found"),
    [
        ("manylinux_2_34_x86_64", ((2, 34), "x86_64")),
        ("manylinux2014_ppc64le", ((2, 17), "ppc64le")),
        ("manylinux_2_5", ((2, 5), "")),
        ("manylinux2011_x86_64", None),
        ("musllinux_1_2_x86_64", None),
        ("linux_x86_64", None),
    ],
)
def test_a_tag_of_wheels_is_read(tag: str, found: tuple[Release, str] | None) -> None:
    assert release_of_tag(tag) == found


@pytest.mark.parametrize(
    ("name", "words"),
    [("macos11", "is macOS"), ("windows10", "is Windows"), ("manylinux_2_28_aarch64", "is for aarch64")],
)
def test_another_system_or_machine_is_refused(name: str, words: str) -> None:
    with pytest.raises(BundlerError, match=words):
        check_target(target_named(name), LINUX)


def test_the_machine_and_the_system_that_are_meant_are_not() -> None:
    check_target(target_named("manylinux_2_28_aarch64"), Platform(OperatingSystem.LINUX, (AARCH64,), Libc.GLIBC))
    check_target(target_named("debian11"), LINUX)


def row_of(target: Target) -> str:
    """The line of the page for a distribution."""

    def number(version: tuple[int, ...] | None) -> str:
        return ".".join(map(str, version)) if version else ""

    names = ", ".join(f"`{name}`" for name in (target.name, *target.aliases))
    level = f"x86-64-v{target.cpu_level}" if target.cpu_level > 1 else ""
    libc = number(target.release) or "musl"
    cells = (
        names,
        libc,
        number(target.kernel),
        level,
        *(number(target.symbols.get(each)) for each in ("GLIBCXX", "CXXABI")),
    )
    return f"| {' | '.join(cells)} |"


def test_the_page_has_the_table_and_its_sources() -> None:
    lines = [re.sub(r" +", " ", line) for line in PAGE.splitlines()]
    for row in DISTRIBUTIONS:
        assert re.sub(r" +", " ", row_of(row)) in lines
    told = [line for line in lines if line.startswith("| `") and line.count("|") == 7]
    assert len(told) == len(DISTRIBUTIONS)
    for source in {source for name in target_names() for source in target_named(name).sources}:
        assert f"<{source}>" in PAGE, source


def test_the_page_names_every_name_that_is_listed() -> None:
    for name in target_names():
        if not name.startswith(("manylinux", "glibc", "macos")):
            assert f"`{name}`" in PAGE, name

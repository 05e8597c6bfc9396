"""The oldest musl that files run on, by what they take from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundler.binaries.elf import read_image
from bundler.binaries.elf.symbols import DynamicSymbol, dynamic_symbols
from bundler.floor import Floor
from bundler.systems.linux.elf_files import ElfFile
from bundler.systems.linux.musl_releases import ADDED, musl_floor
from tests.binaries.elf.programs import compile_c
from tests.material.debian import debian_packages

CALLS = "void {0}(void); void call_{0}(void) {{ {0}(); }}\n"
OPTIONAL = "__attribute__((weak)) void {0}(void); void call_{0}(void) {{ if ({0}) {0}(); }}\n"
DEFINES = "void {0}(void) {{}}\n"


def files_of(folder: Path, **texts: str) -> tuple[list[ElfFile], dict[str, str]]:
    """Libraries by their names, and where they lie."""
    files, places = [], {}
    for name, text in texts.items():
        place = compile_c(text, folder / f"{name}.so", "-shared", "-fPIC", "-nostdlib")
        with place.open("rb") as file:
            files.append(ElfFile(f"lib/{name}.so", str(place), read_image(file)))
        places[f"lib/{name}.so"] = str(place)
    return files, places


@pytest.mark.parametrize("style", ["gnu", "sysv", "both"])
def test_symbols_are_told_as_the_loader_sees_them(tmp_path: Path, style: str) -> None:
    text = CALLS.format("taken") + OPTIONAL.format("perhaps")
    place = compile_c(text, tmp_path / "a.so", "-shared", "-fPIC", "-nostdlib", f"-Wl,--hash-style={style}")
    with place.open("rb") as file:
        found = {symbol.name: symbol for symbol in dynamic_symbols(file, read_image(file))}
    assert found[b"taken"] == DynamicSymbol(b"taken", is_defined=False, is_weak=False)
    assert found[b"perhaps"] == DynamicSymbol(b"perhaps", is_defined=False, is_weak=True)
    assert found[b"call_taken"] == DynamicSymbol(b"call_taken", is_defined=True, is_weak=False)


def test_the_latest_function_sets_the_release(tmp_path: Path) -> None:
    files, places = files_of(
        tmp_path, a=CALLS.format("malloc"), b=CALLS.format("qsort_r"), c=CALLS.format("reallocarray")
    )
    assert musl_floor(files, places) == Floor("musl", (1, 2, 3), "lib/b.so", "qsort_r", (1, 2, 2))
    assert musl_floor(files[:1], places) is None


def test_what_a_file_does_without_or_another_one_brings_asks_for_nothing(tmp_path: Path) -> None:
    files, places = files_of(tmp_path, a=OPTIONAL.format("qsort_r"), b=CALLS.format("statx"), c=DEFINES.format("statx"))
    assert musl_floor(files, places) is None


def test_packed_relocations_need_a_release_that_knows_them(tmp_path: Path) -> None:
    place = compile_c(
        "int x; int *y = &x;", tmp_path / "a.so", "-shared", "-fPIC", "-nostdlib", "-Wl,-z,pack-relative-relocs"
    )
    with place.open("rb") as file:
        image = read_image(file)
    floor = musl_floor([ElfFile("lib/a.so", str(place), image)], {"lib/a.so": str(place)})
    if floor is None:
        pytest.skip("the linker knows no packed relocations (binutils 2.38)")
    assert (floor.text, floor.reason) == ("1.2.4", "DT_RELR")


slow = pytest.mark.everything
RELEASES = [
    pytest.param("bullseye", (1, 2, 2), marks=slow),
    ("bookworm", (1, 2, 3)),
    pytest.param("trixie", (1, 2, 5), marks=slow),
    pytest.param("sid", (1, 2, 6), marks=slow),
]
DEBIANS_OWN = {"trixie": {"renameat2"}}
"""What a release has by a patch of Debian's."""


@pytest.mark.parametrize(("suite", "release"), RELEASES)
def test_each_release_has_what_the_table_says_and_nothing_of_later_ones(suite: str, release: tuple[int, ...]) -> None:
    packages = debian_packages(suite, ["musl"], "amd64", "musl-amd64")
    with (packages / "usr/lib/x86_64-linux-musl/libc.so").open("rb") as file:
        has = {symbol.name.decode() for symbol in dynamic_symbols(file, read_image(file)) if symbol.is_defined}
    known = {name for names in ADDED.values() for name in names}
    expected = {name for first, names in ADDED.items() for name in names if first <= release}
    assert known & has - DEBIANS_OWN.get(suite, set()) == expected

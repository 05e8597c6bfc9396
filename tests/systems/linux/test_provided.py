"""A version of symbols that the library which is found does not have, by the tables and by the loader itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bundler.binaries.elf import read_image
from bundler.binaries.elf.image import read_string, string_table
from bundler.binaries.elf.version_facts import symbol_versions
from bundler.binaries.elf.versions import need_records
from bundler.binaries.format import NO_VERSIONS, NeededVersion, SymbolVersions
from bundler.systems.libraries import InBundle, Location, Missing, OnHost, UnprovidedVersion
from bundler.systems.linux.provided import provision_faults, shown, unprovided
from tests.binaries.elf.programs import compile_c

NEED = NeededVersion("libx.so.1", "X_2")


@pytest.mark.parametrize(
    ("location", "defined", "weak", "lacks"),
    [
        pytest.param(InBundle("lib/libx.so.1"), {"libx.so.1", "X_1"}, False, True, id="an older one is found"),
        pytest.param(InBundle("lib/libx.so.1"), {"libx.so.1", "X_1", "X_2"}, False, False, id="the right one"),
        pytest.param(InBundle("lib/libx.so.1"), set(), False, False, id="one without versions is taken as it is"),
        pytest.param(InBundle("lib/libx.so.1"), {"X_1"}, True, False, id="what is weak may be missing"),
        pytest.param(OnHost(), {"X_1"}, False, False, id="the host's is another matter"),
        pytest.param(Missing(), {"X_1"}, False, False, id="and so is none"),
    ],
)
def test_what_the_loader_would_refuse_is_told(location: Location, defined: set[str], weak: bool, lacks: bool) -> None:
    versions = {
        "a.so": SymbolVersions((NEED._replace(is_weak=weak),)),
        "lib/libx.so.1": SymbolVersions((), frozenset(defined)),
    }
    found = list(unprovided(versions, {"a.so": {"libx.so.1": location}}, lambda path: path))
    assert [each for each, _, _ in found] == ([UnprovidedVersion("a.so", "libx.so.1", "X_2")] if lacks else [])


def test_a_fault_names_both_files_and_what_it_is_for() -> None:
    need = NEED._replace(symbols=("one", "two", "three", "four"))
    versions = {"a.so": SymbolVersions((need,)), "lib/x": SymbolVersions((), frozenset({"X_1"}))}
    ((_, fault),) = provision_faults(versions, {"a.so": {"libx.so.1": InBundle("lib/x")}}, lambda path: path)
    assert (fault.path, fault.message) == (
        "a.so",
        "needs X_2 (one, two and 2 more) of libx.so.1, which lib/x does not have",
    )
    assert "--exclude-lib libx.so.1" in fault.hint


def test_a_version_without_symbols_is_named_alone() -> None:
    assert shown(NEED) == "X_2"


def versioned(folder: Path, *versions: str) -> Path:
    """A library with a function for each version."""
    script = folder / "versions"
    script.write_text("".join(f"{name} {{ global: f{name[-1]}; }};\n" for name in versions))
    text = "".join(f"int f{name[-1]}(void) {{ return {name[-1]}; }}\n" for name in versions)
    compile_c(text, folder / "libx.so", "-shared", "-fPIC", "-Wl,-soname,libx.so", f"-Wl,--version-script={script}")
    return folder / "libx.so"


def make_weak(path: Path, version: str) -> None:
    """Set VER_FLG_WEAK of a version that a file needs."""
    with path.open("r+b") as file:
        image = read_image(file)
        start, size = string_table(image.segments, image.numbers)
        for record in need_records(file, image):
            at = record.offset + record.need.aux
            for needed in record.versions:
                if read_string(file, start + needed.name, start + size) == version.encode():
                    file.seek(at + 4)
                    file.write((2).to_bytes(2, image.byteorder))
                at += needed.next


def facts(path: Path) -> SymbolVersions:
    with path.open("rb") as file:
        return symbol_versions(file, read_image(file), with_symbols=True)


@pytest.mark.parametrize("weak", [False, True])
def test_the_loader_agrees(tmp_path: Path, weak: bool) -> None:
    """A program that was linked with a newer library meets an older one.

    Weak is what the version's own flag says: a weak symbol alone makes no linker write it.
    """
    (tmp_path / "new").mkdir()
    (tmp_path / "old").mkdir()
    new, old = versioned(tmp_path / "new", "X_1", "X_2"), versioned(tmp_path / "old", "X_1")
    declared = "int f1(void); __attribute__((weak)) int f2(void);\n"
    program = tmp_path / "program"
    compile_c(
        f"{declared}int main(void) {{ return f1() - 1 + (f2 ? f2() - 2 : 0); }}\n", program, str(new), "-pie", "-fPIE"
    )
    if weak:
        make_weak(program, "X_2")
    needed = next(need for need in facts(program).needed if need.name == "X_2")
    assert (needed.symbols, needed.is_weak) == (("f2",), weak)
    assert facts(old).defined >= {"X_1"} and "X_2" in facts(new).defined
    for library, lacks in ((new, False), (old, not weak)):
        versions = {"program": facts(program), "libx.so": facts(library)}
        found = [*unprovided(versions, {"program": {"libx.so": InBundle("libx.so")}}, lambda path: path)]
        ran = subprocess.run(
            [program], env={"LD_LIBRARY_PATH": str(library.parent)}, capture_output=True, text=True, check=False
        )
        assert bool(found) is lacks
        assert (ran.returncode != 0) is lacks, ran.stderr
        assert (": version `X_2' not found" in ran.stderr) is lacks


def test_what_has_no_versions_has_none(tmp_path: Path) -> None:
    compile_c("int f(void) { return 1; }", tmp_path / "plain.so", "-shared", "-fPIC", "-nostdlib")
    assert facts(tmp_path / "plain.so") == NO_VERSIONS


@pytest.mark.parametrize("flags", [(), ("-Wl,--hash-style=sysv",), ("-Wl,--hash-style=gnu", "-rdynamic")])
def test_symbols_are_found_by_either_hash_table_and_without_exports(tmp_path: Path, flags: tuple[str, ...]) -> None:
    text = '#include <stdio.h>\n#include <stdlib.h>\nint main(void) { puts("x"); return atoi("0"); }\n'
    compile_c(text, tmp_path / "program", "-fPIE", "-pie", "-fno-builtin", *flags)
    named = {name for need in facts(tmp_path / "program").needed for name in need.symbols}
    assert {"puts", "atoi", "__libc_start_main"} <= named

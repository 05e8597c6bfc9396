"""Symbols that a file defines, looked for by its hash table, against pyelftools, which reads the whole table."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from bundler.binaries.elf import read_image
from bundler.binaries.elf.definitions import Definitions
from bundler.binaries.elf.symbols import undefined_symbols
from bundler.binaries.elf.version_facts import symbol_versions
from bundler.errors import BinaryFormatError
from bundler.platforms import X86_64
from bundler.systems.linux.glibc import system_libraries
from tests.binaries.elf.programs import compile_c

NAMES = ("libc.so.6", "libm.so.6", "libstdc++.so.6", "libz.so.1")


def symbols(path: Path) -> tuple[set[str], set[str]]:
    """The names that a file defines, and those that it asks for and does not define."""
    with path.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".dynsym")
        assert isinstance(table, SymbolTableSection)
        found = [(symbol.name, symbol["st_shndx"] == "SHN_UNDEF") for symbol in table.iter_symbols() if symbol.name]
    defined = {name for name, undefined in found if not undefined}
    return defined, {name for name, undefined in found if undefined} - defined


def agrees(path: Path) -> None:
    defined, asked = symbols(path)
    some = random.Random(1).sample(sorted(defined), min(200, len(defined)))
    with path.open("rb") as file:
        image = read_image(file)
        known = Definitions(file, image)
        assert [name for name in some if not known.defines(name)] == []
        assert [name for name in (*asked, *(f"{name}_of_nobody" for name in some)) if known.defines(name)] == []
        assert {symbol.name for symbol in undefined_symbols(file, image)} == asked


@pytest.mark.parametrize("style", ["gnu", "sysv", "both"])
def test_what_is_defined_is_found_by_either_table(tmp_path: Path, style: str) -> None:
    functions = "".join(f"int function_{number}(void) {{ return {number}; }}\n" for number in range(300))
    text = f'#include <stdio.h>\nextern int wanted(void);\n{functions}int last(void) {{ puts(""); return wanted(); }}\n'
    compile_c(text, tmp_path / "many.so", "-shared", "-fPIC", f"-Wl,--hash-style={style}")
    agrees(tmp_path / "many.so")


def test_what_defines_nothing_defines_nothing(tmp_path: Path) -> None:
    compile_c("static int x; int main(void) { return x; }", tmp_path / "program", "-fPIE", "-pie")
    with (tmp_path / "program").open("rb") as file:
        assert not Definitions(file, read_image(file)).defines("main")


def test_libraries_of_this_machine_agree() -> None:
    paths = {Path(path).resolve() for name, (path, *_) in system_libraries(X86_64).cache.items() if name in NAMES}
    if not paths:
        pytest.skip("needs glibc's libraries for x86-64")
    for path in paths:
        agrees(path)


def test_damaged_tables_are_an_error_or_say_little_and_soon(tmp_path: Path) -> None:
    """Whatever their bytes: whoever looks at somebody's file goes on."""
    text = '#include <stdio.h>\nint one(void) { return puts(""); }\nint two(void) { return one(); }\n'
    compile_c(text, tmp_path / "a.so", "-shared", "-fPIC", "-Wl,--hash-style=both")
    data = (tmp_path / "a.so").read_bytes()
    tables = range(0x238, 0x700)
    choice = random.Random(7)
    read = 0
    for _ in range(400):
        spoilt = bytearray(data)
        for at in choice.sample(tables, 12):
            spoilt[at] = choice.choice((0, 1, 0x7F, 0xFF, choice.randrange(256)))
        file = io.BytesIO(spoilt)
        try:
            image = read_image(file)
            Definitions(file, image).defines("one")
            read += len(undefined_symbols(file, image))
            symbol_versions(file, image, with_symbols=True)
        except BinaryFormatError:
            continue
    assert read > 0

"""What our reader reads of a file, before a patch and after it, is what pyelftools reads: the check of patches stands on it."""

from __future__ import annotations

import glob
import io
import os
import sysconfig
from pathlib import Path
from typing import Any

import pytest
from elftools.elf import enums
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerDefSection, GNUVerNeedSection
from elftools.elf.sections import SymbolTableSection
from elftools.elf.segments import InterpSegment

from bundler.binaries.elf import Edits, ElfClass, plan_patch, read_image, version_needs
from bundler.binaries.elf import constants as c
from bundler.binaries.elf.parsed_file import ParsedFile, parse_file
from bundler.binaries.elf.references import symbol_names
from bundler.binaries.elf.structs import ByteOrder, Symbol
from bundler.binaries.elf.versions import definition_names
from bundler.binaries.reading import read_at
from tests.binaries.elf.programs import compile_c
from tests.binaries.elf.samples import make_sample

MACHINES = (c.EM_X86_64, c.EM_386, c.EM_AARCH64, c.EM_ARM, c.EM_MIPS, c.EM_PPC64, c.EM_RISCV, c.EM_S390, c.EM_LOONGARCH)
EDITS = {
    "as it is": None,
    "shorter": Edits("/x"),
    "longer": Edits("$ORIGIN/" + "a/longer/way/" * 20),
    "more libraries": Edits("/y", added=["libfirst.so", "libsecond.so"], soname="libnew.so.7"),
}
NUMBERS = {
    name: number
    for group in dir(enums)
    if group.startswith(
        ("ENUM_P_TYPE", "ENUM_SH_TYPE", "ENUM_D_TAG", "ENUM_E_TYPE", "ENUM_E_MACHINE", "ENUM_E_VERSION")
    )
    for name, number in getattr(enums, group).items()
}


def number(value: str | int) -> int:
    """The number behind a name that pyelftools gave it."""
    return NUMBERS[value] if isinstance(value, str) else value


def numbers(record: Any, prefix: str, names: tuple[str, ...]) -> tuple[int, ...]:
    """The fields `names` of a header of pyelftools, in this order."""
    return tuple(number(record[prefix + name]) for name in names)


def check_headers(parsed: ParsedFile, peer: ELFFile) -> None:
    """All headers, field by field."""
    image = parsed.image
    assert (image.elf_class.bits, image.byteorder == "little") == (peer.elfclass, peer.little_endian)
    assert tuple(parsed.header) == numbers(peer.header, "e_", parsed.header._fields)
    for segment, theirs in zip(image.segments, peer.iter_segments(), strict=True):
        assert tuple(segment) == numbers(theirs.header, "p_", segment._fields)
    for section, found in zip(parsed.sections.sections, peer.iter_sections(), strict=True):
        assert tuple(section) == numbers(found.header, "sh_", section._fields)


def check_dynamic(parsed: ParsedFile, peer: ELFFile) -> None:
    """All tags, and the strings that they mean."""
    dynamic = next(segment for segment in peer.iter_segments() if isinstance(segment, DynamicSegment))
    tags = [tag for tag in dynamic.iter_tags() if tag.entry.d_tag != "DT_NULL"]
    assert list(parsed.image.dynamic or ()) == [(number(tag.entry.d_tag), tag.entry.d_val) for tag in tags]
    texts = tuple(getattr(tag, "needed") for tag in tags if tag.entry.d_tag == "DT_NEEDED")  # noqa: B009  # made by its class
    assert parsed.image.needed == texts
    for name in ("soname", "rpath", "runpath"):
        theirs = [getattr(tag, name) for tag in tags if hasattr(tag, name)]
        assert getattr(parsed.image, name) == next(iter(theirs), None)
    interpreters = [segment.get_interp_name() for segment in peer.iter_segments() if isinstance(segment, InterpSegment)]
    assert parsed.image.interpreter == next(iter(interpreters), None)


def read_symbols(parsed: ParsedFile, count: int) -> list[Symbol]:
    """The dynamic symbols."""
    layout, address = parsed.image.structures.symbol, parsed.image.entry(c.DT_SYMTAB)
    offset = parsed.image.offset_of(address or 0, count * layout.size)
    assert offset is not None
    return list(layout.read_all(read_at(parsed.file, offset, count * layout.size, "symbols")))


def check_tables(parsed: ParsedFile, peer: ELFFile) -> None:
    """Symbols' names, versions needed and defined."""
    names = symbol_names(parsed.file, parsed.image, parsed.sections)
    defined = list(definition_names(parsed.file, parsed.image))
    needed = [(need.library, need.version) for need in version_needs(parsed.file, parsed.image)]
    text = parsed.table.text
    for section in peer.iter_sections():
        match section:
            case GNUVerNeedSection():
                found = [(need.name, aux.name) for need, versions in section.iter_versions() for aux in versions]
                assert needed == found
            case GNUVerDefSection():
                versions = [aux.name for _, auxiliary in section.iter_versions() for aux in auxiliary]
                assert [text(index).decode() for index in defined] == versions
            case SymbolTableSection() if section["sh_type"] == "SHT_DYNSYM":
                symbols = list(section.iter_symbols())
                assert names is not None
                assert [text(index).decode() for index in names] == [symbol.name for symbol in symbols]
                for ours, theirs in zip(read_symbols(parsed, len(symbols)), symbols, strict=True):
                    assert (ours.name, ours.value, ours.size) == numbers(theirs.entry, "st_", ("name", "value", "size"))


def with_edits(data: bytes, edits: Edits | None) -> bytes:
    """The file, patched."""
    if edits is None:
        return data
    file = io.BytesIO(data)
    plan = plan_patch(file, read_image(file), edits)
    assert plan is not None
    return plan.patch.apply(data)


def check(data: bytes, edits: Edits | None) -> None:
    """The readers agree about the file with the edits done."""
    file = io.BytesIO(with_edits(data, edits))
    parsed, peer = parse_file(file, read_image(file)), ELFFile(file)
    check_headers(parsed, peer)
    check_dynamic(parsed, peer)
    check_tables(parsed, peer)


@pytest.mark.parametrize("edits", EDITS)
@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("elf_class", ElfClass)
def test_readers_agree_about_every_class_and_byte_order(elf_class: ElfClass, order: ByteOrder, edits: str) -> None:
    for machine in MACHINES:
        check(make_sample(elf_class, order, machine), EDITS[edits])


@pytest.mark.parametrize("edits", EDITS)
def test_readers_agree_about_programs_of_this_machine(tmp_path: Path, edits: str) -> None:
    library, program = tmp_path / "libone.so", tmp_path / "program"
    (tmp_path / "versions").write_text("V1 { global: one; local: *; }; V2 { global: two; } V1;\n")
    script = f"-Wl,--version-script={tmp_path / 'versions'}"
    compile_c("int one(void) { return 1; } int two(void) { return 2; }", library, "-shared", "-fPIC", script)
    compile_c("int one(void), two(void); int main(void) { return one() + two(); }", program, str(library))
    for path in (library, program):
        check(path.read_bytes(), EDITS[edits])


@pytest.mark.parametrize("edits", EDITS)
def test_readers_agree_about_the_modules_of_this_python(edits: str) -> None:
    folder = sysconfig.get_config_var("DESTSHARED") or "lib-dynload"
    modules = sorted(glob.glob(os.path.join(folder, "*.so")))
    if not modules:
        pytest.skip(f"this Python has no extension modules in {folder}; run the tests with one that has")
    for path in modules[:20]:
        check(Path(path).read_bytes(), EDITS[edits])

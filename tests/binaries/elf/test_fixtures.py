"""The committed files of fixtures/elf are what their table (elf_fixtures) says, as pyelftools reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile

from tests.material.elf_fixtures import FOLDER, LAYOUTS, LIBRARIES, RUNPATH, SETS, SOURCES, Set

PROGRAMS = [pytest.param(each, layout, id=f"{each}-{layout}") for each in SETS for layout in each.layouts]
HOW_TO = "run scripts/build_fixtures"


def opened(path: Path) -> Any:
    return ELFFile(path.open("rb"))


def segments(file: Any, kind: str) -> list[Any]:
    return [segment for segment in file.iter_segments() if segment["p_type"] == kind]


def tags(file: Any) -> dict[str, list[Any]]:
    (dynamic,) = (segment for segment in file.iter_segments() if isinstance(segment, DynamicSegment))
    found: dict[str, list[Any]] = {}
    for tag in dynamic.iter_tags():
        texts = {"DT_NEEDED": "needed", "DT_SONAME": "soname", "DT_RPATH": "rpath", "DT_RUNPATH": "runpath"}
        name = str(tag.entry.d_tag)
        found.setdefault(name, []).append(getattr(tag, texts[name]) if name in texts else tag.entry.d_val)
    return found


def system(machine: Set) -> set[str]:
    """What the machine's libc provides: the loader has `__tls_get_addr`."""
    return {"libc.so" if "musl" in machine.target else "libc.so.6", machine.interpreter.rpartition("/")[2]}


def check_machine(file: Any, machine: Set) -> None:
    from elftools.elf.enums import ENUM_E_MACHINE

    assert ENUM_E_MACHINE[file["e_machine"]] == machine.machine
    assert (file.elfclass, file.little_endian) == (machine.bits, machine.order == "little")


def test_the_folder_holds_what_the_table_names_and_is_small() -> None:
    wanted = {file for each in SETS for file in [*each.libraries(), *each.programs()]}
    found = {file for file in FOLDER.rglob("*") if file.is_file() and SOURCES not in file.parents}
    assert found == wanted, HOW_TO
    assert sum(file.stat().st_size for file in found) < 1 << 19
    assert not [file for file in found if b"/work/" in file.read_bytes() or b"/home/" in file.read_bytes()]


@pytest.mark.parametrize(("machine", "layout"), PROGRAMS)
def test_a_program_is_of_its_layout(machine: Set, layout: str) -> None:
    what = LAYOUTS[layout]
    file = opened(machine.folder / layout)
    check_machine(file, machine)
    assert file["e_type"] == ("ET_EXEC" if what.fixed else "ET_DYN")
    assert [segment.get_interp_name() for segment in segments(file, "PT_INTERP")] == [machine.interpreter]
    page = {"pages-64k": 1 << 16, "pages-2m": 1 << 21}.get(layout, machine.page)
    loads = segments(file, "PT_LOAD")
    assert {load["p_align"] for load in loads} == {page}
    assert max(load["p_memsz"] - load["p_filesz"] for load in loads) >= what.zeros
    apart = all(load["p_offset"] % page == 0 for load in loads)
    assert apart is (layout == "separate")
    assert len(segments(file, "PT_TLS")) == 1
    found = tags(file)
    needed = [name for name in found["DT_NEEDED"] if name not in system(machine)]
    assert needed == ["libwhich.so", "libextra.so"]
    path, other = ("DT_RPATH", "DT_RUNPATH")[:: 1 if layout == "rpath" else -1]
    assert (found[path], other in found) == ([RUNPATH], False)
    assert ("DT_HASH" in found) is (layout != "gnu")
    assert ("DT_GNU_HASH" in found) is (layout != "sysv" and machine.name != "mips")  # MIPS orders symbols otherwise
    assert ("DT_RELR" in found) is (layout == "relr")
    assert {"DT_INIT_ARRAY", "DT_VERNEED", "DT_VERSYM"} <= found.keys()
    assert ("DT_MIPS_RLD_MAP_REL" in found) is (machine.name == "mips")
    assert (file.get_section_by_name(".symtab") is None) is what.stripped
    names = {symbol.name for symbol in file.get_section_by_name(".dynsym").iter_symbols()}
    assert ("lib" in names) is (layout == "exported")


@pytest.mark.parametrize("machine", SETS, ids=str)
def test_libraries_have_names_and_versions(machine: Set) -> None:
    for path in machine.libraries():
        file = opened(path)
        check_machine(file, machine)
        found = tags(file)
        assert found["DT_SONAME"] == [path.name]
        assert ("DT_VERDEF" in found) is ("--version-script" in LIBRARIES[path.name])
        assert {load["p_align"] for load in segments(file, "PT_LOAD")} == {machine.page}
    which = opened(machine.folder / "libwhich.so")
    assert len(segments(which, "PT_TLS")) == 1
    needed = [name for name in tags(which)["DT_NEEDED"] if name not in system(machine)]
    assert (tags(which)["DT_RUNPATH"], needed) == (["$ORIGIN/deep"], ["libinner.so"])
    assert "DT_INIT_ARRAY" in tags(which)

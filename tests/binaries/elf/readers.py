"""What other programs read of an ELF file: readelf, pyelftools and LIEF, which have to agree; and what eu-elflint has to say."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import lief
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection
from elftools.elf.segments import InterpSegment

from tests.material.programs import need


@dataclass(frozen=True)
class Names:
    """The names in a file. `versions` are the versions needed, by library, in order; {} where sections do not tell."""

    needed: Sequence[str]
    rpath: str | None = None
    runpath: str | None = None
    soname: str | None = None
    interpreter: str | None = None
    versions: Mapping[str, Sequence[str]] = field(default_factory=dict)


def agreed(path: Path) -> Names:
    """What all three read; an AssertionError where they do not agree."""
    names = _by_pyelftools(path)
    assert names == _by_readelf(path)
    assert names == _by_lief(path)
    return names


def faults(path: Path) -> Counter[str]:
    """What eu-elflint complains of, and how often; numbers in it are left out, since they may change with the layout."""
    program = need("eu-elflint")
    done = subprocess.run([program, "--gnu-ld", path], capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line and line != "No errors"]
    return Counter(re.sub(r"0x[0-9a-f]+|\d+", "…", line) for line in lines)


def misplaced(path: Path, page: int) -> list[str]:
    """What a kernel with pages of `page` bytes, or one with smaller ones, could not map, in words."""
    with path.open("rb") as stream:
        loads = [segment for segment in ELFFile(stream).iter_segments() if segment["p_type"] == "PT_LOAD"]
        found = []
        for number, load in enumerate(loads):
            if (load["p_vaddr"] - load["p_offset"]) % load["p_align"]:
                found.append(f"{number}: address and offset do not agree")
            if load["p_offset"] + load["p_filesz"] > path.stat().st_size:
                found.append(f"{number}: ends behind the file")
            if number and loads[number - 1]["p_vaddr"] + loads[number - 1]["p_memsz"] > load["p_vaddr"] // page * page:
                found.append(f"{number}: shares a page with the one in front of it")
    return found


def readelf(path: Path, *options: str) -> str:
    """What readelf prints; a warning is a failure."""
    program = need("readelf")
    done = subprocess.run([program, "-W", *options, path], capture_output=True, text=True, check=True)
    assert not done.stderr, done.stderr
    return done.stdout


def _by_readelf(path: Path) -> Names:
    text = readelf(path, "-dlV")

    def one(pattern: str) -> str | None:
        found = re.findall(pattern, text)
        assert len(found) < 2, found
        return found[0] if found else None

    versions: dict[str, list[str]] = {}
    library = ""
    for file, version in re.findall(r"File: (\S+) |Name: (\S+)  Flags: \S+ *\S*  Version:", text):
        library = file or library
        versions.setdefault(library, []).extend([version] if version else [])
    assert [int(count) for count in re.findall(r"\(VERNEEDNUM\) *(\d+)", text)] == ([len(versions)] if versions else [])
    return Names(
        re.findall(r"\(NEEDED\).*\[(.*)\]", text),
        one(r"\(RPATH\).*\[(.*)\]"), one(r"\(RUNPATH\).*\[(.*)\]"), one(r"\(SONAME\).*\[(.*)\]"),
        one(r"program interpreter: (.*)\]"), versions,
    )  # fmt: skip


def _by_pyelftools(path: Path) -> Names:
    with path.open("rb") as stream:
        file = ELFFile(stream)
        found: dict[str, list[str]] = {"needed": [], "rpath": [], "runpath": [], "soname": []}
        for segment in file.iter_segments():
            if isinstance(segment, DynamicSegment):
                for tag in segment.iter_tags():
                    kind = str(tag.entry.d_tag).removeprefix("DT_").lower()
                    if kind in found:
                        found[kind].append(getattr(tag, kind))
        interpreters = [
            segment.get_interp_name() for segment in file.iter_segments() if isinstance(segment, InterpSegment)
        ]
        versions = {
            str(need.name): [str(version.name) for version in auxiliaries]
            for section in file.iter_sections()
            if isinstance(section, GNUVerNeedSection)
            for need, auxiliaries in section.iter_versions()
        }
    return Names(
        found["needed"], _only(found["rpath"]), _only(found["runpath"]), _only(found["soname"]),
        _only(interpreters), versions,
    )  # fmt: skip


def _by_lief(path: Path) -> Names:
    binary = lief.ELF.parse(str(path))
    assert binary is not None
    entries = list(binary.dynamic_entries)

    def one(kind: type) -> str | None:
        found = [entry for entry in entries if isinstance(entry, kind)]
        field = {lief.ELF.DynamicEntryRpath: "rpath", lief.ELF.DynamicEntryRunPath: "runpath"}.get(kind, "name")
        return _only([str(getattr(entry, field)) for entry in found])

    needed = [str(entry.name) for entry in entries if isinstance(entry, lief.ELF.DynamicEntryLibrary)]
    versions = {
        str(need.name): [str(version.name) for version in need.get_auxiliary_symbols()]
        for need in binary.symbols_version_requirement
    }
    return Names(
        needed, one(lief.ELF.DynamicEntryRpath), one(lief.ELF.DynamicEntryRunPath),
        one(lief.ELF.DynamicSharedObject), binary.interpreter or None, versions,
    )  # fmt: skip


def _only(found: Sequence[str]) -> str | None:
    assert len(found) < 2, found
    return found[0] if found else None

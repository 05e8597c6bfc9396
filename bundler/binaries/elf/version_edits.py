"""Edits of symbol versions: records follow a renamed library, and go where nothing asks for them any more.

glibc aborts where a record names a library that was not loaded (`_dl_check_map_versions`), so a removed
library takes its record along; what was bound to its versions is bound by name alone. Source: GNU symbol versioning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.encoded_edits import EncodedEdits
from bundler.binaries.elf.parsed_file import ParsedFile
from bundler.binaries.elf.references import symbol_names
from bundler.binaries.elf.structs import Vernaux
from bundler.binaries.elf.versions import NeedRecord, need_records
from bundler.binaries.reading import read_at
from bundler.errors import CannotPatch
from bundler.machine import os


@dataclass(frozen=True, slots=True)
class KeptRecord:
    """A record that stays."""

    record: NeedRecord
    versions: tuple[Vernaux, ...]
    """The versions that it keeps."""
    name: bytes | None
    """Its library's new name; None where the library keeps its name."""

    @property
    def names(self) -> tuple[int, ...]:
        """The string indices that stay in use."""
        library = () if self.name is not None else (self.record.need.file,)
        return (*library, *(version.name for version in self.versions))


@dataclass(frozen=True, slots=True)
class VersionEdits:
    """What becomes of the version records."""

    records: tuple[NeedRecord, ...]
    """All that there were."""
    kept: tuple[KeptRecord, ...]
    symbols: dict[int, bytes]
    """Edits by file offset: entries of DT_VERSYM."""

    @property
    def rewrites(self) -> bool:
        """Whether a record or a version goes: then all are written anew, one behind the other."""
        before = [record.versions for record in self.records]
        return [kept.versions for kept in self.kept] != before

    @property
    def changes(self) -> bool:
        """Whether anything changes."""
        return bool(self.symbols) or self.rewrites or any(kept.name is not None for kept in self.kept)

    def freed(self) -> set[int]:
        """The string indices that records give up."""
        names = {record.need.file for record in self.records}
        names |= {version.name for record in self.records for version in record.versions}
        return names - {name for kept in self.kept for name in kept.names}

    def in_use(self) -> list[int]:
        """The string indices that records go on using."""
        return [name for kept in self.kept for name in kept.names]

    def edits(self, parsed: ParsedFile, indices: Mapping[bytes, int]) -> dict[int, bytes]:
        """All edits by file offset. `indices` gives the place of each new name in the string table."""
        if self.rewrites:
            return {**self.symbols, **self._written_anew(parsed, indices)}
        layouts = parsed.image.structures
        position = layouts.verneed.position("file")
        return {
            **self.symbols,
            **{
                kept.record.offset + position: layouts.word.pack(indices[kept.name])
                for kept in self.kept
                if kept.name is not None
            },
        }

    def _written_anew(self, parsed: ParsedFile, indices: Mapping[bytes, int]) -> dict[int, bytes]:
        """The records one behind the other from the first one's place on, and zeros behind them."""
        layouts = parsed.image.structures
        need_size, aux_size = layouts.verneed.size, layouts.vernaux.size
        start, end = self.records[0].offset, max(record.end for record in self.records)
        used = sum(need_size + aux_size * len(record.versions) for record in self.records)
        if end - start != used:
            raise CannotPatch(
                f"the records of needed versions cannot be rewritten: {used} bytes of them lie in {end - start}"
            )
        data = b""
        for number, kept in enumerate(self.kept):
            size = need_size + aux_size * len(kept.versions)
            last = number == len(self.kept) - 1
            name = kept.record.need.file if kept.name is None else indices[kept.name]
            need = kept.record.need._replace(cnt=len(kept.versions), file=name, aux=need_size, next=0 if last else size)
            data += layouts.verneed.pack(need)
            for index, version in enumerate(kept.versions):
                step = 0 if index == len(kept.versions) - 1 else aux_size
                data += layouts.vernaux.pack(version._replace(next=step))
        return {start: data.ljust(end - start, b"\0")}


def plan_versions(parsed: ParsedFile, wanted: EncodedEdits) -> VersionEdits:
    """What `wanted` does to the version records.

    Raises CannotPatch where a symbol that shall lose its version is not there, or the symbols cannot be counted.
    """
    image, table = parsed.image, parsed.table
    if not (wanted.names or wanted.removed or wanted.unversioned):
        return VersionEdits((), (), {})
    records = tuple(need_records(parsed.file, image))
    needed = {os.fsencode(name) for name in image.needed}
    libraries = {record.offset: table.text(record.need.file) for record in records}
    gone = {r.offset for r in records if libraries[r.offset] in wanted.removed & needed}
    dropped = {version.other & c.VERSYM_INDEX for r in records if r.offset in gone for version in r.versions}
    symbols: dict[int, bytes] = {}
    if dropped or wanted.unversioned:
        symbols, unused = _unbind(parsed, dropped, wanted.unversioned)
        dropped |= unused
    kept = []
    for record in records:
        versions = tuple(v for v in record.versions if v.other & c.VERSYM_INDEX not in dropped)
        if record.offset not in gone and (versions or not record.versions):
            library = libraries[record.offset]
            kept.append(KeptRecord(record, versions, wanted.names.get(library) if library in needed else None))
    return VersionEdits(records, tuple(kept), symbols)


def _unbind(parsed: ParsedFile, dropped: set[int], names: frozenset[bytes]) -> tuple[dict[int, bytes], set[int]]:
    """Edits that take the version from symbols of a `dropped` one and from those of `names`.

    With them the versions that no symbol asks for any more, because of `names`.
    """
    file, image = parsed.file, parsed.image
    found = symbol_names(file, image, parsed.sections)
    address = image.entry(c.DT_VERSYM)
    if found is None:
        raise CannotPatch("symbols cannot lose their versions: nothing says how many dynamic symbols there are")
    wanted = {number for number, index in enumerate(found) if number and parsed.table.text(index) in names}
    missing = names - {parsed.table.text(found[number]) for number in wanted}
    if missing:
        raise CannotPatch(f"there is no dynamic symbol {min(missing).decode('utf-8', 'backslashreplace')}")
    if address is None:
        return {}, set()
    half = image.structures.half
    place = image.offset_of(address, half.size * len(found))
    if place is None:
        raise CannotPatch(f"the versions of {len(found)} symbols at address {address:#x} are in no PT_LOAD")
    data = read_at(file, place, half.size * len(found), "the table of symbol versions")
    versions = [version & c.VERSYM_INDEX for (version,) in half.iter_unpack(data)]
    changed = {
        number
        for number, version in enumerate(versions)
        if version > c.VER_NDX_GLOBAL and (version in dropped or number in wanted)
    }
    edits = {place + half.size * number: half.pack(c.VER_NDX_GLOBAL) for number in changed}
    still = {version for number, version in enumerate(versions) if number not in changed}
    return edits, {versions[number] for number in changed} - still

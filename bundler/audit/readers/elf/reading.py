"""An ELF file as pyelftools reads it.

pyelftools knows the structures, their order and width and the numbers behind its names; which of them are read is said here,
with bounds: it would walk a damaged table without end, and reads all sections to find one tag.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, BinaryIO, cast

from elftools.elf import enums
from elftools.elf.structs import ELFStructs

from bundler.audit.readers.elf.own_loader import stub_of
from bundler.audit.readers.facts import (
    ByteOrder,
    ElfFacts,
    HeaderFacts,
    NameFacts,
    NeededVersion,
    SectionFacts,
    SegmentFacts,
    StringsFacts,
    VersionDefinition,
    VersionNeedFacts,
)
from bundler.errors import BinaryFormatError
from bundler.machine import os

MOST_HEADERS = 1 << 16
"""More program or section headers than this are not read."""
_MOST_DYNAMIC = 1 << 20  # bytes
_MOST_VERSIONS = 1 << 15
_MOST_TEXT = 16 << 20  # bytes of all strings together
_LONGEST_TEXT = 1 << 20
_WHOLE = 1 << 20  # a string table up to this many bytes is read at once
_LONGEST_INTERPRETER = 4096
_IDENT = 16
_SET_ASIDE = 0x62646C72  # the type of PT_INTERP where an entry stub maps the loader
_OWN_RPATH = 0x62646C72  # the search path that such a stub may put in the first one's place
_FIELDS = {
    "Elf_Ehdr": tuple("e_" + name for name in HeaderFacts._fields),
    "Elf_Phdr": tuple("p_" + name for name in SegmentFacts._fields),
    "Elf_Shdr": tuple("sh_" + name for name in SectionFacts._fields),
    "Elf_Dyn": ("d_tag", "d_val"),
    "Elf_Verneed": ("vn_cnt", "vn_file", "vn_aux", "vn_next"),
    "Elf_Vernaux": ("vna_hash", "vna_flags", "vna_other", "vna_name", "vna_next"),
    "Elf_Verdef": ("vd_flags", "vd_ndx", "vd_cnt", "vd_hash", "vd_aux", "vd_next"),
    "Elf_Verdaux": ("vda_name", "vda_next"),
    "Elf_Nhdr": ("n_namesz", "n_descsz", "n_type"),
}
_STRING_TAGS = (
    "DT_NEEDED", "DT_SONAME", "DT_RPATH", "DT_RUNPATH", "DT_CONFIG", "DT_DEPAUDIT", "DT_AUDIT", "DT_AUXILIARY", "DT_FILTER",
)  # fmt: skip
_Kind = tuple[int, bool, str | int, str | int]
"""Bits, whether little-endian, machine and OS ABI as pyelftools names them."""


def read_elf(file: BinaryIO, *, sections: bool = False) -> ElfFacts:
    """What pyelftools reads of the seekable `file`; the section headers only where asked for: the loader does not read them.

    Raises BinaryFormatError where a table leaves the file or is beyond all measure, and whatever pyelftools raises.
    """
    return _Reader(file).read(sections)


@functools.cache
def number_of(name: str) -> int:
    """The number behind a name of pyelftools: `DT_NEEDED` is 1."""
    groups = (
        "ENUM_P_TYPE",
        "ENUM_SH_TYPE",
        "ENUM_D_TAG",
        "ENUM_E_TYPE",
        "ENUM_E_MACHINE",
        "ENUM_E_VERSION",
        "ENUM_NOTE",
    )
    for group in dir(enums):
        if group.startswith(groups) and name in (numbers := getattr(enums, group)):
            return int(numbers[name])
    raise BinaryFormatError(f"pyelftools gives no number for {name}")


@functools.cache
def structs_of(kind: _Kind) -> ELFStructs:
    """pyelftools' structures for a class, byte order and machine, made once."""
    bits, little, machine, abi = kind
    found = ELFStructs(little_endian=little, elfclass=bits)
    found.create_basic_structs()
    found.create_advanced_structs(None, cast(str, machine), cast(str, abi))  # numbers where it has no names
    return found


@functools.lru_cache(maxsize=1 << 14)
def _parsed(kind: _Kind, name: str, data: bytes) -> tuple[int, ...]:
    """The fields of one structure as numbers; remembered, since most structures of a file are those of its source."""
    record = getattr(structs_of(kind), name).parse(data)
    values = [record[field] for field in _FIELDS[name]]
    return tuple(number_of(value) if isinstance(value, str) else value for value in values)


class _Reader:
    """One file while it is read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        file.seek(0, os.SEEK_END)  # not every kind of file gives its position back
        self._size = file.tell()
        self._ident = self._at(0, _IDENT, "e_ident")
        if self._ident[:4] != b"\x7fELF" or self._ident[4] not in (1, 2) or self._ident[5] not in (1, 2):
            raise BinaryFormatError(f"no ELF file: it begins with {self._ident.hex(' ')}")
        bits, little = 32 * self._ident[4], self._ident[5] == 1
        structs = structs_of((bits, little, 0, 0))
        head = structs.Elf_Ehdr.parse(self._at(0, structs.Elf_Ehdr.sizeof(), "the ELF header"))
        self._kind: _Kind = (bits, little, head["e_machine"], head["e_ident"]["EI_OSABI"])
        self._header = HeaderFacts(
            *(number_of(head[each]) if isinstance(head[each], str) else head[each] for each in _FIELDS["Elf_Ehdr"])
        )

    def read(self, with_sections: bool) -> ElfFacts:
        """Everything."""
        header, (bits, little, *_) = self._header, self._kind
        self._segments = tuple(
            map(SegmentFacts._make, self._table("Elf_Phdr", header.phoff, self._count_segments(), header.phentsize))
        )
        order: ByteOrder = "little" if little else "big"
        facts = ElfFacts(
            self._size, self._ident, bits, order, header, self._segments,
            self._sections() if with_sections else (),
            None, None, None, (), (), (), None, None,
        )  # fmt: skip
        stub = stub_of(self._file, facts)
        interpreter = self._first_of(_SET_ASIDE) if stub is not None and stub.loader else self._first("PT_INTERP")
        facts = replace(facts, interpreter_segment=interpreter, interpreter=self._interpreter(interpreter))
        place = self._first("PT_DYNAMIC")
        # Files of debug information have a PT_DYNAMIC whose bytes are in another file.
        if place is None or facts.offset_of(place.vaddr) is None:
            return facts
        return self._with_dynamic(facts, place)

    def _with_dynamic(self, facts: ElfFacts, place: SegmentFacts) -> ElfFacts:
        """The facts completed by what the dynamic section says."""
        if place.filesz > _MOST_DYNAMIC:
            raise BinaryFormatError(f"a dynamic section of {place.filesz} bytes")
        count = place.filesz // self._sizeof("Elf_Dyn")
        entries = []
        for tag, value in self._table("Elf_Dyn", place.offset, count):
            if tag == 0:
                break
            entries.append((tag, value))
        facts = replace(facts, dynamic_segment=place, dynamic=tuple(entries))
        address, size = facts.entry(number_of("DT_STRTAB")), facts.entry(number_of("DT_STRSZ"))
        offset = None if address is None else facts.offset_of(address)
        if address is None or size is None or offset is None:
            strings = None
        else:
            strings = StringsFacts(address, offset, size)
            if offset + size > self._size:
                raise BinaryFormatError(f"the string table ends at offset {offset + size}, the file at {self._size}")
        texts = _Texts(self, strings)
        tags = {_OWN_RPATH, *(number_of(name) for name in _STRING_TAGS)}
        names = tuple(NameFacts(tag, value, texts[value]) for tag, value in entries if tag in tags)
        needs, definitions = tuple(self._needs(facts, texts)), tuple(self._definitions(facts, texts))
        return replace(facts, strings=strings, names=names, needs=needs, definitions=definitions)

    def _needs(self, facts: ElfFacts, texts: _Texts) -> Iterator[VersionNeedFacts]:
        size, aux_size = self._sizeof("Elf_Verneed"), self._sizeof("Elf_Vernaux")
        total = 0
        for at, (count, library, aux, _) in self._chain(facts, "VERNEED", "Elf_Verneed"):
            total += 1 + count
            if total > _MOST_VERSIONS:
                raise BinaryFormatError(f"more than {_MOST_VERSIONS} needed versions")
            found, end = [], at + size
            for place, (hash_, flags, index, name, _) in self._links(at + aux, count, "Elf_Vernaux"):
                found.append(NeededVersion(texts[name], hash_, flags, index, name))
                end = max(end, place + aux_size)
            yield VersionNeedFacts(texts[library], library, at, end, tuple(found))

    def _definitions(self, facts: ElfFacts, texts: _Texts) -> Iterator[VersionDefinition]:
        total = 0
        for at, (flags, index, count, hash_, aux, _) in self._chain(facts, "VERDEF", "Elf_Verdef"):
            total += 1 + count
            if total > _MOST_VERSIONS:
                raise BinaryFormatError(f"more than {_MOST_VERSIONS} defined versions")
            names = [texts[name] for _, (name, _) in self._links(at + aux, count, "Elf_Verdaux")]
            yield VersionDefinition(index, flags, hash_, tuple(names))

    def _chain(self, facts: ElfFacts, what: str, name: str) -> Iterator[tuple[int, tuple[int, ...]]]:
        """The records of DT_VERNEED or DT_VERDEF, each with its offset."""
        address, count = facts.entry(number_of(f"DT_{what}")), facts.entry(number_of(f"DT_{what}NUM"))
        if address is None or not count:
            return
        offset = facts.offset_of(address)
        if offset is None:
            raise BinaryFormatError(f"no PT_LOAD holds DT_{what} at address {address:#x}")
        yield from self._links(offset, min(count, _MOST_VERSIONS + 1), name)

    def _links(self, offset: int, count: int, name: str) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Up to `count` records, each of which says in its last field how far the next one is, 0 in the last."""
        for _ in range(count):
            record = _parsed(self._kind, name, self._at(offset, self._sizeof(name), "a version record"))
            yield offset, record
            if record[-1] == 0:
                return
            offset += record[-1]

    def _interpreter(self, place: SegmentFacts | None) -> str | None:
        if place is None or place.filesz == 0:
            return None
        if place.filesz > _LONGEST_INTERPRETER:
            raise BinaryFormatError(f"an interpreter's path of {place.filesz} bytes")
        return os.fsdecode(self._at(place.offset, place.filesz, "the interpreter's path").split(b"\0", 1)[0])

    def _count_segments(self) -> int:
        if self._header.phnum != 0xFFFF:  # PN_XNUM: the count stands in section header 0
            return self._header.phnum
        return int(next(self._table("Elf_Shdr", self._header.shoff, 1))[SectionFacts._fields.index("info")])

    def _sections(self) -> tuple[SectionFacts, ...]:
        header = self._header
        if header.shoff == 0:
            return ()
        count = header.shnum or next(self._table("Elf_Shdr", header.shoff, 1))[SectionFacts._fields.index("size")]
        return tuple(map(SectionFacts._make, self._table("Elf_Shdr", header.shoff, count, header.shentsize)))

    def _table(self, name: str, offset: int, count: int, step: int | None = None) -> Iterator[tuple[int, ...]]:
        """`count` structures one behind the other."""
        size = self._sizeof(name)
        if count and step not in (None, size):
            raise BinaryFormatError(f"{name} has {size} bytes, the ELF header says {step}")
        if count > MOST_HEADERS:
            raise BinaryFormatError(f"{count} times {name}; the second reader stops at {MOST_HEADERS}")
        data = self._at(offset, count * size, f"a table of {count} {name}") if count else b""
        return (_parsed(self._kind, name, data[at : at + size]) for at in range(0, count * size, size))

    def _first(self, type_: str) -> SegmentFacts | None:
        return self._first_of(number_of(type_))

    def _first_of(self, wanted: int) -> SegmentFacts | None:
        return next((segment for segment in self._segments if segment.type == wanted), None)

    def _sizeof(self, name: str) -> int:
        return _sizeof(self._kind, name)

    def _at(self, offset: int, length: int, what: str) -> bytes:
        """Exactly these bytes; nothing is read where the file is too short for them."""
        if offset + length > self._size:
            raise BinaryFormatError(f"{what}: {length} bytes at offset {offset} of a file of {self._size} bytes")
        self._file.seek(offset)
        data = self._file.read(length)
        if len(data) != length:
            raise BinaryFormatError(f"{what}: {len(data)} bytes are there instead of {length}")
        return data

    def text_at(self, offset: int, limit: int) -> bytes:
        """The bytes from `offset` to the next NUL, which comes before offset `limit`."""
        found, limit = b"", min(limit, offset + _LONGEST_TEXT)
        while offset < limit:
            chunk = self._at(offset, min(256 + len(found), limit - offset), "a string")
            head, end, _ = chunk.partition(b"\0")
            found += head
            if end:
                return found
            offset += len(chunk)
        raise BinaryFormatError("a string without an end")

    def whole(self, strings: StringsFacts) -> bytes | None:
        """A small string table; None for a large one."""
        return self._at(strings.offset, strings.size, "the string table") if strings.size <= _WHOLE else None


@functools.cache
def _sizeof(kind: _Kind, name: str) -> int:
    return int(getattr(structs_of(kind), name).sizeof())


class _Texts:
    """The strings of the dynamic string table by their index, each read once, all together up to a bound."""

    def __init__(self, reader: _Reader, strings: StringsFacts | None) -> None:
        self._reader = reader
        self._strings = strings
        self._known: dict[int, str] = {}
        self._table: bytes | None = None
        self._total = 0

    def __getitem__(self, index: int) -> str:
        known = self._known.get(index)
        if known is not None:
            return known
        data = self._read(index)
        self._total += len(data)
        if self._total > _MOST_TEXT:
            raise BinaryFormatError(f"names of more than {_MOST_TEXT} bytes")
        return self._known.setdefault(index, os.fsdecode(data))

    def _read(self, index: int) -> bytes:
        if self._strings is None:
            raise BinaryFormatError("names, and no string table that a PT_LOAD holds")
        if index >= self._strings.size:
            raise BinaryFormatError(f"string {index} of a table of {self._strings.size} bytes")
        if self._table is None:
            self._table = self._reader.whole(self._strings)
        if self._table is None:
            return self._reader.text_at(self._strings.offset + index, self._strings.offset + self._strings.size)
        end = self._table.find(b"\0", index)
        if end < 0:
            raise BinaryFormatError("a string without an end")
        return self._table[index:end]


def symbol(facts: ElfFacts, data: bytes) -> dict[str, Any]:
    """The fields of an Elf_Sym as pyelftools gives them; `st_info` has `bind` and `type`."""
    return dict(structs_of(_kind_of(facts)).Elf_Sym.parse(data))


def note_header(facts: ElfFacts, data: bytes) -> tuple[int, int, int]:
    """The fields of an Elf_Nhdr: the sizes of name and description in bytes, and the type."""
    name, description, kind = _parsed(_kind_of(facts), "Elf_Nhdr", data)
    return name, description, kind


def _kind_of(facts: ElfFacts) -> _Kind:
    return facts.bits, facts.byteorder == "little", facts.header.machine, 0

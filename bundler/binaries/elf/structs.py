"""The structures of an ELF file, each field declared once for every class and byte order.

`structures(elf_class, byteorder)` gives the layouts: size, format and reader follow from the declaration.
Source: System V ABI, chapters 4 and 5; GNU symbol versioning. `A` stands for an address-sized unsigned
number, `a` for a signed one; other letters are those of Python's `struct`. The records are named tuples: a file has
hundreds, and these are made from unpacked bytes and compared without a step of Python's for each field.
"""

from __future__ import annotations

import functools
import operator
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Generic, Literal, NamedTuple, TypeVar

ByteOrder = Literal["little", "big"]
T = TypeVar("T")


class ElfClass(IntEnum):
    """EI_CLASS: how wide an address is."""

    ELF32 = 1
    ELF64 = 2

    @property
    def bits(self) -> int:
        """Width of an address in bits."""
        return 32 * self.value


class FileHeader(NamedTuple):
    """Elf_Ehdr behind its 16 bytes of e_ident."""

    type: int
    machine: int
    version: int
    entry: int
    phoff: int
    shoff: int
    flags: int
    ehsize: int
    phentsize: int
    phnum: int
    shentsize: int
    shnum: int
    shstrndx: int


class Segment(NamedTuple):
    """Elf_Phdr: offsets in bytes from the file's start, addresses before relocation."""

    type: int
    flags: int
    offset: int
    vaddr: int
    paddr: int
    filesz: int
    memsz: int
    align: int


class Section(NamedTuple):
    """Elf_Shdr."""

    name: int
    type: int
    flags: int
    addr: int
    offset: int
    size: int
    link: int
    info: int
    addralign: int
    entsize: int


class DynamicEntry(NamedTuple):
    """Elf_Dyn: one tag of the dynamic section with its number, address or string index."""

    tag: int
    value: int


class Symbol(NamedTuple):
    """Elf_Sym."""

    name: int
    info: int
    other: int
    shndx: int
    value: int
    size: int


class NoteHeader(NamedTuple):
    """Elf_Nhdr: sizes in bytes of the owner's name, its NUL included, and of the description."""

    namesz: int
    descsz: int
    type: int


class Verneed(NamedTuple):
    """Elf_Verneed: one library with versions needed of it; `aux` and `next` count from this record."""

    version: int
    cnt: int
    file: int
    aux: int
    next: int


class Vernaux(NamedTuple):
    """Elf_Vernaux: one version needed; `next` counts from this record."""

    hash: int
    flags: int
    other: int
    name: int
    next: int


class Verdef(NamedTuple):
    """Elf_Verdef: one version defined; `aux` and `next` count from this record."""

    version: int
    flags: int
    ndx: int
    cnt: int
    hash: int
    aux: int
    next: int


class Verdaux(NamedTuple):
    """Elf_Verdaux: a name of a defined version or of its parent."""

    name: int
    next: int


_HEADER = (
    "type:H machine:H version:I entry:A phoff:A shoff:A flags:I ehsize:H phentsize:H phnum:H "
    "shentsize:H shnum:H shstrndx:H"
)
_SEGMENT_32 = "type:I offset:I vaddr:I paddr:I filesz:I memsz:I flags:I align:I"
_SEGMENT_64 = "type:I flags:I offset:Q vaddr:Q paddr:Q filesz:Q memsz:Q align:Q"
_SECTION = "name:I type:I flags:A addr:A offset:A size:A link:I info:I addralign:A entsize:A"
_DYNAMIC = "tag:a value:A"
_SYMBOL_32 = "name:I value:I size:I info:B other:B shndx:H"
_SYMBOL_64 = "name:I info:B other:B shndx:H value:Q size:Q"
_NOTE = "namesz:I descsz:I type:I"
_VERNEED = "version:H cnt:H file:I aux:I next:I"
_VERNAUX = "hash:I flags:H other:H name:I next:I"
_VERDEF = "version:H flags:H ndx:H cnt:H hash:I aux:I next:I"
_VERDAUX = "name:I next:I"


@dataclass(frozen=True, slots=True)
class Layout(Generic[T]):
    """How one structure lies in the file."""

    names: tuple[str, ...]
    """The fields in the file's order."""
    codec: struct.Struct
    positions: tuple[int, ...]
    make: Callable[[Iterable[int]], T]
    """The record of numbers in the file's order."""
    fields: Callable[[T], Iterable[int]]
    """The other way round."""

    @property
    def size(self) -> int:
        """Size of the structure in bytes."""
        return self.codec.size

    def position(self, name: str) -> int:
        """Offset in bytes of the field `name` from the structure's start."""
        return self.positions[self.names.index(name)]

    def read(self, data: bytes, offset: int = 0) -> T:
        """The structure at `offset`; struct.error where `data` is too short."""
        return self.make(self.codec.unpack_from(data, offset))

    def read_all(self, data: bytes) -> Iterator[T]:
        """The structures that lie in `data` one behind the other; an incomplete last one is left out."""
        return map(self.make, self.codec.iter_unpack(data[: len(data) - len(data) % self.size]))

    def pack(self, record: T) -> bytes:
        """The structure's bytes; struct.error where a number does not fit its field."""
        return self.codec.pack(*self.fields(record))

    def pack_field(self, name: str, value: int) -> bytes:
        """The bytes of one field; struct.error where the number does not fit."""
        return struct.pack(self.codec.format[0] + self.codec.format[1 + self.names.index(name)], value)

    def only(self, name: str) -> struct.Struct:
        """A format of the whole structure that yields the field `name` and skips the rest."""
        start = self.position(name)
        code = self.codec.format[1 + self.names.index(name)]
        end = start + struct.calcsize("=" + code)
        return struct.Struct(f"{self.codec.format[0]}{start}x{code}{self.size - end}x")


@dataclass(frozen=True, slots=True)
class Structures:
    """The layouts of one class and byte order."""

    elf_class: ElfClass
    byteorder: ByteOrder
    header: Layout[FileHeader]
    segment: Layout[Segment]
    section: Layout[Section]
    dynamic: Layout[DynamicEntry]
    symbol: Layout[Symbol]
    note: Layout[NoteHeader]
    verneed: Layout[Verneed]
    vernaux: Layout[Vernaux]
    verdef: Layout[Verdef]
    verdaux: Layout[Verdaux]
    half: struct.Struct
    """A 16-bit number."""
    word: struct.Struct
    """A 32-bit number."""
    address: struct.Struct
    """An address-sized number."""


def _conversions(kind: Any, names: tuple[str, ...]) -> tuple[Callable[[Iterable[int]], Any], Callable[[Any], Any]]:
    """From the file's order of fields to a record, and back. ELF32 and ELF64 order them differently here and there."""
    assert {*kind._fields} == {*names}
    make = functools.partial(tuple.__new__, kind)  # what `_make` does, without a step in Python
    if kind._fields == names:
        return make, tuple
    to_record = operator.itemgetter(*map(names.index, kind._fields))
    to_file = operator.itemgetter(*map(kind._fields.index, names))
    return lambda numbers: make(to_record(numbers)), to_file


@functools.cache
def structures(elf_class: ElfClass, byteorder: ByteOrder) -> Structures:
    """The layouts for a class and byte order, made once."""
    wide = elf_class is ElfClass.ELF64
    order = "<" if byteorder == "little" else ">"
    address = {"A": "Q" if wide else "I", "a": "q" if wide else "i"}

    def layout(kind: Any, declaration: str) -> Layout[Any]:
        pairs = [field.split(":") for field in declaration.split()]
        codes = [address.get(code, code) for _, code in pairs]
        names = tuple(name for name, _ in pairs)
        positions = tuple(struct.calcsize(order + "".join(codes[:count])) for count in range(len(codes)))
        return Layout(names, struct.Struct(order + "".join(codes)), positions, *_conversions(kind, names))

    return Structures(
        elf_class,
        byteorder,
        header=layout(FileHeader, _HEADER),
        segment=layout(Segment, _SEGMENT_64 if wide else _SEGMENT_32),
        section=layout(Section, _SECTION),
        dynamic=layout(DynamicEntry, _DYNAMIC),
        symbol=layout(Symbol, _SYMBOL_64 if wide else _SYMBOL_32),
        note=layout(NoteHeader, _NOTE),
        verneed=layout(Verneed, _VERNEED),
        vernaux=layout(Vernaux, _VERNAUX),
        verdef=layout(Verdef, _VERDEF),
        verdaux=layout(Verdaux, _VERDAUX),
        half=struct.Struct(order + "H"),
        word=struct.Struct(order + "I"),
        address=struct.Struct(order + address["A"]),
    )

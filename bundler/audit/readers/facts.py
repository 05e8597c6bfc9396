"""What the second reader reads of a binary. Nothing here comes from the patcher's own readers.

Offsets are in bytes from the file's start (Mach-O: from the slice's start), addresses are those before relocation. Strings are
decoded with os.fsdecode.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

ByteOrder = Literal["little", "big"]


class HeaderFacts(NamedTuple):
    """The ELF header behind its 16 bytes of e_ident."""

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


class SegmentFacts(NamedTuple):
    """A program header."""

    type: int
    flags: int
    offset: int
    vaddr: int
    paddr: int
    filesz: int
    memsz: int
    align: int

    @property
    def range(self) -> tuple[int, int]:
        """The bytes of the file that it has: start and end."""
        return self.offset, self.offset + self.filesz


class SectionFacts(NamedTuple):
    """A section header; `name` is an index into the table of section names."""

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


class NameFacts(NamedTuple):
    """A dynamic tag that names a string: the tag, the string's place in the table and the string."""

    tag: int
    place: int
    text: str


class StringsFacts(NamedTuple):
    """The dynamic string table."""

    address: int
    offset: int
    size: int

    @property
    def range(self) -> tuple[int, int]:
        """The bytes of the file that it has: start and end."""
        return self.offset, self.offset + self.size


class NeededVersion(NamedTuple):
    """A version that is needed of a library; `number` is what symbols call it, `place` its name's in the string table."""

    name: str
    hash: int
    flags: int
    number: int
    place: int


class VersionNeedFacts(NamedTuple):
    """The versions needed of one library. `place` is the name's in the string table.

    `start` is the record's offset in the file, and `end` is behind the last of its versions.
    """

    library: str
    place: int
    start: int
    end: int
    versions: tuple[NeededVersion, ...]


class VersionDefinition(NamedTuple):
    """A version that is defined: its own name first, its parents' behind."""

    number: int
    flags: int
    hash: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ElfFacts:
    """What pyelftools reads of an ELF file."""

    size: int
    """Of the file, in bytes."""
    ident: bytes
    bits: int
    byteorder: ByteOrder
    header: HeaderFacts
    segments: tuple[SegmentFacts, ...]
    sections: tuple[SectionFacts, ...]
    """Empty where they were not asked for."""
    dynamic_segment: SegmentFacts | None
    dynamic: tuple[tuple[int, int], ...] | None
    """Tag and number of the entries before DT_NULL; None where the file holds no dynamic section."""
    strings: StringsFacts | None
    names: tuple[NameFacts, ...]
    needs: tuple[VersionNeedFacts, ...]
    definitions: tuple[VersionDefinition, ...]
    interpreter_segment: SegmentFacts | None
    interpreter: str | None

    def texts(self, *tags: int) -> tuple[str, ...]:
        """The strings of all entries with one of `tags`, in order."""
        return tuple(name.text for name in self.names if name.tag in tags)

    def entry(self, tag: int) -> int | None:
        """The number of the last entry with a tag; None where there is none."""
        return next((value for found, value in reversed(self.dynamic or ()) if found == tag), None)

    def offset_of(self, address: int) -> int | None:
        """File offset of the byte at an address; None where no PT_LOAD has it in the file."""
        for load in self.loads:
            if load.vaddr <= address < load.vaddr + load.filesz:
                return load.offset + address - load.vaddr
        return None

    @property
    def loads(self) -> tuple[SegmentFacts, ...]:
        """The PT_LOADs, in the table's order."""
        return tuple(segment for segment in self.segments if segment.type == 1)


class MachSection(NamedTuple):
    """A section of a Mach-O segment, each of its fields."""

    name: str
    segment: str
    address: int
    size: int
    offset: int
    align: int
    reloff: int
    nreloc: int
    flags: int


class MachSegment(NamedTuple):
    """A Mach-O segment, each of its fields."""

    name: str
    vmaddr: int
    vmsize: int
    fileoff: int
    filesize: int
    maxprot: int
    initprot: int
    flags: int
    sections: tuple[MachSection, ...]


class CommandFacts(NamedTuple):
    """A load command: its number and all of its bytes; `name` is the string that it carries, `name_offset` where that begins."""

    cmd: int
    data: bytes
    name: str | None
    name_offset: int


@dataclass(frozen=True, slots=True)
class SliceFacts:
    """What macholib reads of one slice."""

    offset: int
    """Where the slice begins in the file."""
    size: int
    bits: int
    byteorder: ByteOrder
    cputype: int
    cpusubtype: int
    filetype: int
    flags: int
    reserved: int
    """The last word of a 64-bit header."""
    commands: tuple[CommandFacts, ...]
    commands_end: int
    """Behind the last load command."""
    segments: tuple[MachSegment, ...]
    signature: tuple[int, int] | None
    """Offset and size."""
    minimum_os: tuple[int, int, int] | None

    def names(self, *kinds: int) -> tuple[tuple[int, str], ...]:
        """The load commands of these kinds that carry a string, in order: kind and string."""
        return tuple((each.cmd, each.name) for each in self.commands if each.cmd in kinds and each.name is not None)


@dataclass(frozen=True, slots=True)
class MachOFacts:
    """What macholib reads of a Mach-O file."""

    size: int
    fat_magic: int | None
    slices: tuple[SliceFacts, ...]
    archs: tuple[tuple[int, int, int], ...]
    """What a fat header says of each slice: processor, its kind, and the power of two at whose multiples the slice begins."""

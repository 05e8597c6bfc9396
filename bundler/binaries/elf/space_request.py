"""What needs room in the new file, and how the parts that hold it lie one behind the other."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.dynamic import WantedEntry
from bundler.binaries.elf.parsed_file import MovablePart, ParsedFile
from bundler.binaries.elf.strings import StringPlacement
from bundler.binaries.elf.structs import DynamicEntry
from bundler.binaries.reading import read_at

_ALIGNMENT = 16
_SPARE_ENTRIES = 5


@dataclass(frozen=True, slots=True)
class SpaceRequest:
    """All that the new file shall hold."""

    entries: Sequence[WantedEntry]
    """The dynamic entries in front of DT_NULL."""
    strings: StringPlacement
    interpreter: bytes | None
    """The new path with its NUL; None where it stays."""
    edits: Mapping[int, bytes]
    """Bytes that change in place whatever moves, by file offset."""
    sections: Mapping[int, Mapping[str, int]]
    """Fields of section headers that change whatever moves, by the section's number."""
    flags: Mapping[int, int] = field(default_factory=dict)
    """The flags of program headers that change whatever moves, by the header's number."""

    def moving(self, parsed: ParsedFile) -> frozenset[MovablePart]:
        """The parts that do not fit where they are."""
        return frozenset(part for part in MovablePart if self.shortfall(parsed, part) is not None)

    def shortfall(self, parsed: ParsedFile, part: MovablePart) -> str | None:
        """Why a part does not fit where it is; None where it does."""
        match part:
            case MovablePart.DYNAMIC:
                if len(self.entries) <= len(parsed.image.dynamic or ()):
                    return None  # it has a DT_NULL in it, or does without one as before
                needed, there, unit = len(self.entries) + 1, parsed.capacity, "entries"
            case MovablePart.INTERPRETER:
                extent = parsed.extent(part)
                needed, there, unit = len(self.interpreter or b""), extent[1] if extent else 0, "bytes"
            case MovablePart.TABLE:
                there, unit = len(parsed.table.data), "bytes"
                needed = self.strings.new_size(there)
        return f"{part.value} needs {needed} {unit} and has {there}" if needed > there else None

    def entries_at(self, parsed: ParsedFile, layout: PartLayout) -> tuple[DynamicEntry, ...]:
        """The finished entries for parts that lie as `layout` says.

        DT_MIPS_RLD_MAP_REL counts from its own entry, so it changes where the entry moves.
        """
        layouts = parsed.image.structures
        size = layouts.dynamic.size
        address = layout.addresses.get(MovablePart.DYNAMIC, parsed.dynamic_address)
        new: dict[int, int] = {}
        if MovablePart.TABLE in layout.addresses:
            new = {c.DT_STRTAB: layout.addresses[MovablePart.TABLE], c.DT_STRSZ: layout.sizes[MovablePart.TABLE]}
        entries = []
        for number, (tag, old, text, origin) in enumerate(self.entries):
            value = new.get(tag, old) if text is None else self.strings.indices[text]
            if tag == c.DT_MIPS_RLD_MAP_REL and origin is not None:
                moved = address + number * size - (parsed.dynamic_address + origin * size)
                value = (old - moved) % (1 << layouts.elf_class.bits)
            entries.append(DynamicEntry(tag, value))
        return tuple(entries)


@dataclass(frozen=True, slots=True)
class PartLayout:
    """Parts one behind the other, at new addresses."""

    start: int
    """Address of the first byte."""
    end: int
    """Address behind the last byte."""
    addresses: Mapping[MovablePart, int]
    sizes: Mapping[MovablePart, int]
    """In bytes, what a part has in reserve included."""

    def contents(self, parsed: ParsedFile, space: SpaceRequest) -> bytes:
        """The bytes from `start` to `end`."""
        data = bytearray(self.end - self.start)
        for part, address in self.addresses.items():
            match part:
                case MovablePart.DYNAMIC:
                    pack = parsed.image.structures.dynamic.pack
                    new = b"".join(pack(entry) for entry in space.entries_at(parsed, self))
                case MovablePart.INTERPRETER:
                    new = interpreter_bytes(parsed, space)
                case MovablePart.TABLE:
                    new = space.strings.apply(parsed.table.data)
            data[address - self.start : address - self.start + len(new)] = new
        return bytes(data)

    def describe(self) -> str:
        """The parts, in words."""
        names = [part.value for part in self.addresses]
        return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def interpreter_bytes(parsed: ParsedFile, space: SpaceRequest) -> bytes:
    """The interpreter's path with its NUL, the new one or the old."""
    if space.interpreter is not None:
        return space.interpreter
    number = parsed.interpreter_segment
    assert number is not None
    segment = parsed.image.segments[number]
    return read_at(parsed.file, segment.offset, segment.filesz, "the interpreter's path")


def lay_out(
    parsed: ParsedFile, space: SpaceRequest, parts: Collection[MovablePart], start: int, least_end: int = 0
) -> PartLayout:
    """The layout of `parts` from address `start` on, the first one exactly there, which ends at `least_end` or later."""
    addresses: dict[MovablePart, int] = {}
    sizes: dict[MovablePart, int] = {}
    at = start
    for part in MovablePart:
        if part not in parts:
            continue
        at = _align(at, part) if addresses else start
        extent = parsed.extent(part)
        match part:
            case MovablePart.DYNAMIC:
                wanted = (len(space.entries) + 1 + _SPARE_ENTRIES) * parsed.image.structures.dynamic.size
                size = extent[1] if extent and parsed.capacity > len(space.entries) else wanted
            case MovablePart.INTERPRETER:
                size = len(interpreter_bytes(parsed, space))
            case MovablePart.TABLE:
                size = len(space.strings.apply(parsed.table.data))
        addresses[part], sizes[part] = at, size
        at += size
    return PartLayout(start, max(at, least_end), addresses, sizes)


def trailing_parts(
    parsed: ParsedFile, number: int, moving: Collection[MovablePart]
) -> tuple[int, frozenset[MovablePart]]:
    """The parts that end segment `number`, down to the last one of `moving`, with the address at which they begin.

    They are laid out anew together with what moves, so that edits done again and again do not pile up.
    """
    segment = parsed.image.segments[number]
    end = segment.vaddr + segment.memsz
    if segment.filesz != segment.memsz:
        return end, frozenset()
    start, found = end, frozenset[MovablePart]()
    at, chain, follower = end, frozenset[MovablePart](), None
    while True:
        for part in MovablePart:
            extent = parsed.extent(part)
            if part in chain or extent is None or extent[0] < segment.vaddr:
                continue
            if at == (extent[0] + extent[1] if follower is None else _align(extent[0] + extent[1], follower)):
                at, chain, follower = extent[0], chain | {part}, part
                break
        else:
            return start, found
        if follower in moving:
            start, found = at, chain


def _align(address: int, part: MovablePart) -> int:
    return -(-address // _ALIGNMENT) * _ALIGNMENT if part is MovablePart.DYNAMIC else address

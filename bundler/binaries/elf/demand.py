"""What needs room: the wanted dynamic entries, the placed strings, and a longer path of the interpreter."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.dynamic import WantedEntry
from bundler.binaries.elf.source import Part, Source
from bundler.binaries.elf.strings import Placement
from bundler.binaries.elf.structs import DynamicEntry

_ALIGNMENT = 16
_SPARE_ENTRIES = 5


@dataclass(frozen=True, slots=True)
class Demand:
    """All that is wanted of the new file. `edits` by file offset are settled already, as are changes of sections."""

    entries: Sequence[WantedEntry]
    strings: Placement
    interpreter: bytes | None
    """The new path with its NUL; None where it stays."""
    edits: Mapping[int, bytes]
    sections: Mapping[int, Mapping[str, int]]
    """Fields of section headers, by number."""

    def moving(self, source: Source) -> frozenset[Part]:
        """The parts that do not fit where they are."""
        return frozenset(part for part in Part if self.lack(source, part) is not None)

    def lack(self, source: Source, part: Part) -> str | None:
        """Why a part does not fit where it is; None where it does."""
        match part:
            case Part.DYNAMIC:
                if len(self.entries) <= len(source.image.dynamic or ()):
                    return None  # it has a DT_NULL in it, or does without one as before
                needed, there, unit = len(self.entries) + 1, source.capacity, "entries"
            case Part.INTERPRETER:
                extent = source.extent(part)
                needed, there, unit = len(self.interpreter or b""), extent[1] if extent else 0, "bytes"
            case Part.TABLE:
                there, unit = len(source.table.data), "bytes"
                needed = self.strings.new_size(there)
        return f"{part.value} needs {needed} {unit} and has {there}" if needed > there else None

    def entries_at(self, source: Source, layout: Layout) -> tuple[DynamicEntry, ...]:
        """The finished entries for parts that lie as `layout` says.

        DT_MIPS_RLD_MAP_REL counts from its own entry, so it changes where the entry moves.
        """
        layouts = source.image.structures
        size = layouts.dynamic.size
        address = layout.addresses.get(Part.DYNAMIC, source.dynamic_address)
        new: dict[int, int] = {}
        if Part.TABLE in layout.addresses:
            new = {c.DT_STRTAB: layout.addresses[Part.TABLE], c.DT_STRSZ: layout.sizes[Part.TABLE]}
        entries = []
        for number, (tag, old, text, origin) in enumerate(self.entries):
            value = new.get(tag, old) if text is None else self.strings.indices[text]
            if tag == c.DT_MIPS_RLD_MAP_REL and origin is not None:
                moved = address + number * size - (source.dynamic_address + origin * size)
                value = (old - moved) % (1 << layouts.elf_class.bits)
            entries.append(DynamicEntry(tag, value))
        return tuple(entries)


@dataclass(frozen=True, slots=True)
class Layout:
    """Parts one behind the other from address `start` to address `end`."""

    start: int
    end: int
    addresses: Mapping[Part, int]
    sizes: Mapping[Part, int]

    def contents(self, source: Source, demand: Demand) -> bytes:
        """The bytes from `start` to `end`."""
        data = bytearray(self.end - self.start)
        for part, address in self.addresses.items():
            match part:
                case Part.DYNAMIC:
                    pack = source.image.structures.dynamic.pack
                    new = b"".join(pack(entry) for entry in demand.entries_at(source, self))
                case Part.INTERPRETER:
                    new = interpreter_bytes(source, demand)
                case Part.TABLE:
                    new = demand.strings.apply(source.table.data)
            data[address - self.start : address - self.start + len(new)] = new
        return bytes(data)

    def describe(self) -> str:
        """The parts, in words."""
        names = [part.value for part in self.addresses]
        return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def interpreter_bytes(source: Source, demand: Demand) -> bytes:
    """The interpreter's path with its NUL, the new one or the old."""
    if demand.interpreter is not None:
        return demand.interpreter
    number = source.interpreter_segment
    assert number is not None
    segment = source.image.segments[number]
    source.file.seek(segment.offset)
    return source.file.read(segment.filesz)


def lay(source: Source, demand: Demand, parts: Collection[Part], start: int, least_end: int = 0) -> Layout:
    """Lay `parts` one behind the other from address `start` on, the first one exactly there."""
    addresses: dict[Part, int] = {}
    sizes: dict[Part, int] = {}
    at = start
    for part in Part:
        if part not in parts:
            continue
        at = _align(at, part) if addresses else start
        extent = source.extent(part)
        match part:
            case Part.DYNAMIC:
                wanted = (len(demand.entries) + 1 + _SPARE_ENTRIES) * source.image.structures.dynamic.size
                size = extent[1] if extent and source.capacity > len(demand.entries) else wanted
            case Part.INTERPRETER:
                size = len(interpreter_bytes(source, demand))
            case Part.TABLE:
                size = len(demand.strings.apply(source.table.data))
        addresses[part], sizes[part] = at, size
        at += size
    return Layout(start, max(at, least_end), addresses, sizes)


def tail(source: Source, number: int, moving: Collection[Part]) -> tuple[int, frozenset[Part]]:
    """The address at which parts that end segment `number` begin, down to the last one of `moving`, and those parts.

    They are laid anew together with what is moved, so that edits done again and again do not pile up.
    """
    segment = source.image.segments[number]
    end = segment.vaddr + segment.memsz
    if segment.filesz != segment.memsz:
        return end, frozenset()
    start, found = end, frozenset[Part]()
    at, chain, follower = end, frozenset[Part](), None
    while True:
        for part in Part:
            extent = source.extent(part)
            if part in chain or extent is None or extent[0] < segment.vaddr:
                continue
            if at == (extent[0] + extent[1] if follower is None else _align(extent[0] + extent[1], follower)):
                at, chain, follower = extent[0], chain | {part}, part
                break
        else:
            return start, found
        if follower in moving:
            start, found = at, chain


def _align(address: int, part: Part) -> int:
    return -(-address // _ALIGNMENT) * _ALIGNMENT if part is Part.DYNAMIC else address

"""A new layout in the making: segments, sections and bytes that change, gathered and turned into a patch once."""

from __future__ import annotations

from collections.abc import Sequence

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.demand import Demand, Layout
from bundler.binaries.elf.image import IDENT_SIZE
from bundler.binaries.elf.sections import holders, in_segment
from bundler.binaries.elf.source import Part, Source
from bundler.binaries.elf.structs import DynamicEntry, Section, Segment
from bundler.binaries.patch import Literal, Patch, Piece, splice
from bundler.binaries.reading import read_at
from bundler.errors import BinaryFormatError, CannotPatch

_CHUNK = 1 << 16
_SECTION_TYPES = {Part.DYNAMIC: c.SHT_DYNAMIC, Part.INTERPRETER: c.SHT_PROGBITS, Part.TABLE: c.SHT_STRTAB}
NOWHERE = Layout(0, 0, {}, {})
"""The layout in which nothing moves."""


class Draft:
    """Changes to a source, gathered. All offsets are the source's until `finish`."""

    def __init__(self, source: Source, demand: Demand) -> None:
        self.source = source
        self.demand = demand
        self.segments: list[Segment] = list(source.image.segments)
        self.sections: list[Section] = list(source.sections.sections)
        self.edits: dict[int, bytes] = dict(demand.edits)
        self.insertions: dict[int, tuple[Piece, ...]] = {}
        for number, changes in demand.sections.items():
            self.set_section(number, **changes)

    def set_segment(self, number: int, **changes: int) -> None:
        """Change fields of a program header."""
        self.segments[number] = self.segments[number]._replace(**changes)

    def set_section(self, number: int | None, **changes: int) -> None:
        """Change fields of a section header, where there is one."""
        if number is not None:
            self.sections[number] = self.sections[number]._replace(**changes)

    def set_header(self, name: str, value: int) -> None:
        """Change a field of the file header."""
        layout = self.source.image.structures.header
        self.edits[IDENT_SIZE + layout.position(name)] = layout.pack_field(name, value)

    def place(self, layout: Layout, offset: int) -> None:
        """Settle all parts: those of `layout` move, so that its start lies at `offset`; the others change in place.

        The layout's own bytes are not written here.
        """
        for part in Part:
            if part in layout.addresses:
                self._move(part, layout, offset + layout.addresses[part] - layout.start)
            else:
                self._change(part, layout)

    def _change(self, part: Part, layout: Layout) -> None:
        """Change a part where it is."""
        source, demand = self.source, self.demand
        match part:
            case Part.DYNAMIC:
                self._edit_dynamic(demand.entries_at(source, layout))
            case Part.TABLE:
                self._edit_table(demand.strings.changes_in_place(len(source.table.data)))
            case Part.INTERPRETER:
                number = source.interpreter_segment
                if demand.interpreter is not None and number is not None:
                    segment = source.image.segments[number]
                    self.edits[segment.offset] = demand.interpreter.ljust(segment.filesz, b"\0")

    def _move(self, part: Part, layout: Layout, offset: int) -> None:
        """Point headers and symbols to the new place of a part; what it leaves behind elsewhere is cleared."""
        source = self.source
        address, size = layout.addresses[part], layout.sizes[part]
        extent = source.extent(part)
        assert extent is not None
        old, old_size = extent
        leaves = not layout.start <= old < layout.end
        match part:
            case Part.TABLE:
                if leaves:
                    self._edit_table(self.demand.strings.changes)
            case Part.DYNAMIC:
                self._point(source.dynamic_segment, address, offset, size)
                if address != old:
                    for place in _dynamic_symbols(source, old):
                        self.edits[place] = source.image.structures.address.pack(address)
            case Part.INTERPRETER:
                number = source.interpreter_segment
                assert number is not None
                self._point(number, address, offset, size)
                if leaves:
                    self.edits[source.image.segments[number].offset] = bytes(old_size)
        section = source.sections.find(_SECTION_TYPES[part], old)
        self.set_section(section, addr=address, offset=offset, size=size)
        if section is not None and address != old:
            for place in _section_symbols(source, section):
                self.edits[place] = source.image.structures.address.pack(address)

    def _point(self, number: int, address: int, offset: int, size: int) -> None:
        self.set_segment(number, offset=offset, vaddr=address, paddr=address, filesz=size, memsz=size)

    def _edit_table(self, changes: dict[int, bytes]) -> None:
        """Change bytes of the string table where it is."""
        for at, data in changes.items():
            if data:
                self.edits[self.source.table.offset + at] = data

    def _edit_dynamic(self, entries: Sequence[DynamicEntry]) -> None:
        """Write the entries over the old ones, DT_NULL behind them; only what differs is touched."""
        layout = self.source.image.structures.dynamic
        old = self.source.image.dynamic or ()
        null = DynamicEntry(c.DT_NULL, 0)
        for number in range(max(len(old), len(entries))):
            new = entries[number] if number < len(entries) else null
            if number >= len(old) or new != old[number]:
                self.edits[self.source.dynamic_offset + number * layout.size] = layout.pack(new)

    def vacated(self) -> list[int]:
        """The PT_LOADs that lost their last section: BFD's strip writes nonsense for those (reference 1.3, rule V)."""
        return sorted(self.source.holders - holders(self.sections, self.segments))

    def cover(self, number: int) -> None:
        """Add a section header over what a string table or .dynamic left behind in segment `number`.

        The header table must be the last thing of the ELF image, as it is for every linker: CannotPatch otherwise.
        """
        segment = self.segments[number]
        table = self.source.sections
        size = len(table.sections) * self.source.image.structures.section.size
        if any(end > table.offset + size for _, end in self.source.owned):
            raise CannotPatch(f"segment {number} would be left without a section, and there is no room for another")
        old = next(s for s in table.sections if in_segment(s, segment.vaddr, segment.memsz))
        # Its name without the dot: an index into the section names that is there already.
        size = min(old.size, segment.vaddr + segment.memsz - old.addr)
        section = old._replace(name=old.name + 1, type=c.SHT_PROGBITS, size=size, link=0, info=0, entsize=0)
        self.sections.append(section)

    def finish(self, shoff: int | None = None) -> Patch:
        """The patch. `shoff` is the new place of the section header table, where it moves.

        Raises BinaryFormatError where two tables of the file lie one over the other, so that both cannot be changed.
        """
        source, layouts = self.source, self.source.image.structures
        edits = self.edits
        for number, segment in enumerate(source.image.segments):
            if self.segments[number] != segment and len(self.segments) == len(source.image.segments):
                edits[source.header.phoff + number * layouts.segment.size] = layouts.segment.pack(self.segments[number])
        for number, old in enumerate(source.sections.sections):
            if self.sections[number] != old:
                place = source.sections.offset + number * layouts.section.size
                edits[place] = layouts.section.pack(self.sections[number])
        if added := self.sections[source.header.shnum :]:
            end = source.sections.offset + source.header.shnum * layouts.section.size
            self.insertions[end] = tuple(Literal(layouts.section.pack(section)) for section in added)
            self.set_header("shnum", len(self.sections))
        if shoff is not None and shoff != source.header.shoff:
            self.set_header("shoff", shoff)
        try:
            return splice(source.image.size, edits, self.insertions)
        except ValueError as error:
            raise BinaryFormatError(f"the file's tables overlap: {error}") from error


def _section_symbols(source: Source, number: int) -> list[int]:
    """File offsets of the value of each symbol that stands for a section (mold and older versions of bfd make them).

    Linkers put them in front of all others, so that no more than a few for each section are looked at.
    """
    layout, sections = source.image.structures.symbol, source.sections.sections
    found = []
    for section in sections:
        if section.type == c.SHT_SYMTAB:
            count = min(section.size // layout.size, section.info, 2 * len(sections) + 16)
            data = read_at(source.file, section.offset, count * layout.size, "a symbol table")
            for index, symbol in enumerate(layout.read_all(data)):
                if symbol.info & 0xF == c.STT_SECTION and symbol.shndx == number:
                    found.append(section.offset + index * layout.size + layout.position("value"))
    return found


def _dynamic_symbols(source: Source, address: int) -> list[int]:
    """File offsets of the value of each symbol named _DYNAMIC."""
    file, sections = source.file, source.sections.sections
    layout = source.image.structures.symbol
    value = layout.only("value")
    found = []
    for section in sections:
        if section.type not in (c.SHT_SYMTAB, c.SHT_DYNSYM) or section.link >= len(sections):
            continue
        names = sections[section.link]
        for start in range(0, section.size - section.size % layout.size, _CHUNK * layout.size):
            length = min(_CHUNK * layout.size, section.size - section.size % layout.size - start)
            data = read_at(file, section.offset + start, length, "a symbol table")
            for index, (number,) in enumerate(value.iter_unpack(data)):
                if number != address:
                    continue
                name = layout.read(data, index * layout.size).name
                if name + 9 <= names.size and read_at(file, names.offset + name, 9, "a name") == b"_DYNAMIC\0":
                    place = section.offset + start + index * layout.size + layout.position("value")
                    found.append(place)
    return found

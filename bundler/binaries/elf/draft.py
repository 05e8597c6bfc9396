"""A new layout in the making: changes of segments, sections and bytes are gathered, and turned into a patch once."""

from __future__ import annotations

from collections.abc import Sequence

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.image import IDENT_SIZE
from bundler.binaries.elf.parsed_file import MovablePart, ParsedFile
from bundler.binaries.elf.sections import holders, in_segment
from bundler.binaries.elf.space_request import PartLayout, SpaceRequest
from bundler.binaries.elf.structs import DynamicEntry, Section, Segment
from bundler.binaries.patch import Literal, Patch, Piece, splice
from bundler.binaries.reading import read_at
from bundler.errors import BinaryFormatError, CannotPatch

_CHUNK = 1 << 16
_SECTION_TYPES = {
    MovablePart.DYNAMIC: c.SHT_DYNAMIC,
    MovablePart.INTERPRETER: c.SHT_PROGBITS,
    MovablePart.TABLE: c.SHT_STRTAB,
}
NOWHERE = PartLayout(0, 0, {}, {})
"""The layout in which nothing moves."""


class LayoutDraft:
    """Changes to a parsed file, gathered. All offsets are the old file's until `finish`."""

    def __init__(self, parsed: ParsedFile, space: SpaceRequest) -> None:
        self.parsed = parsed
        self.space = space
        self.segments: list[Segment] = list(parsed.image.segments)
        self.sections: list[Section] = list(parsed.sections.sections)
        self.edits: dict[int, bytes] = dict(space.edits)
        self.insertions: dict[int, tuple[Piece, ...]] = {}
        for number, changes in space.sections.items():
            self.set_section(number, **changes)
        for number, flags in space.flags.items():
            self.set_segment(number, flags=flags)

    def set_segment(self, number: int, **changes: int) -> None:
        """Change fields of a program header."""
        self.segments[number] = self.segments[number]._replace(**changes)

    def set_section(self, number: int | None, **changes: int) -> None:
        """Change fields of a section header, where there is one."""
        if number is not None:
            self.sections[number] = self.sections[number]._replace(**changes)

    def set_header(self, name: str, value: int) -> None:
        """Change a field of the file header."""
        layout = self.parsed.image.structures.header
        self.edits[IDENT_SIZE + layout.position(name)] = layout.pack_field(name, value)

    def place(self, layout: PartLayout, offset: int) -> None:
        """Change all parts: those of `layout` move, so that its start lies at `offset`; the others change in place.

        The layout's own bytes are not written here.
        """
        for part in MovablePart:
            if part in layout.addresses:
                self._move(part, layout, offset + layout.addresses[part] - layout.start)
            else:
                self._change(part, layout)

    def _change(self, part: MovablePart, layout: PartLayout) -> None:
        """Change a part where it is."""
        parsed, space = self.parsed, self.space
        match part:
            case MovablePart.DYNAMIC:
                self._edit_dynamic(space.entries_at(parsed, layout))
            case MovablePart.TABLE:
                self._edit_table(space.strings.changes_in_place(len(parsed.table.data)))
            case MovablePart.INTERPRETER:
                number = parsed.interpreter_segment
                if space.interpreter is not None and number is not None:
                    segment = parsed.image.segments[number]
                    self.edits[segment.offset] = space.interpreter.ljust(segment.filesz, b"\0")

    def _move(self, part: MovablePart, layout: PartLayout, offset: int) -> None:
        """Point headers and symbols to the new place of a part; what it leaves behind elsewhere is cleared."""
        parsed = self.parsed
        address, size = layout.addresses[part], layout.sizes[part]
        extent = parsed.extent(part)
        assert extent is not None
        old, old_size = extent
        leaves = not layout.start <= old < layout.end
        match part:
            case MovablePart.TABLE:
                if leaves:
                    self._edit_table(self.space.strings.changes)
            case MovablePart.DYNAMIC:
                self._point(parsed.dynamic_segment, address, offset, size)
                if address != old:
                    for place in _dynamic_symbols(parsed, old):
                        self.edits[place] = parsed.image.structures.address.pack(address)
            case MovablePart.INTERPRETER:
                number = parsed.interpreter_segment
                assert number is not None
                self._point(number, address, offset, size)
                if leaves:
                    self.edits[parsed.image.segments[number].offset] = bytes(old_size)
        section = parsed.sections.find(_SECTION_TYPES[part], old)
        self.set_section(section, addr=address, offset=offset, size=size)
        if section is not None and address != old:
            for place in _section_symbols(parsed, section):
                self.edits[place] = parsed.image.structures.address.pack(address)

    def _point(self, number: int, address: int, offset: int, size: int) -> None:
        self.set_segment(number, offset=offset, vaddr=address, paddr=address, filesz=size, memsz=size)

    def _edit_table(self, changes: dict[int, bytes]) -> None:
        """Change bytes of the string table where it is."""
        for at, data in changes.items():
            if data:
                self.edits[self.parsed.table.offset + at] = data

    def _edit_dynamic(self, entries: Sequence[DynamicEntry]) -> None:
        """Write the entries over the old ones, DT_NULL behind them; only what differs is touched."""
        layout = self.parsed.image.structures.dynamic
        old = self.parsed.image.dynamic or ()
        null = DynamicEntry(c.DT_NULL, 0)
        for number in range(max(len(old), len(entries))):
            new = entries[number] if number < len(entries) else null
            if number >= len(old) or new != old[number]:
                self.edits[self.parsed.dynamic_offset + number * layout.size] = layout.pack(new)

    def vacated(self) -> list[int]:
        """The PT_LOADs that lost their last section: BFD's strip writes nonsense for those (reference 1.3, rule V)."""
        return sorted(self.parsed.holders - holders(self.sections, self.segments))

    def cover(self, number: int) -> None:
        """Add a section header over what a string table or .dynamic left behind in segment `number`.

        The header table must be the last thing of the ELF image, as it is for every linker: CannotPatch otherwise.
        """
        segment = self.segments[number]
        table = self.parsed.sections
        size = len(table.sections) * self.parsed.image.structures.section.size
        if any(end > table.offset + size for _, end in self.parsed.owned):
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
        parsed, layouts = self.parsed, self.parsed.image.structures
        edits = self.edits
        for number, segment in enumerate(parsed.image.segments):
            if self.segments[number] != segment and len(self.segments) == len(parsed.image.segments):
                edits[parsed.header.phoff + number * layouts.segment.size] = layouts.segment.pack(self.segments[number])
        for number, old in enumerate(parsed.sections.sections):
            if self.sections[number] != old:
                place = parsed.sections.offset + number * layouts.section.size
                edits[place] = layouts.section.pack(self.sections[number])
        if added := self.sections[parsed.header.shnum :]:
            end = parsed.sections.offset + parsed.header.shnum * layouts.section.size
            self.insertions[end] = tuple(Literal(layouts.section.pack(section)) for section in added)
            self.set_header("shnum", len(self.sections))
        if shoff is not None and shoff != parsed.header.shoff:
            self.set_header("shoff", shoff)
        try:
            return splice(parsed.image.size, edits, self.insertions)
        except ValueError as error:
            raise BinaryFormatError(f"the file's tables overlap: {error}") from error


def _section_symbols(parsed: ParsedFile, number: int) -> list[int]:
    """File offsets of the value of each symbol that stands for a section (mold and older versions of bfd make them).

    Linkers put them in front of all others, so that no more than a few for each section are looked at.
    """
    layout, sections = parsed.image.structures.symbol, parsed.sections.sections
    found = []
    for section in sections:
        if section.type == c.SHT_SYMTAB:
            count = min(section.size // layout.size, section.info, 2 * len(sections) + 16)
            data = read_at(parsed.file, section.offset, count * layout.size, "a symbol table")
            for index, symbol in enumerate(layout.read_all(data)):
                if symbol.info & 0xF == c.STT_SECTION and symbol.shndx == number:
                    found.append(section.offset + index * layout.size + layout.position("value"))
    return found


def _dynamic_symbols(parsed: ParsedFile, address: int) -> list[int]:
    """File offsets of the value of each symbol named _DYNAMIC."""
    file, sections = parsed.file, parsed.sections.sections
    layout = parsed.image.structures.symbol
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

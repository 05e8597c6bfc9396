"""From edits to a patch that nobody has checked yet."""

from __future__ import annotations

from typing import BinaryIO

from bundler.binaries.patch import Computed, Literal, Patch, Piece, Range, Zeros, join
from bundler.binaries.pe import constants as c
from bundler.binaries.pe import structs as s
from bundler.binaries.pe.checksum import FileChecksum
from bundler.binaries.pe.edits import Edits, PatchPlan, Renaming
from bundler.binaries.pe.image import Image
from bundler.binaries.pe.names import Renamed, Texts, moved_exports, overwritten, renamed, unbound, with_name
from bundler.binaries.pe.room import Room, contents_end, image_size, new_room, new_section, slack_room
from bundler.binaries.pe.soundness import check_patchable
from bundler.errors import CannotPatch


def plan_unchecked(file: BinaryIO, image: Image, edits: Edits) -> PatchPlan | None:
    """As `planner.plan_patch`, with the same errors, but for a broken rule."""
    changes = renamed(image, Renaming(edits))
    if not changes:
        return None
    check_patchable(image)
    draft = _Draft(file, image, changes)
    draft.rename()
    draft.unbind()
    draft.unsign()
    return draft.plan()


class _Draft:
    """The new file's bytes as they come to be known, by their offset in the old one."""

    def __init__(self, file: BinaryIO, image: Image, changes: Renamed) -> None:
        self._file = file
        self._image = image
        self._headers = image.headers
        self._changes = changes
        self._writes: dict[int, bytes] = {}
        self._section: bytes | None = None
        """The bytes of a new section."""
        self._gap = 0
        self._method = "in place"
        self._reasons: list[str] = []
        self._notes: list[str] = []

    def rename(self) -> None:
        """Put the new texts where they have room, and lead to them."""
        imports = {dll.name_address: (dll.name, new) for dll, new in self._changes.imports}
        exports = {each.address: (each.text, new) for each, new in self._changes.forwarders}
        over_imports = overwritten(self._image, imports)
        over_exports = overwritten(self._image, exports)
        for over in (over_imports, over_exports):
            for address, data in (over or {}).items():
                self._write_at(address, data)
        moves_imports, moves_exports = over_imports is None, over_exports is None
        for dll, _ in () if moves_imports else self._changes.imports:
            self._write(dll.offset, with_name(self._image, dll, None))
        if moves_imports or moves_exports:
            longest = max((new for _, new in (*imports.values(), *exports.values())), key=len)
            self._reasons.append(f"in place: {longest} is longer than the name it replaces, or shares its bytes")
            self._move(moves_imports, moves_exports)

    def _move(self, imports: bool, exports: bool) -> None:
        room = self._room(len(self._block(0, imports, exports, lead=False)))
        block = self._block(room.address, imports, exports, lead=True)
        end = room.address + len(block)
        if room.is_new:
            self._method = "new section"
            header, raw_size = new_section(self._headers, room, len(block))
            self._write(self._headers.section_table_end, header)
            self._write(self._headers.pe_offset + 6, s.WORD.pack(room.section + 1))
            self._add(s.SIZE_OF_INITIALIZED_DATA, raw_size)
            self._section = block.ljust(raw_size, b"\0")
            self._gap = room.offset - contents_end(self._headers)
        else:
            section = self._headers.sections[room.section]
            self._method = f"behind the end of {section.name}"
            place = self._headers.section_table + room.section * s.SECTION_HEADER.size
            self._write(place + 8, s.DWORD.pack(end - section.address))
            self._write(room.offset, block)
        if room.section >= len(self._headers.sections) - 1:
            size = image_size(self._headers, end)
            if size != self._headers.size_of_image:
                self._write(self._headers.optional_offset + s.SIZE_OF_IMAGE, s.DWORD.pack(size))

    def _room(self, size: int) -> Room:
        found = slack_room(self._file, self._headers, size)
        if isinstance(found, Room):
            return found
        self._reasons.append(found)
        return new_room(self._file, self._headers)

    def _block(self, address: int, imports: bool, exports: bool, *, lead: bool) -> bytes:
        """The bytes that begin at `address`: the export directory, if it moves, and names; `lead`s the file's tables to them."""
        block = b""
        if exports:
            assert self._image.exports is not None
            new = {each.number: text for each, text in self._changes.forwarders}
            forwarders = self._image.exports.forwarders
            texts = [new.get(each.number, each.text) for each in forwarders]
            block, places = moved_exports(self._image, texts, address)
            if lead:
                self._lead_exports(address, len(block), places)
        texts_of_imports = Texts()
        for dll, name in self._changes.imports if imports else ():
            place = address + len(block) + texts_of_imports.add(name)
            if lead:
                self._write(dll.offset, with_name(self._image, dll, place))
        return block + bytes(texts_of_imports.data)

    def _lead_exports(self, address: int, size: int, places: list[int]) -> None:
        assert self._image.exports is not None
        self._write(self._directory(c.EXPORT), s.DATA_DIRECTORY.pack(address, size))
        table = self._image.exports.directory[8]
        for forwarder, place in zip(self._image.exports.forwarders, places, strict=True):
            self._write_at(table + 4 * forwarder.number, s.DWORD.pack(place))

    def unbind(self) -> None:
        """Addresses of certain DLLs do not count any more."""
        changed = {dll.offset for dll, _ in self._changes.imports}
        bound = [dll for dll in self._image.imports if dll.bound and not dll.delayed]
        if self._headers.directory(c.BOUND_IMPORT).address:
            self._write(self._directory(c.BOUND_IMPORT), bytes(s.DATA_DIRECTORY.size))
        for dll in bound:
            if dll.offset not in changed:
                self._write(dll.offset, unbound(dll))
        if bound:
            self._notes.append("it was bound to certain DLLs (addresses of theirs stood in it), and is no more")

    def unsign(self) -> None:
        """A signature would not be true any more."""
        size = self._headers.directory(c.SECURITY).size
        if size:
            self._write(self._directory(c.SECURITY), bytes(s.DATA_DIRECTORY.size))
            self._notes.append(f"its signature ({size} bytes) was removed: no change leaves one true")

    def plan(self) -> PatchPlan:
        """The patch of all that was written."""
        flags = self._image.load_config.dependent_load_flags if self._image.load_config is not None else 0
        if flags and self._changes.imports:
            self._notes.append(f"what it imports is looked for only where its load config says: flags {flags:#x}")
        names = dict.fromkeys(f"{dll.name} became {new}" for dll, new in self._changes.imports)
        count = len(self._changes.forwarders)
        told = [*names, *([f"{count} forwarded export{'s' if count > 1 else ''} renamed"] if count else [])]
        return PatchPlan(self._patch(), self._method, "; ".join(told), tuple(self._reasons), tuple(self._notes))

    def _patch(self) -> Patch:
        pieces: list[Piece] = []
        position, end = 0, contents_end(self._headers)
        checksum = self._headers.optional_offset + s.CHECKSUM
        writes: list[tuple[int, Piece]] = [(offset, Literal(data)) for offset, data in self._writes.items()]
        if self._headers.checksum:
            writes.append((checksum, Computed(4, FileChecksum(checksum))))
        for offset, piece in sorted(writes, key=lambda write: write[0]):
            if offset < position or offset + piece.length > end:
                raise CannotPatch(f"its tables lie one over the other at offset {offset}")
            pieces += [Range(position, offset - position), piece]
            position = offset + piece.length
        pieces.append(Range(position, end - position))
        if self._section is not None:
            pieces += [Zeros(self._gap), Literal(self._section)]
        return join(pieces)

    def _directory(self, number: int) -> int:
        return self._headers.directories_offset + number * s.DATA_DIRECTORY.size

    def _add(self, field: int, number: int) -> None:
        """Add to a number of the optional header."""
        offset = self._headers.optional_offset + field
        self._file.seek(offset)
        old = s.DWORD.unpack(self._file.read(4))[0]
        self._write(offset, s.DWORD.pack((old + number) & 0xFFFFFFFF))

    def _write_at(self, address: int, data: bytes) -> None:
        self._write(self._headers.place(address, "what shall change")[0], data)

    def _write(self, offset: int, data: bytes) -> None:
        if self._writes.setdefault(offset, data) != data:
            raise CannotPatch(f"its tables lie one over the other at offset {offset}")

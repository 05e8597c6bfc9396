"""Where in a file new texts find room: behind the end of a section, or in a new one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from bundler.binaries.pe import constants as c
from bundler.binaries.pe import structs as s
from bundler.binaries.pe.image import Headers, Section
from bundler.binaries.reading import read_at
from bundler.errors import CannotPatch, NoHeaderRoom, PayloadInTheWay

_ALIGNMENT = 4
_NEW_NAME = b".bundler"
_NEW_FLAGS = c.IMAGE_SCN_CNT_INITIALIZED_DATA | c.IMAGE_SCN_MEM_READ
_UNFIT = c.IMAGE_SCN_MEM_EXECUTE | c.IMAGE_SCN_MEM_DISCARDABLE | c.IMAGE_SCN_MEM_SHARED | c.IMAGE_SCN_CNT_CODE
_LARGEST = 0x7FFFFFFF


@dataclass(frozen=True, slots=True)
class Room:
    """A place for new bytes."""

    address: int
    offset: int
    section: int
    """The number of the section that has the place, from 0 on; of a new one, how many there were."""
    is_new: bool


def slack_room(file: BinaryIO, headers: Headers, size: int) -> Room | str:
    """Room for `size` bytes behind the end of a section's own, in bytes of the file that have no meaning; else why there is none.

    Sections of read-only data go first; resources are left alone, since programs that change these write them anew.
    """
    most = 0
    order = sorted(
        range(len(headers.sections)), key=lambda number: headers.sections[number].flags & c.IMAGE_SCN_MEM_WRITE
    )
    for number in order:
        section = headers.sections[number]
        if not _is_fit(section):
            continue
        into = -(-section.virtual_size // _ALIGNMENT) * _ALIGNMENT
        room = min(section.raw_size, _next_address(headers, number) - section.address) - into
        if room <= 0:
            continue
        free = read_at(file, section.raw_offset + section.virtual_size, into + room - section.virtual_size, "a section")
        zeros = len(free) - len(free.lstrip(b"\0")) - (into - section.virtual_size)
        most = max(most, zeros)
        if zeros >= size:
            return Room(section.address + into, section.raw_offset + into, number, False)
    return f"behind the end of a section: {size} bytes are needed, and the most that is free is {most}"


def _is_fit(section: Section) -> bool:
    wanted = c.IMAGE_SCN_CNT_INITIALIZED_DATA | c.IMAGE_SCN_MEM_READ
    return (
        section.flags & wanted == wanted
        and not section.flags & _UNFIT
        and 0 < section.virtual_size < section.raw_size
        and section.start == section.raw_offset
        and section.name != ".rsrc"
    )


def _next_address(headers: Headers, number: int) -> int:
    return headers.sections[number + 1].address if number + 1 < len(headers.sections) else _LARGEST


def contents_end(headers: Headers) -> int:
    """Where the file ends without its signature; at its end where something follows that."""
    certificate = headers.directory(c.SECURITY)
    whole = certificate.size and certificate.address + certificate.size == headers.size
    return certificate.address if whole else headers.size


def new_room(file: BinaryIO, headers: Headers) -> Room:
    """The place of a new section, behind all others.

    Raises NoHeaderRoom where the headers cannot name one more, PayloadInTheWay where something follows the sections.
    """
    _check_header_room(file, headers)
    end = contents_end(headers)
    behind = end - headers.contents_end
    symbols = headers.contents_end <= headers.symbols < end
    if behind > 0 and not symbols:
        payload = read_at(file, headers.contents_end, behind, "what follows the sections")
        if behind >= headers.file_alignment or payload.strip(b"\0"):
            raise PayloadInTheWay(
                f"{behind} bytes follow its sections, an archive perhaps, and would not be at the end any more",
                "use a name that is no longer than the old one",
            )
    last = max((section.address + section.memory for section in headers.sections), default=headers.size_of_headers)
    address, offset = _up(last, headers.section_alignment), _up(end, headers.file_alignment)
    if max(address, offset) > _LARGEST - (1 << 20):
        raise CannotPatch(f"a new section would lie at the address {address:#x}, beyond what the format has")
    return Room(address, offset, len(headers.sections), True)


def _check_header_room(file: BinaryIO, headers: Headers) -> None:
    ends = [section.start for section in headers.sections if section.raw_size]
    ends += [headers.size_of_headers, *(section.address for section in headers.sections[:1])]
    table = headers.section_table
    needed = (len(headers.sections) + 1) * s.SECTION_HEADER.size
    available = min(ends) - table
    if needed > available:
        raise NoHeaderRoom(
            f"its headers have room for {available} bytes of sections, and {needed} are needed",
            "use a name that is no longer than the old one",
            needed,
            available,
        )
    place = headers.section_table_end
    free = read_at(file, place, s.SECTION_HEADER.size, "the room behind the table of sections")
    bound = headers.directory(c.BOUND_IMPORT)
    is_bound = bound.address and bound.address <= place and place + len(free) <= bound.address + bound.size
    if free.strip(b"\0") and not is_bound:
        raise CannotPatch("the room behind its table of sections is in use")


def new_section(headers: Headers, room: Room, size: int) -> tuple[bytes, int]:
    """The header of the new section that holds `size` bytes, and how many bytes of the file it has."""
    raw_size = _up(size, headers.file_alignment)
    header = s.SECTION_HEADER.pack(_NEW_NAME, size, room.address, raw_size, room.offset, 0, 0, 0, 0, _NEW_FLAGS)
    return header, raw_size


def image_size(headers: Headers, end: int) -> int:
    """SizeOfImage where the last section ends at the address `end`."""
    return max(headers.size_of_image, _up(end, headers.section_alignment))


def _up(number: int, step: int) -> int:
    return -(-number // step) * step

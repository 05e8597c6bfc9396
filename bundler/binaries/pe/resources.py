"""The resources of a PE file: every one by its kind and name, and new contents for one where there is room.

Sources: "PE Format" of Microsoft's documentation (the .rsrc section), and FindResource, which takes the first language.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from bundler.binaries.pe import constants as c
from bundler.binaries.pe import structs as s
from bundler.binaries.pe.headers import Headers, Section
from bundler.binaries.pe.room import Room, slack_room
from bundler.errors import BinaryFormatError, CannotPatch

_SUBDIRECTORY = 1 << 31
_LEVELS = 3
"""Kind, name, language: Windows makes no other trees."""
_MOST_ENTRIES = 4096
_ALIGNMENT = 4
_PADDING = b"\0PADINGX"
"""What writers of resources put between two of them and behind the last: zeros, and UpdateResource `PADDINGXXPADDING`."""
_WHAT = "a directory of resources"

Key = int | str
"""A number, or a name in capitals as Windows compares it."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource in one language."""

    kind: Key
    """RT_…, or a name."""
    name: Key
    language: Key
    entry: int
    """The address of its data entry."""
    address: int
    size: int
    """Of its data, in bytes."""


@dataclass(frozen=True, slots=True)
class Resources:
    """All resources of a file, and the addresses that they take with the directories which lead to them."""

    all: tuple[Resource, ...]
    taken: tuple[tuple[int, int], ...]
    """First address, and the one behind the last; in no order."""

    def find(self, kind: Key, name: Key) -> Resource | None:
        """The first resource with a kind and a name; None where there is none."""
        return next((each for each in self.all if (each.kind, each.name) == (kind, name)), None)


@dataclass
class _Walk:
    """One pass over the directories."""

    file: BinaryIO
    headers: Headers
    root: int
    taken: list[tuple[int, int]] = field(default_factory=list)
    entries: int = 0

    def bytes_at(self, address: int, length: int) -> bytes:
        """What the tables have at an address; it is taken."""
        self.taken.append((address, address + length))
        return self.headers.bytes_at(self.file, address, length, _WHAT)

    def directory(self, place: int, above: tuple[Key, ...]) -> Iterator[Resource]:
        """The resources below a directory that lies `place` bytes behind the root."""
        head = self.bytes_at(self.root + place, s.RESOURCE_DIRECTORY.size)
        *_, named, numbered = s.RESOURCE_DIRECTORY.unpack(head)
        self.entries += named + numbered
        if self.entries > _MOST_ENTRIES:
            raise BinaryFormatError(f"the resources have more than {_MOST_ENTRIES} entries")
        table = self.bytes_at(self.root + place + len(head), (named + numbered) * s.RESOURCE_ENTRY.size)
        for number, target in s.RESOURCE_ENTRY.iter_unpack(table):
            keys = (*above, self.key(number))
            if (target & _SUBDIRECTORY != 0) != (len(keys) < _LEVELS):
                raise BinaryFormatError(f"the resources have {len(keys)} levels; {_LEVELS} are needed")
            if target & _SUBDIRECTORY:
                yield from self.directory(target - _SUBDIRECTORY, keys)
            else:
                yield self.resource(target, *keys)

    def key(self, number: int) -> Key:
        """What an entry is called: a number, or a name that lies behind the root with its length in front."""
        if not number & _SUBDIRECTORY:
            return number
        place = self.root + number - _SUBDIRECTORY
        length = s.WORD.unpack(self.bytes_at(place, s.WORD.size))[0]
        return self.bytes_at(place + s.WORD.size, 2 * length).decode("utf-16-le", "surrogatepass").upper()

    def resource(self, place: int, kind: Key, name: Key, language: Key) -> Resource:
        """The resource whose data entry lies `place` bytes behind the root."""
        entry = self.root + place
        address, size, *_ = s.RESOURCE_DATA.unpack(self.bytes_at(entry, s.RESOURCE_DATA.size))
        self.taken.append((address, address + size))
        return Resource(kind, name, language, entry, address, size)


def read_resources(file: BinaryIO, headers: Headers) -> Resources:
    """The resources of a file. Raises BinaryFormatError where their directories are damaged."""
    root = headers.directory(c.RESOURCE).address
    walk = _Walk(file, headers, root)
    try:
        found = tuple(walk.directory(0, ())) if root else ()
    except UnicodeDecodeError as error:
        raise BinaryFormatError(f"the name of a resource is no text: {error.reason}") from error
    return Resources(found, tuple(walk.taken))


def resource_data(file: BinaryIO, headers: Headers, resource: Resource) -> bytes:
    """The bytes of a resource. Raises BinaryFormatError where they are not in the file."""
    return headers.bytes_at(file, resource.address, resource.size, f"the resource {resource.name}")


def with_resource(data: bytes, headers: Headers, resources: Resources, resource: Resource, new: bytes) -> bytes:
    """The file `data` with other contents of a resource: in their old place, or in free bytes behind the end of a section.

    No other byte changes but the data entry and, where a section grows, its header, and what counts it. Raises CannotPatch
    where there is no room, BinaryFormatError where the resource is not in the file.
    """
    start = headers.place(resource.address, f"the resource {resource.name}")[0]
    entry = headers.place(resource.entry, "the place of a resource")[0]
    own = _room_of(data, headers, resources, resource)
    result = bytearray(data)
    if len(new) <= own:
        result[start : start + max(len(new), resource.size)] = new.ljust(resource.size, b"\0")
        result[entry + 4 : entry + 8] = s.DWORD.pack(len(new))
        return bytes(result)
    room = _room_elsewhere(data, headers, resources, resource, len(new))
    section = headers.sections[room.section]
    grown = max(section.virtual_size, room.address + len(new) - section.address)
    header = headers.section_table + room.section * s.SECTION_HEADER.size
    result[room.offset : room.offset + len(new)] = new
    result[entry : entry + 8] = s.DATA_DIRECTORY.pack(room.address, len(new))
    result[header + 8 : header + 12] = s.DWORD.pack(grown)
    old = headers.directory(c.RESOURCE)
    if section.address <= old.address < section.address + section.memory:
        place = headers.directories_offset + c.RESOURCE * s.DATA_DIRECTORY.size
        size = max(old.size, room.address + len(new) - old.address)
        result[place : place + s.DATA_DIRECTORY.size] = s.DATA_DIRECTORY.pack(old.address, size)
    return bytes(result)


def _room_elsewhere(data: bytes, headers: Headers, resources: Resources, resource: Resource, size: int) -> Room:
    """Room behind the end of the resources, else of another section: the data of a resource may lie anywhere in the image.

    Raises CannotPatch where there is none.
    """
    number, section = _section_of(headers, resource)
    into = _used(headers, resources, section)
    if size <= _free_behind(data, headers, section, into):
        return Room(section.address + into, section.raw_offset + into, number, is_new=False)
    found = slack_room(io.BytesIO(data), headers, size)
    if isinstance(found, Room):
        return found
    raise CannotPatch(
        f"the resource {resource.name} has {resource.size} bytes, {size} are needed, and there is no room {found}",
        "use a value that is no longer than the old one",
    )


def _room_of(data: bytes, headers: Headers, resources: Resources, resource: Resource) -> int:
    """How many bytes a resource can have where it is: its own, and padding behind them; 0 where something shares them."""
    low, high = resource.address, resource.address + resource.size
    others = list(resources.taken)
    others.remove((low, high))
    if any(start < high and low < end for start, end in others if start < end):
        return 0
    start, room = headers.place(low, f"the resource {resource.name}")
    section = _section_of(headers, resource)[1]
    own = min([room, section.address + section.memory - low, *(start - low for start, _ in others if start >= high)])
    behind = data[start + resource.size : start + own]
    return max(resource.size + len(behind) - len(behind.lstrip(_PADDING)), 0) if own >= resource.size else 0


def _section_of(headers: Headers, resource: Resource) -> tuple[int, Section]:
    for number, section in enumerate(headers.sections):
        if 0 <= resource.address - section.address < section.memory:
            return number, section
    raise CannotPatch(f"the resource {resource.name} lies in no section")


def _used(headers: Headers, resources: Resources, section: Section) -> int:
    """Where the bytes of a section end that mean something, counted from its start and aligned.

    A section that begins with the resources' directory has nothing else; its size in memory may be rounded to pages.
    """
    ends = [high - section.address for _, high in resources.taken if 0 <= high - section.address <= section.memory]
    alone = headers.directory(c.RESOURCE).address == section.address
    end = max(ends) if alone and ends else section.virtual_size
    return -(-end // _ALIGNMENT) * _ALIGNMENT


def _free_behind(data: bytes, headers: Headers, section: Section, into: int) -> int:
    """How many bytes of the file have no meaning behind the used ones of a section."""
    pages = -(-section.memory // headers.section_alignment) * headers.section_alignment
    room = min(section.raw_size, pages)
    if section.start != section.raw_offset or not 0 < into < room:
        return 0
    return room - into if not data[section.raw_offset + into : section.raw_offset + room].strip(_PADDING) else 0

"""A fixture with each segment on file pages of its own, as `-z separate-loadable-segments` lays it out.

With pages of 64 KiB such files are hundreds of kilobytes of zeros: they are made from the small ones, and not committed.
"""

from __future__ import annotations

import io

from bundler.binaries.elf import constants as c
from bundler.binaries.elf import read_image
from bundler.binaries.elf.image import IDENT_SIZE, read_header
from bundler.binaries.elf.sections import read_sections


def spread(data: bytes) -> bytes:
    """The same file, in which a byte's offset is its address less that of the first segment."""
    file = io.BytesIO(data)
    image, (layouts, header) = read_image(file), read_header(file)
    loads = [segment for segment in image.segments if segment.type == c.PT_LOAD]
    base = loads[0].vaddr
    assert loads[0].offset == 0
    new = bytearray(max(load.vaddr + load.filesz for load in loads) - base)
    for load in loads:
        new[load.vaddr - base : load.vaddr - base + load.filesz] = data[load.offset : load.offset + load.filesz]
    sections = []
    for section in read_sections(file, image, header).sections:
        if section.flags & c.SHF_ALLOC:
            sections.append(section._replace(offset=section.addr - base))
        elif section.type in (c.SHT_NULL, c.SHT_NOBITS):
            sections.append(section)
        else:
            new += bytes(-len(new) % 16)
            sections.append(section._replace(offset=len(new)))
            new += data[section.offset : section.offset + section.size]
    new += bytes(-len(new) % 16)
    head = layouts.header.pack(header._replace(shoff=len(new)))
    new += b"".join(map(layouts.section.pack, sections))
    new[IDENT_SIZE : IDENT_SIZE + len(head)] = head
    for number, segment in enumerate(image.segments):
        if segment.vaddr:  # not PT_GNU_STACK
            at = header.phoff + number * layouts.segment.size
            packed = layouts.segment.pack(segment._replace(offset=segment.vaddr - base))
            new[at : at + len(packed)] = packed
    return bytes(new)

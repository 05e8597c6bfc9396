"""Files whose names cannot be changed, each with its reason."""

from __future__ import annotations

from collections.abc import Iterator

from bundler.binaries.pe import constants as c
from bundler.binaries.pe.image import Image
from bundler.errors import CannotPatch


def check_patchable(image: Image) -> None:
    """Raise CannotPatch where a changed file would not be loaded, or would be another one for some machine."""
    headers = image.headers
    if not headers.characteristics & c.IMAGE_FILE_EXECUTABLE_IMAGE:
        raise CannotPatch("it is not linked: Windows does not load it")
    if headers.section_alignment < c.PAGE_SIZE or headers.file_alignment < c.SECTOR_SIZE:
        raise CannotPatch(
            f"its sections are aligned to {headers.section_alignment} bytes in memory and {headers.file_alignment} in the"
            f" file, as drivers' are; {c.PAGE_SIZE} and {c.SECTOR_SIZE} are needed"
        )
    if image.load_config is not None and image.load_config.chpe_metadata:
        raise CannotPatch("it has code for two machines (ARM64X or ARM64EC), and a second view of its tables")
    if headers.directory(c.COM_DESCRIPTOR).address:
        raise CannotPatch("it is a .NET assembly, whose own signature would not be true any more")
    if headers.dll_characteristics & c.IMAGE_DLLCHARACTERISTICS_FORCE_INTEGRITY:
        raise CannotPatch("Windows loads it only with a true signature (FORCE_INTEGRITY), which no change leaves")
    place = min(_places(image), default=headers.section_table_end)
    if place < headers.section_table_end:
        raise CannotPatch(
            f"a table or a name at offset {place} lies in its headers, which end at {headers.section_table_end}"
        )
    for dll in image.imports:
        if dll.bound and not dll.delayed and not dll.descriptor[0]:
            raise CannotPatch(f"it is bound to {dll.name}, and the names of what it imports from there are gone")


def _places(image: Image) -> Iterator[int]:
    """The offsets of all tables and names that a patch may change, or that it compares."""
    exports, place = image.exports, image.headers.place
    if image.load_config is not None:
        yield place(image.headers.directory(c.LOAD_CONFIG).address, "the load configuration")[0]
    for dll in image.imports:
        yield from (dll.offset, place(dll.name_address, "a name")[0])
    if exports is not None:
        yield exports.offset
        if exports.directory[4]:
            yield place(exports.directory[4], "the export directory's name")[0]
        if exports.directory[6]:
            yield place(exports.directory[8], "the table of exported functions")[0]
        yield from (place(each.address, "a forwarded export")[0] for each in exports.forwarders)

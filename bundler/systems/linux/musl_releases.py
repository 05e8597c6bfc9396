"""The oldest musl on which a set of ELF files runs: by the functions that they take from it, for musl has no symbol versions.

Source: musl's WHATSNEW, checked with the symbols of Debian's packages of 1.2.2, 1.2.3, 1.2.5 and 1.2.6.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.symbols import DynamicSymbol, dynamic_symbols
from bundler.errors import BinaryFormatError
from bundler.files import opened
from bundler.floor import Floor, FloorDemand, Release, highest
from bundler.systems.linux.elf_files import ElfFile

ADDED: Mapping[Release, tuple[str, ...]] = {
    (1, 1, 24): (
        *("copy_file_range", "secure_getenv"),
        *("posix_spawn_file_actions_addchdir_np", "posix_spawn_file_actions_addfchdir_np"),
    ),
    (1, 2, 2): ("_Fork", "gettid", "reallocarray", "tcgetwinsize", "tcsetwinsize"),
    (1, 2, 3): ("pthread_getname_np", "qsort_r"),
    (1, 2, 5): ("preadv2", "pwritev2", "statx"),
    (1, 2, 6): ("posix_getdents", "renameat2"),
}
"""Functions by the release that has them first."""
_RELEASES = {name.encode(): release for release, names in ADDED.items() for name in names}
_PACKED_RELOCATIONS = FloorDemand((1, 2, 4), "", "DT_RELR")


def musl_floor(files: Iterable[ElfFile], places: Mapping[str, str]) -> Floor | None:
    """The latest release among those that `files` ask for, of what no other file of theirs has.

    None where nothing in them is newer than the table. `places` are the files' paths on this machine by their bundle paths.
    """
    demands: list[FloorDemand] = []
    defined: set[str] = set()
    for file in sorted(files, key=lambda file: file.path):
        if file.image.entry(c.DT_RELR) is not None:
            demands.append(_PACKED_RELOCATIONS._replace(file=file.path))
        for symbol in _listed_symbols(file, places[file.path]):
            name = symbol.name.decode()
            if symbol.is_defined:
                defined.add(name)
            elif not symbol.is_weak:
                demands.append(FloorDemand(_RELEASES[symbol.name], file.path, name))
    return highest("musl", (demand for demand in demands if demand.reason not in defined))


def _listed_symbols(file: ElfFile, place: str) -> Iterator[DynamicSymbol]:
    """The symbols of a file that the table knows; none of one that is damaged."""
    try:
        with opened(place) as binary:
            yield from [symbol for symbol in dynamic_symbols(binary, file.image) if symbol.name in _RELEASES]
    except BinaryFormatError:
        return

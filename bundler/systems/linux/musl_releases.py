"""The oldest musl on which a set of ELF files runs: by the functions that they take from it, for musl has no symbol versions.

Source: musl's WHATSNEW, checked with the symbols of Debian's packages of 1.2.2, 1.2.3, 1.2.5 and 1.2.6.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.image import Image
from bundler.binaries.elf.symbols import functions_among
from bundler.binaries.format import NO_FUNCTIONS, Functions
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
NAMES = frozenset(_RELEASES)
"""All functions that tell a release."""
_PACKED_RELOCATIONS = FloorDemand((1, 2, 4), "", "DT_RELR")


def musl_floor(files: Iterable[ElfFile], places: Mapping[str, str]) -> Floor | None:
    """The latest release among those that `files` ask for, of what no other file of theirs has.

    None where nothing in them is newer than the table. `places` are the files' paths on this machine by their bundle paths.
    """
    listed = [*files]
    functions = {file.path: _functions(file, places[file.path]) for file in listed}
    return highest("musl", musl_demands({file.path: file.image for file in listed}, functions))


def musl_demands(images: Mapping[str, Image], functions: Mapping[str, Functions]) -> Iterator[FloorDemand]:
    """What each file asks for, by bundle path in order; `functions` are those among `NAMES` that files ask for and have."""
    defined = {name for path in images for name in functions.get(path, NO_FUNCTIONS).defined}
    for path, image in sorted(images.items()):
        if image.entry(c.DT_RELR) is not None:
            yield _PACKED_RELOCATIONS._replace(file=path)
        for name in sorted(functions.get(path, NO_FUNCTIONS).asked - defined):
            yield FloorDemand(_RELEASES[name.encode()], path, name)


def _functions(file: ElfFile, place: str) -> Functions:
    """What a file asks for and has of the table; nothing where it is damaged."""
    try:
        with opened(place) as binary:
            return functions_among(binary, file.image, NAMES)
    except BinaryFormatError:
        return NO_FUNCTIONS

"""Symbols that a file asks for at once when it is loaded (BIND_NOW), and that nothing has: the loader then refuses the file.

Which of its libraries has a symbol is not asked, for whoever opened a file may have brought others. So only what no file of the
bundle and no library of the host has is told. That a version of symbols is there is checked elsewhere (`provided`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO

from bundler.binaries.elf import Image, read_image
from bundler.binaries.elf import constants as c
from bundler.binaries.elf.definitions import Definitions
from bundler.binaries.elf.symbols import undefined_symbols
from bundler.errors import BinaryFormatError
from bundler.sysroot import Sysroot
from bundler.systems.libraries import Location, Missing, OnHost, UnboundSymbols
from bundler.systems.linux.elf_files import ElfFile
from bundler.systems.linux.libc_family import libc_family
from bundler.systems.linux.loader import SystemLibraries

_LIBC = "libc.so.6"


def binds_at_once(image: Image) -> bool:
    """Whether the loader looks for all symbols of a file when it loads it (DT_BIND_NOW and the flags of the same meaning)."""
    flags = image.entry(c.DT_FLAGS) or 0
    return bool(flags & c.DF_BIND_NOW) or bool(image.flags_1 & c.DF_1_NOW) or image.entry(c.DT_BIND_NOW) is not None


def host_libraries(
    names: Iterable[str], system: SystemLibraries, sysroot: Sysroot, is_library: Callable[[str], bool]
) -> dict[str, str]:
    """Paths on this machine of libraries that stay on the host, with libc's family and its loader, by name, as far as here.

    None at all where there is no libc that would do (`is_library` tells): then nobody can say what a target's has.
    """
    family = libc_family(system, sysroot)
    loaders = [name for name in system.cache if name.startswith("ld-")]
    known = {name: paths[0] for name, paths in system.cache.items() if name in {*loaders, *names}}
    found = {name: path for name, path in {**family, **known}.items() if is_library(path)}
    return {name: sysroot.real(sysroot.path_of(path)) for name, path in found.items()} if _LIBC in found else {}


def unbound(
    files: Sequence[ElfFile],
    open_file: Callable[[str], BinaryIO],
    hosts: Mapping[str, str],
    needs: Mapping[str, Mapping[str, Location]],
) -> Iterator[UnboundSymbols]:
    """What nothing has, of files that would be refused for it, in the order of their paths.

    `open_file` opens the file at a bundle path; `hosts` are paths of the host's libraries on this machine, `needs` tell where each
    file finds what it asks for. A file that needs what is not here, a driver say, is not looked at.
    """
    asking = [
        file
        for file in files
        if not file.is_program and binds_at_once(file.image) and _is_all_here(needs.get(file.path, {}), hosts)
    ]
    if not asking or not hosts:
        return
    wanted = {file.path: _strong(file, open_file) for file in asking}
    missing = {name for names in wanted.values() for name in names}
    for definitions in _definers(files, open_file, hosts.values()):
        missing = {name for name in missing if not definitions.defines(name)}
        if not missing:
            return
    for path, names in sorted(wanted.items()):
        lacking = tuple(name for name in names if name in missing)
        if lacking:
            yield UnboundSymbols(path, lacking)


def _is_all_here(places: Mapping[str, Location], hosts: Mapping[str, str]) -> bool:
    return not any(
        isinstance(place, Missing) or (isinstance(place, OnHost) and name not in hosts)
        for name, place in places.items()
    )


def _strong(file: ElfFile, open_file: Callable[[str], BinaryIO]) -> tuple[str, ...]:
    """What a file cannot do without."""
    try:
        with open_file(file.path) as opened:
            symbols = undefined_symbols(opened, file.image)
    except BinaryFormatError:
        return ()
    return tuple(symbol.name for symbol in symbols if not symbol.is_weak)


def _definers(
    files: Sequence[ElfFile], open_file: Callable[[str], BinaryIO], hosts: Iterable[str]
) -> Iterator[Definitions]:
    """What may have symbols, each for as long as it is looked at: the host's libraries, libpython, then all other files."""
    for path in hosts:
        with open(path, "rb") as opened:
            try:
                image = read_image(opened)
            except BinaryFormatError:
                continue
            yield Definitions(opened, image)
    for file in sorted(files, key=lambda file: "libpython" not in file.path):
        with open_file(file.path) as opened:
            yield Definitions(opened, file.image)

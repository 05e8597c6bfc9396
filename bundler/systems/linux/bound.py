"""Symbols that a file asks for at once when it is loaded (BIND_NOW), and that nothing has: the loader then refuses the file.

Which of its libraries has a symbol is not asked, for whoever opened a file may have brought others. So only what no file of the
bundle and no library of the host has is told. That a version of symbols is there is checked elsewhere (`provided`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import BinaryIO

from bundler.binaries.elf import Image, read_image
from bundler.binaries.elf import constants as c
from bundler.binaries.elf.definitions import Definitions
from bundler.binaries.elf.symbols import undefined_symbols
from bundler.binaries.format import NO_VERSIONS, SymbolVersions
from bundler.errors import BinaryFormatError
from bundler.sysroot import Sysroot
from bundler.systems.libraries import InBundle, Location, Missing, OnHost, UnboundSymbols
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


class Symbols:
    """Who has which symbols, of the files of a bundle and of libraries of the host; each is opened once, while this is entered."""

    def __init__(
        self, files: Sequence[ElfFile], open_file: Callable[[str], BinaryIO], hosts: Mapping[str, str]
    ) -> None:
        """`open_file` opens the file at a bundle path; `hosts` are paths of the host's libraries on this machine, by name."""
        self._files = {file.path: file for file in files}
        self._open_file = open_file
        self._hosts = hosts
        self._known: dict[str, Definitions | None] = {}
        self._opened = ExitStack()

    def __enter__(self) -> Symbols:
        """Nothing: files are opened when they are asked for."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close them."""
        self._opened.close()

    def wanted_by(self, file: ElfFile, versions: SymbolVersions, places: Mapping[str, Location]) -> Iterator[str]:
        """What a file cannot do without, and does not find in the libraries that it names.

        What it wants in a version of the host's is left to whoever asks for the version.
        """
        with self._open_file(file.path) as opened:
            symbols = undefined_symbols(opened, file.image)
        libraries = {need.number: need.library for need in versions.needed}
        direct = list(filter(None, (self._at(name, place) for name, place in places.items())))
        for symbol in symbols:
            library = libraries.get(symbol.version & c.VERSYM_INDEX)
            of_host = library is not None and not isinstance(places.get(library), InBundle)
            if not symbol.is_weak and not of_host and not any(each.defines(symbol.name) for each in direct):
                yield symbol.name

    def without(self, names: Collection[str]) -> frozenset[str]:
        """Those of `names` that nothing has."""
        missing = frozenset(names)
        for path in sorted(self._files, key=lambda path: "libpython" not in path):
            if not missing:
                break
            if (known := self._of_bundle(path)) is not None:
                missing = frozenset(name for name in missing if not known.defines(name))
        for name in self._hosts if missing else ():
            if (known := self._of_host(name)) is not None:
                missing = frozenset(name for name in missing if not known.defines(name))
        return missing

    def _at(self, name: str, place: Location) -> Definitions | None:
        match place:
            case InBundle(path):
                return self._of_bundle(path) if path in self._files else None
            case OnHost():
                return self._of_host(name) if name in self._hosts else None
            case _:
                return None

    def _of_bundle(self, path: str) -> Definitions | None:
        return self._definitions(path, lambda: self._open_file(path), self._files[path].image)

    def _of_host(self, name: str) -> Definitions | None:
        return self._definitions(self._hosts[name], lambda: open(self._hosts[name], "rb"))

    def _definitions(self, key: str, opener: Callable[[], BinaryIO], image: Image | None = None) -> Definitions | None:
        """Those of one file; None for one that is damaged."""
        if key not in self._known:
            file = self._opened.enter_context(opener())
            try:
                self._known[key] = Definitions(file, image or read_image(file))
            except BinaryFormatError:
                self._known[key] = None
        return self._known[key]


def unbound(
    files: Sequence[ElfFile],
    versions: Mapping[str, SymbolVersions],
    open_file: Callable[[str], BinaryIO],
    hosts: Mapping[str, str],
    needs: Mapping[str, Mapping[str, Location]],
) -> Iterator[UnboundSymbols]:
    """What nothing has, of files that would be refused for it, in the order of their paths.

    `versions` are those that files need and have, `needs` where each finds what it asks for; see `Symbols` for the others. A file
    that needs what is not here, a driver say, is not looked at.
    """
    asking = [
        file
        for file in sorted(files, key=lambda file: file.path)
        if not file.is_program and binds_at_once(file.image) and _is_all_here(needs.get(file.path, {}), hosts)
    ]
    if not asking or not hosts:
        return
    with Symbols(files, open_file, hosts) as symbols:
        wanted = {}
        for file in asking:
            with suppress(BinaryFormatError):
                known = versions.get(file.path, NO_VERSIONS)
                wanted[file.path] = tuple(symbols.wanted_by(file, known, needs.get(file.path, {})))
        missing = symbols.without({name for names in wanted.values() for name in names})
    for path, names in wanted.items():
        lacking = tuple(name for name in names if name in missing)
        if lacking:
            yield UnboundSymbols(path, lacking)


def _is_all_here(places: Mapping[str, Location], hosts: Mapping[str, str]) -> bool:
    return not any(
        isinstance(place, Missing) or (isinstance(place, OnHost) and name not in hosts)
        for name, place in places.items()
    )

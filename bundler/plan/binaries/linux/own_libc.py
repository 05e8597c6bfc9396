"""A libc of the bundle's own (`--libc bundle` and `auto`): the loader and libc's family of the base, in a folder of their own.

They are no part of the closure, which sees them on the host as ever. No search path leads to their folder but the one with which
programs are started by the loader in it, so that neither a host's library nor one of the bundle finds them in any other process.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bundler.binaries.elf import Image, read_image
from bundler.entries import Entry, Layer, Literal, Source
from bundler.errors import BundlerError
from bundler.files import opened
from bundler.floor import Floor, Release
from bundler.machine import os
from bundler.options import LibcMode
from bundler.plan.origins import BUNDLER
from bundler.platforms import Libc
from bundler.scheme import BundleScheme
from bundler.sysroot import Sysroot
from bundler.systems.libraries import BundledLibrary, LibraryFacts
from bundler.systems.linux.elf_files import ElfFile
from bundler.systems.linux.floor import LibcVersion, find_floor
from bundler.systems.linux.libc_family import oldest_kernel
from bundler.systems.linux.loader import Loader, SystemLibraries

_LIBC = "libc.so.6"
_OLDEST: Release = (2, 2)  # that of programs which ask for no version


@dataclass(frozen=True, slots=True)
class OwnLibc:
    """What comes along of a machine's libc."""

    loader: str
    """The bundle path of the loader."""
    places: Mapping[str, str]
    """The files on this machine by the bundle paths of the loader and of the libraries."""
    kept: bool = False
    """Whether the environment is a bundle that has them: then nothing of the machine's comes along."""

    @property
    def names(self) -> frozenset[str]:
        """The names of the libraries."""
        return frozenset(map(os.path.basename, self.places))

    def added(self, executable: str) -> tuple[BundledLibrary, ...]:
        """The libraries that come along, for the bundle's Python."""
        places = {} if self.kept else self.places
        return tuple(BundledLibrary(path, place, (), (executable,)) for path, place in sorted(places.items()))

    def starts(self, file: ElfFile) -> bool:
        """Whether a file is a program that its loader starts, and not that of another libc."""
        return file.is_program and os.path.basename(file.image.interpreter or "") == os.path.basename(self.loader)


def own_libc(
    program: Image,
    rules: Loader,
    system: SystemLibraries,
    sysroot: Sysroot,
    scheme: BundleScheme,
    former: Mapping[str, str],
) -> OwnLibc:
    """The loader that starts `program`, and libc's family of its build; `former` (as `places`) is the family that is there already.

    Raises BundlerError where one of them is not there.
    """
    loader = program.interpreter or ""
    path = f"{scheme.libc}/{os.path.basename(loader)}"
    if path in former and program.own_loader is not None:
        return OwnLibc(path, former, kept=True)
    names = {**rules.libc_family(system, sysroot), os.path.basename(loader): loader}
    for needed in (loader, *([rules.libc_name] if rules.libc_name is not None else [])):
        if not needed or not sysroot.is_file(sysroot.path_of(names.get(os.path.basename(needed), "/"))):
            raise BundlerError(
                f"a libc of the bundle's own: {needed or 'a loader'} is not on this machine",
                "--libc host uses the target's",
            )
    places = {f"{scheme.libc}/{name}": sysroot.real(sysroot.path_of(found)) for name, found in names.items()}
    return OwnLibc(path, places)


def former_libc(entries: Mapping[str, Entry], scheme: BundleScheme) -> dict[str, str]:
    """The files of libc's family, by bundle path, in an environment that is a bundle with its own libc."""
    return {
        path: entry.content.path
        for path, entry in entries.items()
        if os.path.dirname(path) == scheme.libc and isinstance(entry.content, Source)
    }


def former_directories(former: Iterable[str], entries: Mapping[str, Entry], rules: Loader) -> frozenset[str]:
    """Bundle paths of what `last_directories` gave to a bundle with the libc `former`: the file, and a folder of its own."""
    files = {path for each in former if (path := rules.directories_file(each)) is not None and path in entries}
    folders = {os.path.dirname(path) for path in files}
    used = {os.path.dirname(path) for path in entries.keys() - files}
    return frozenset(files | folders - used)


def last_directories(rules: Loader, facts: LibraryFacts, time_ns: int) -> Iterator[Entry]:
    """The file by which the bundle's loader looks into no folder of the target, where the loader has such a file.

    Where something is left to the target (`facts.host`) it has to look there.
    """
    path = rules.directories_file(facts.loader) if facts.loader else None
    if path is not None and all(rules.answers_to(name) for name in facts.host):
        yield Entry(
            path,
            Literal(b""),
            0o644,
            time_ns,
            Layer.RUNTIME,
            BUNDLER,
            "the bundle's loader looks into no folder of the target",
        )


def kernel_floor(libc: OwnLibc) -> Floor | None:
    """The oldest Linux for a bundle that brings its libc: what that was built for."""
    path = next((path for path in libc.places if os.path.basename(path) == _LIBC), None)
    if path is None:
        return None
    with opened(libc.places[path]) as file:
        release = oldest_kernel(read_image(file))
    return Floor("Linux", release, path, "its ABI note") if release is not None else None


def host_libc(mode: LibcMode, rules: Loader, versions: Iterable[LibcVersion], executable: str) -> Floor | None:
    """With `--libc auto` the oldest glibc of a target that is used in place of the bundle's own; `versions` are what files need.

    Raises BundlerError where nothing tells which releases have all of them.
    """
    if mode is not LibcMode.AUTO:
        return None
    if rules.libc is not Libc.GLIBC:
        raise BundlerError(
            f"--libc auto chooses between two releases of glibc, and the environment is built for {rules.libc.value}",
            "--libc bundle uses the bundle's own libc everywhere",
        )
    versions = list(versions)
    unknown = next((each for each in versions if each.is_unknown_feature), None)
    if unknown is not None:
        raise BundlerError(
            f"--libc auto: {unknown.path} needs {unknown.version}, and this bundler does not know which releases of glibc have it",
            "--libc bundle uses the bundle's own libc everywhere",
        )
    return find_floor(versions) or Floor("glibc", _OLDEST, executable, "no version")

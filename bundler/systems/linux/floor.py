"""The oldest glibc on which a set of ELF files runs, and which file and symbol say so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from bundler.binaries.elf.version_facts import symbol_versions
from bundler.binaries.format import SymbolVersions
from bundler.files import opened
from bundler.floor import Floor, FloorDemand, highest
from bundler.systems.linux.elf_files import ElfFile
from bundler.systems.linux.policy import HostReason, stays_on_host

# Versions that stand for a feature of the loader, not for a release (reference/libraries.md 5.1).
_FEATURES = {
    "GLIBC_ABI_DT_RELR": (2, 36),
    "GLIBC_ABI_DT_X86_64_PLT": (2, 42),
    "GLIBC_ABI_GNU2_TLS": (2, 42),
    "GLIBC_ABI_GNU_TLS": (2, 42),  # i386
}
_FEATURE = "GLIBC_ABI_"
_RELEASE = re.compile(r"GLIBC_(\d{1,5})\.(\d{1,5})(?:\.\d+)?")


class LibcVersion(NamedTuple):
    """A version that a file, by its bundle path, needs of libc's family."""

    path: str
    version: str

    @property
    def release(self) -> tuple[int, int] | None:
        """The release of glibc that has it; None for one that no release is known for."""
        match = _RELEASE.fullmatch(self.version)
        return (int(match[1]), int(match[2])) if match else _FEATURES.get(self.version)

    @property
    def is_unknown_feature(self) -> bool:
        """Whether it stands for a feature of some newer loader."""
        return self.version.startswith(_FEATURE) and self.version not in _FEATURES


def read_versions(binaries: Iterable[ElfFile], places: Mapping[str, str]) -> dict[str, SymbolVersions]:
    """The versions of symbols that files need and have, by bundle path in order.

    `places` are the files' paths on this machine by their bundle paths.
    """
    found = {}
    for binary in sorted(binaries, key=lambda binary: binary.path):
        with opened(places[binary.path]) as file:
            found[binary.path] = symbol_versions(file, binary.image)
    return found


def libc_versions(versions: Mapping[str, SymbolVersions]) -> Iterator[LibcVersion]:
    """All versions of libc's family among those that files need, by bundle path."""
    for path, own in versions.items():
        for need in own.needed:
            if stays_on_host(need.library) is HostReason.LIBC:
                yield LibcVersion(path, need.name)


def find_floor(versions: Iterable[LibcVersion]) -> Floor | None:
    """The highest release of glibc among `versions`; the first among equals."""
    told = ((each, each.release) for each in versions)
    return highest(
        "glibc", (FloorDemand(release, each.path, each.version) for each, release in told if release is not None)
    )

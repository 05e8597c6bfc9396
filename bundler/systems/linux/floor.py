"""The oldest glibc on which a set of ELF files runs, and which file and symbol say so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from bundler.binaries.elf import version_needs
from bundler.floor import Floor
from bundler.systems.linux.elf_files import ElfFile
from bundler.systems.linux.policy import HostReason, stays_on_host

# Versions that stand for a feature of the loader, not for a release (reference/libraries.md 5.1).
_FEATURES = {"GLIBC_ABI_DT_RELR": (2, 36), "GLIBC_ABI_GNU2_TLS": (2, 42), "GLIBC_ABI_DT_X86_64_PLT": (2, 42)}
_RELEASE = re.compile(r"GLIBC_(\d+)\.(\d+)(?:\.\d+)?")


def find_floor(binaries: Iterable[ElfFile], places: Mapping[str, str]) -> Floor | None:
    """The highest version of glibc that any file asks for; the first file by path among equals.

    `places` are the files' paths on this machine by their bundle paths.
    """
    highest: Floor | None = None
    for binary in sorted(binaries, key=lambda binary: binary.path):
        with open(places[binary.path], "rb") as file:
            needs = version_needs(file, binary.image)
        for need in needs:
            if stays_on_host(need.library) is not HostReason.LIBC:
                continue
            release = _release(need.version)
            if release is not None and (highest is None or release > highest.release):
                highest = Floor("glibc", release, binary.path, need.version)
    return highest


def _release(version: str) -> tuple[int, int] | None:
    if version in _FEATURES:
        return _FEATURES[version]
    match = _RELEASE.fullmatch(version)
    return (int(match[1]), int(match[2])) if match else None

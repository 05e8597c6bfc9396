"""libc's family on a machine: the loader and the libraries of its build, which go together or not at all."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping

from bundler.binaries.elf import Image
from bundler.bundle_paths import join
from bundler.sysroot import Sysroot
from bundler.systems.linux.loader import SystemLibraries
from bundler.systems.linux.policy import HostReason, stays_on_host

# The loader is known by the path that a program has for it; debuggers' part; other libcs'; modules of name services that have
# configurations of their own; what is linked against.
_OTHERS = re.compile(r"ld[-.]|libc\.musl|libthread_db|libBrokenLocale|libnss_(?!files|dns)|.*\.so$")
_ABI_TAG, _LINUX = 1, 0  # NT_GNU_ABI_TAG, ELF_NOTE_OS_LINUX (the Linux Standard Base, "ABI note tag")


def libc_family(system: SystemLibraries, sysroot: Sysroot) -> Mapping[str, str]:
    """The libraries by their names, but for the loader: their paths as the sysroot has them."""
    names = {name: paths[0] for name, paths in system.cache.items()}
    for folder in () if names else reversed(system.default_directories):
        names.update({name: join(folder, name) for name in sysroot.names_in(sysroot.path_of(folder))})
    return {
        name: path for name, path in names.items() if stays_on_host(name) is HostReason.LIBC and not _OTHERS.match(name)
    }


def oldest_kernel(libc: Image) -> tuple[int, int] | None:
    """The oldest Linux that a libc was built for, by its ABI note; None where it has none."""
    for note in libc.notes:
        if note.owner == b"GNU" and note.type == _ABI_TAG and len(note.description) >= 12:
            system, major, minor = struct.unpack(
                f"{'<' if libc.byteorder == 'little' else '>'}3I", note.description[:12]
            )
            if system == _LINUX:
                return major, minor
    return None

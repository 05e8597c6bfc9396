"""The files of a sysroot as a loader sees them. See `loader.LoaderView`."""

from __future__ import annotations

import stat

from bundler.binaries.elf import Image
from bundler.files import opened
from bundler.machine import os
from bundler.machine.failing import is_dir, unless_failing
from bundler.sysroot import HOST, Sysroot


class SysrootLibraries:
    """The files of a sysroot by their names, each looked at once; libraries must fit the class and machine of `image`."""

    def __init__(self, image: Image, sysroot: Sysroot = HOST) -> None:
        self._identity = _identity(image.elf_class.value, image.byteorder, image.machine)
        self._sysroot = sysroot
        self._known: dict[str, bool] = {}
        self._normal: dict[str, str] = {}

    def is_library(self, path: str) -> bool:
        """Whether the loader would take the file."""
        known = self._known.get(path)
        if known is None:
            known = self._known[path] = self._look(path)
        return known

    def is_there(self, path: str) -> bool:
        """Whether anything is."""
        return os.path.exists(path if self._sysroot.is_host else self.real(path))

    def normal(self, path: str) -> str:
        """As the kernel goes: `..` behind a link leads up from the link's target, behind nothing nowhere."""
        known = self._normal.get(path)
        if known is None:
            known = self._normal[path] = self._normalised(path)
        return known

    def real(self, path: str) -> str:
        """The path on this machine, all links followed inside the sysroot."""
        return self._sysroot.real(self._sysroot.path_of(path))

    def _look(self, path: str) -> bool:
        try:
            place = path if self._sysroot.is_host else self.real(path)
            if not stat.S_ISREG(os.stat(place).st_mode):
                return False
            with opened(place) as file:
                head = file.read(20)
        except (OSError, ValueError) as error:
            unless_failing(error, path)
            return False
        return head[:4] == b"\x7fELF" and (head[4:6], head[18:20]) == self._identity

    def _normalised(self, path: str) -> str:
        place = "/"
        for part in path.split("/"):
            if part == "..":
                real = self.real(place)
                if not is_dir(real):
                    return path
                folder = self.real(os.path.dirname(place))
                link = os.path.islink(os.path.join(folder, os.path.basename(place)))
                place = os.path.dirname(self._sysroot.name_of(real) if link else place)
            elif part not in ("", "."):
                place = os.path.join(place, part)
        return place


def _identity(elf_class: int, byteorder: str, machine: int) -> tuple[bytes, bytes]:
    """The bytes of a file header that must be equal: EI_CLASS with EI_DATA, and e_machine."""
    little = byteorder == "little"
    order = 1 if little else 2
    return bytes((1 if elf_class in (1, 32) else 2, order)), machine.to_bytes(2, "little" if little else "big")

"""The paths that are compiled into libraries of the host. Each library is read once."""

from __future__ import annotations

from dataclasses import dataclass, field

from bundler.binaries.elf import Image, read_image
from bundler.binaries.elf.constant_strings import constant_paths
from bundler.errors import BinaryFormatError
from bundler.files import opened
from bundler.machine import os
from bundler.machine.failing import unless_failing
from bundler.memory.constants import NO_CONSTANTS_CACHE, ConstantsCache
from bundler.sysroot import Sysroot

_ROOTS = (b"/usr/", b"/opt/")


@dataclass(slots=True)
class CompiledInPaths:
    """What real files of this machine name."""

    sysroot: Sysroot
    memory: ConstantsCache = NO_CONSTANTS_CACHE
    """What was found in them earlier."""
    _paths: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _images: dict[str, Image | None] = field(default_factory=dict)

    def named(self, real: str) -> tuple[str, ...]:
        """The paths that are compiled into a library and lead to a folder, as they stand there."""
        if real not in self._paths:
            self._paths[real] = tuple(
                path for path in self._constants(real) if self.sysroot.is_dir(self.sysroot.path_of(path))
            )
        return self._paths[real]

    def image(self, real: str) -> Image | None:
        """The headers; None for what is no ELF file, or a damaged one."""
        if real not in self._images:
            try:
                with opened(real) as file:
                    self._images[real] = read_image(file)
            except (OSError, BinaryFormatError) as error:
                unless_failing(error, real)
                self._images[real] = None
        return self._images[real]

    def _constants(self, real: str) -> tuple[str, ...]:
        image = self.image(real)
        if image is None:
            return ()
        with opened(real) as file:
            facts = os.fstat(file.fileno())
            found = self.memory.recall(facts)
            if found is None:
                found = tuple(map(os.fsdecode, constant_paths(file, image, _ROOTS)))
                self.memory.note(facts, found)
        return found

"""Modules that the run check has to compile: once, for the source and for the bundle, where both have the same file.

Who imports a module reads its pyc by the path of the file, whose size and time must be those that the pyc tells (or none, in those
that a pack compiles), and gives the code the path that the file has there: so it does not show where a pyc was made. That the
bundle's file is the source's is for the digests to prove, which an audit compares before it runs anything.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from types import TracebackType

from bundler.audit.origins import Origins
from bundler.entries import Entry, Source
from bundler.machine import os, rooted, rootless
from bundler.machine.temporary_folder import TemporaryFolder
from bundler.plan.origins import BUNDLER

_FOLDER, _SUFFIX = "__pycache__", ".pyc"


class CompiledModules:
    """Two folders for compiled modules, one for each side; a context manager, which leaves nothing."""

    def __init__(self) -> None:
        self._folder = TemporaryFolder("bundler-compiled-")
        real = os.path.realpath(self._folder.name)
        self.source, self.bundle = os.path.join(real, "source"), os.path.join(real, "bundle")
        self.own = os.path.join(real, "own")
        """For the source, too: there is nothing in it that it did not compile itself."""
        self.is_seeded = False
        """Whether the source has anything of the bundle's."""

    def __enter__(self) -> CompiledModules:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._folder.cleanup()

    def seed(self, entries: Iterable[Entry]) -> None:
        """Lend the source the pycs that the pack compiled for the bundle, of files that this has unchanged."""
        made: dict[str, str] = {}
        modules: dict[str, str] = {}
        for entry in entries:
            if isinstance(entry.content, Source):
                if entry.path.endswith(_SUFFIX) and entry.origin == BUNDLER:
                    made[entry.path] = entry.content.path
                elif entry.path.endswith(".py"):
                    modules[entry.path] = entry.content.path
        for path, pyc in made.items():
            above, name = os.path.split(path)
            stem = name.partition(".")[0]
            module = modules.get(f"{os.path.dirname(above)}/{stem}.py")
            if module is None or os.path.basename(module) != f"{stem}.py":
                continue
            target = self._pyc(self.source, os.path.dirname(module), name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with contextlib.suppress(OSError):  # it is lent already; or not everybody may make links (Windows)
                os.symlink(pyc, target)
            self.is_seeded = True

    def hand_over(self, origins: Origins, place: str) -> None:
        """Give the bundle in the folder `place` what was compiled of files that it has unchanged; the source loses it."""
        for folder, _, names in os.walk(self.source):
            above, name = os.path.split(folder)
            if name == _FOLDER:
                for item in names:
                    self._hand_over(rooted(os.path.relpath(above, self.source)), item, origins, place)

    def _hand_over(self, folder: str, name: str, origins: Origins, place: str) -> None:
        """Hand over one pyc of a module in `folder`; what was lent the bundle has."""
        stem, _, rest = name.partition(".")
        if rest.count(".") != 1 or not rest.endswith(_SUFFIX):  # no tag, or more than that
            return
        if os.path.islink(self._pyc(self.source, folder, name)):
            return
        for path in origins.unchanged(f"{folder}/{stem}.py"):
            target = self._pyc(self.bundle, os.path.join(place, os.path.dirname(path)), name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.replace(self._pyc(self.source, folder, name), target)
            return  # of several bundle paths one has it

    @staticmethod
    def _pyc(side: str, folder: str, name: str) -> str:
        return os.path.join(side, rootless(folder), _FOLDER, name)

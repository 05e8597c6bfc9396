"""A root: the directory that an environment sees as `/`.

A *path* is a place on this machine; a *name* is the absolute path by which programs inside the root know it. Text that is read
from a root (a link's target, `home` in pyvenv.cfg, a shebang, a search path) holds names. For `/` the two are the same.
"""

from __future__ import annotations

import errno
import stat
from collections.abc import Callable
from dataclasses import dataclass

from bundler.bundle_paths import MOST_LINKS, lies_in
from bundler.machine import os
from bundler.machine.failing import unless_failing


@dataclass(frozen=True, slots=True)
class Sysroot:
    """The root at `path` (absolute, links followed). Nothing here leads out of it."""

    path: str = "/"

    @property
    def is_host(self) -> bool:
        """Whether it is this machine's own root."""
        return self.path == "/"

    def path_of(self, name: str) -> str:
        """The path of a name; `..` above the root stays at the root, as for the kernel. No link is followed."""
        if self.is_host:
            return name
        below = os.path.normpath("/" + name).strip("/")
        return f"{self.path}/{below}" if below else self.path

    def name_of(self, path: str) -> str:
        """The name of an absolute path; a path outside of the root, which has none, is given back."""
        if self.is_host or not self.holds(path):
            return path
        return path[len(self.path) :] or "/"

    def holds(self, path: str) -> bool:
        """Whether an absolute path lies in the root, by its text alone."""
        return self.is_host or lies_in(path, self.path)

    def real(self, path: str) -> str:
        """The path behind all links of an absolute path, followed as inside the root: like os.path.realpath there.

        What is not there stays as it is, and so does what no path can be. Raises OSError for a circle of links, but in this
        machine's own root.
        """
        if "\0" in path:
            return os.path.normpath(path)
        if self.is_host or not self.holds(path):
            return _real(path)
        done = self.path
        left = [part for part in reversed(path[len(self.path) :].split("/")) if part]
        links = 0
        while left:
            part = left.pop()
            if part == "..":
                done = os.path.dirname(done) if done != self.path else done
            elif part != ".":
                place = os.path.join(done, part)
                target = _target(place)
                if target is None:
                    done = place
                    continue
                links += 1
                if links > MOST_LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
                done = self.path if target.startswith("/") else done
                left += [part for part in reversed(target.split("/")) if part]
        return done

    def target(self, link: str) -> str:
        """Where the link at a path leads in one step: the text of it, as a path without dots."""
        text = os.readlink(link)
        folder = self.real(os.path.dirname(link))
        if self.is_host or not self.holds(link):
            return os.path.normpath(os.path.join(folder, text))
        return self.path_of(os.path.join(self.name_of(folder), text))

    def is_name(self, text: str) -> bool:
        """Whether a text is a name: a path that counts from the root, wherever it stands."""
        return os.path.isabs(text)

    def located(self, text: str, folder: str) -> str:
        """The path that a text in a file of the directory at `folder` means: a name, or a path counted from there."""
        place = os.path.normpath(os.path.join(folder, text))
        return self.path_of(place) if self.is_name(text) else place

    def of_row(self, path: str) -> str:
        """A path that a list of files made of a text, as the file is spelled here."""
        return path

    def exists(self, path: str) -> bool:
        """Whether something is at `path`, links followed."""
        return self._is(path, lambda _mode: True)

    def is_file(self, path: str) -> bool:
        """Whether a regular file is at `path`, links followed."""
        return self._is(path, stat.S_ISREG)

    def is_dir(self, path: str) -> bool:
        """Whether a directory is at `path`, links followed."""
        return self._is(path, stat.S_ISDIR)

    def _is(self, path: str, test: Callable[[int], bool]) -> bool:
        try:
            return test(os.stat(self.real(path)).st_mode)
        except (OSError, ValueError) as error:
            unless_failing(error, path)
            return False

    def names_in(self, path: str) -> list[str]:
        """The sorted names in the directory at `path`, links followed; none where there is no directory."""
        try:
            return sorted(os.listdir(self.real(path)))
        except (OSError, ValueError) as error:
            unless_failing(error, path)
            return []


HOST = Sysroot()


def _real(path: str) -> str:
    """See os.path.realpath, for which a link that cannot be read is none."""
    try:
        return os.path.realpath(path, strict=True)
    except OSError as error:
        unless_failing(error, path)
        return os.path.realpath(path)


def _target(path: str) -> str | None:
    """Where the link at `path` leads, as it is written; None where it is no link."""
    try:
        return os.readlink(path) if stat.S_ISLNK(os.lstat(path).st_mode) else None
    except OSError as error:
        unless_failing(error, path)
        return None

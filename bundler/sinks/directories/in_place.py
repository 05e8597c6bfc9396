"""A bundle that takes the place of the environment that it was made of.

It is written beside the environment, with hard links to those of its files that stay as they are, proved there, and then exchanged
with it in one step. Where that cannot be (a mount point, a lower layer of overlayfs), the contents are moved; what a pack that
was killed meanwhile left undone, the next one settles first.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType

from bundler.entries import Entry
from bundler.machine import os
from bundler.options import LinkMode
from bundler.permissions import kept
from bundler.progress import ignore
from bundler.sinks import Written
from bundler.sinks.directories.directory import DirectorySink
from bundler.sinks.placement import Target
from bundler.sinks.temporary import clear_abandoned


def recover(path: str) -> None:
    """Bring into order what a pack in place that was killed left of `path`. Raises OutputFailed where that cannot be done."""
    target = os.path.realpath(path)
    for folder in (os.path.dirname(target), target):
        clear_abandoned(folder, target)


def open_in_place(
    path: str, *, link: LinkMode = LinkMode.AUTO, threads: int = 2, advance: Callable[[int], object] = ignore
) -> InPlaceSink:
    """A sink that takes the place of the directory at `path`. Raises OutputFailed."""
    root = os.path.realpath(path)
    recover(root)
    target = Target(root, force=True)
    with ExitStack() as undone:
        working = target.make_temporary()
        undone.callback(working.remove)
        # No update has anything to compare with: the source is gone.
        sink = DirectorySink(target, working, link, hard_linked=root, threads=threads, noted=False, advance=advance)
        undone.pop_all()
    return InPlaceSink(sink, root)


class InPlaceSink:
    """Writes beside the directory at `replaced`, and takes its place; see `sinks.Sink`."""

    def __init__(self, new: DirectorySink, replaced: str) -> None:
        self._new = new
        self._replaced = replaced

    def __enter__(self) -> InPlaceSink:
        """Nothing: it is open already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove what is not in place."""
        self._new.__exit__(kind, error, trace)

    def begin(self, entries: Sequence[Entry]) -> None:
        """See Sink."""
        self._new.begin(entries)

    def add(self, entry: Entry) -> None:
        """See Sink."""
        self._new.add(entry)

    def finish(self) -> Written:
        """See Sink. The folder gets the old one's mode (`permissions`), and all of it the old one's owner.

        Files that are shared with the old one will be the bundle's alone: nothing is told of them.
        """
        written = self._new.finish()
        found = os.stat(self._replaced)
        os.chmod(self._new.root, kept(found.st_mode))
        if (found.st_uid, found.st_gid) != (os.geteuid(), os.getegid()):
            _give(self._new.root, found.st_uid, found.st_gid)
        return replace(written, shared=0, stamps={})

    def begin_again(self) -> bool:
        """Never: files have another owner by then."""
        return False

    def replace(self, entry: Entry) -> bool:
        """See Sink. The new file has the environment's owner, too."""
        replaced = self._new.replace(entry)
        found = os.stat(self._replaced)
        if (found.st_uid, found.st_gid) != (os.geteuid(), os.getegid()):
            with contextlib.suppress(PermissionError):
                os.lchown(os.path.join(self._new.root, entry.path), found.st_uid, found.st_gid)
        return replaced

    def place(self) -> str:
        """See Sink."""
        return self._new.place()


def _give(root: str, user: int, group: int) -> None:
    """Give what was written to the environment's owner; files that are shared have theirs. Does nothing for users who may not."""
    try:
        os.chown(root, user, group)
        for folder, folders, files in os.walk(root):
            for name in (*folders, *files):
                path = os.path.join(folder, name)
                if os.path.islink(path) or os.path.isdir(path) or os.stat(path).st_nlink == 1:
                    os.lchown(path, user, group)
    except PermissionError:
        return

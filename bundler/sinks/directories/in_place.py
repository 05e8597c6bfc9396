"""A bundle that takes the place of the environment that it was made of.

It is written beside the environment, with hard links to those of its files that stay as they are, proved there, and then exchanged
with it in one step. Where that cannot be (a mount point, a lower layer of overlayfs), the contents are moved; what a pack that
was killed meanwhile left undone, the next one settles first.
"""

from __future__ import annotations

import os

from bundler.entries import Entry, Source
from bundler.environment import Environment, EnvironmentKind
from bundler.errors import OutputFailed
from bundler.options import LinkMode
from bundler.sinks import Written
from bundler.sinks.directories.directory import DirectorySink
from bundler.sinks.placement import is_bundle
from bundler.sinks.temporary import clear_abandoned


def recover(environment: str) -> None:
    """Bring an environment into order whose pack in place was killed while contents were moved."""
    target = os.path.realpath(environment)
    for folder in (os.path.dirname(target), target):
        clear_abandoned(folder, target)


def check_in_place(environment: Environment) -> None:
    """Refuse what is more than an environment. Raises OutputFailed."""
    if environment.kind is not EnvironmentKind.VENV and not is_bundle(environment.root):
        raise OutputFailed(
            f"{environment.root} is no virtual environment: what else lies in it would be lost",
            "use --out; --in-place is for virtual environments and bundles",
        )


class InPlaceSink(DirectorySink):
    """Writes beside the environment at `root`, and takes its place."""

    def __init__(self, root: str, *, link: LinkMode, threads: int) -> None:
        super().__init__(os.path.realpath(root), force=True, link=link, threads=threads)
        self._environment = os.path.realpath(root)

    def finish(self) -> Written:
        """See DirectorySink. Files that are shared with the environment will be the bundle's alone."""
        written = super().finish()
        found = os.stat(self._environment)
        os.chmod(self._root, found.st_mode & 0o7777)
        if (found.st_uid, found.st_gid) != (os.geteuid(), os.getegid()):
            _give(self._root, found.st_uid, found.st_gid)
        return Written(written.path, written.digests, written.entries, written.size)

    def _check(self) -> None:
        recover(self._environment)

    def _link_for(self, entry: Entry) -> LinkMode:
        content = entry.content
        mine = isinstance(content, Source) and content.path.startswith(self._environment + "/")
        return LinkMode.HARDLINK if mine else super()._link_for(entry)

    def _note_pack(self) -> None:
        """An update has nothing to compare with: the source is gone."""


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

"""Put a finished output in place: wholly, or not at all.

A directory goes there by one rename; over an existing bundle by one exchange (renameat2), after which the old one is
removed. Where the kernel refuses (EXDEV: a directory in a lower layer of overlayfs; EBUSY: a mount point) the children
are moved one by one, and moved back when one fails.
"""

from __future__ import annotations

import errno
import re

from bundler.errors import OutputExists, OutputFailed
from bundler.files import MOST_OF_A_MANIFEST, read_regular
from bundler.machine import os
from bundler.machine.failing import is_file, unless_failing
from bundler.parsing import parse_json
from bundler.sinks import steps
from bundler.sinks.interrupted import ASIDE, OLD, begin_change, begin_coming, take_back_coming
from bundler.sinks.moves import REFUSED, Moves
from bundler.sinks.temporary import WorkingFolder, clear_abandoned, prefix_of

_HEAD = re.compile(rb'\{\s*"schema":\s*\d+,\s*"bundler":\s*"')
_HEAD_SIZE = 200
_OCCUPIED = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)


class Target:
    """The path of an output, and how to get there."""

    def __init__(self, path: str, *, force: bool) -> None:
        self.path = os.path.abspath(path)
        self._force = force

    def check(self) -> None:
        """Refuse a target that must not be replaced, and clear what killed packs left. Raises OutputExists, OutputFailed."""
        parent = os.path.dirname(self.path)
        for folder in (parent, self.path):
            clear_abandoned(folder, self.path)
        self.check_standing()
        try:
            os.makedirs(parent, exist_ok=True)
        except OSError as error:
            raise OutputFailed(f"{parent} cannot be made: {error.strerror}") from error

    def check_standing(self) -> None:
        """Refuse a target that must not be replaced; nothing is touched. Raises OutputExists."""
        if not os.path.lexists(self.path):
            return
        if os.path.isdir(self.path) and not os.path.islink(self.path):
            if self._is_empty():
                return
            if not is_bundle(self.path):
                raise OutputExists(
                    f"{self.path} is a directory and no bundle; it is never replaced",
                    "choose another --out, or remove the directory yourself",
                )
        if not self._force:
            raise OutputExists(f"{self.path} exists", "use --force to replace it")

    def check_file(self) -> None:
        """The same for an output that is one file."""
        self.check_no_directory()
        self.check()

    def check_no_directory(self) -> None:
        """Refuse a directory in the place of a file. Raises OutputExists."""
        if os.path.isdir(self.path):
            raise OutputExists(f"{self.path} is a directory", "choose another --out")

    def make_temporary(self) -> WorkingFolder:
        """A new directory on the target's own file system, hidden beside it. Raises OutputFailed."""
        folder = os.path.dirname(self.path)
        if os.path.ismount(self.path):
            folder = self.path
        try:
            return WorkingFolder(folder, self.path)
        except OSError as error:
            raise OutputFailed(f"{folder} cannot be written to: {error.strerror}") from error

    def _is_empty(self) -> bool:
        """Whether a directory is at the target, and nothing in it but what packs to it make for a while."""
        return os.path.isdir(self.path) and all(name.startswith(prefix_of(self.path)) for name in os.listdir(self.path))

    def put_file(self, new: str) -> None:
        """Move a finished file to the target. Raises OutputExists for what came there meanwhile, OSError."""
        self.check_no_directory()
        if self._force:
            steps.rename(new, self.path)
            return
        try:
            steps.rename_anew(new, self.path)
        except FileExistsError as error:
            raise self._came_meanwhile() from error

    def put_directory(self, new: str) -> None:
        """Move the finished tree at `new` to the target.

        The old tree, if any, ends below `new`'s parent, which the caller removes. Raises OutputExists for what came there
        meanwhile, OSError, with the old one in its place, and NotUndone where it could not be put back.
        """
        if not self._force and os.path.lexists(self.path) and (os.path.islink(self.path) or not self._is_empty()):
            raise self._came_meanwhile()
        if not os.path.lexists(self.path):
            try:
                steps.rename(new, self.path)  # over nothing but an empty directory
            except OSError as error:
                if error.errno not in _OCCUPIED:
                    raise
                raise self._came_meanwhile() from error
        elif os.path.islink(self.path) or not os.path.isdir(self.path):
            self._replace_by_renames(new)
        else:
            self._replace_directory(new)

    def _came_meanwhile(self) -> OutputExists:
        return OutputExists(f"{self.path} was made by somebody else meanwhile", "use --force to replace it")

    def _replace_directory(self, new: str) -> None:
        try:
            if not os.listdir(self.path):
                steps.rename(new, self.path)
            elif not steps.exchange(new, self.path):
                self._replace_by_renames(new)
        except OSError as error:
            if error.errno not in REFUSED:
                raise
            self._replace_children(new)

    def _replace_by_renames(self, new: str) -> None:
        """Swap two paths; between the two renames there is nothing at the target."""
        moves = Moves()
        try:
            moves.rename(self.path, os.path.join(os.path.dirname(new), OLD))
            moves.rename(new, self.path)
        except BaseException:
            moves.undo()
            raise

    def _replace_children(self, new: str) -> None:
        """Swap the contents of two directories child by child."""
        working = os.path.dirname(new)
        aside = os.path.join(working, ASIDE)
        begin_change(working, (), _folders(self.path, os.path.basename(working)))
        steps.make_folder(aside)
        going, coming = Moves(), Moves()
        try:
            for name in os.listdir(self.path):
                if name != os.path.basename(working):
                    going.move(os.path.join(self.path, name), os.path.join(aside, name))
            begin_coming(working)
            for name in os.listdir(new):
                coming.move(os.path.join(new, name), os.path.join(self.path, name))
        except BaseException:
            coming.undo()
            take_back_coming(working)
            going.undo()
            raise


def is_bundle(path: str) -> bool:
    """Whether a directory is a bundle: it has a `bundle.json` that bundler wrote."""
    try:
        manifest = os.path.join(path, "bundle.json")
        if not is_file(manifest):
            return False
        with open(manifest, "rb") as file:
            # As bundler writes it; all of it is read only where somebody has put it in another form.
            if _HEAD.match(file.read(_HEAD_SIZE)):
                return True
        found = parse_json(read_regular(manifest, MOST_OF_A_MANIFEST))
        return isinstance(found, dict) and "bundler" in found
    except (OSError, ValueError) as error:
        unless_failing(error, path)
        return False


def _folders(root: str, but: str) -> dict[str, os.stat_result]:
    """The facts of all folders below `root`, by their paths from there, but for one of these and what is in it."""
    found = {}
    for folder, names, _ in os.walk(root):
        names[:] = [name for name in names if folder != root or name != but]
        for name in names:
            path = os.path.join(folder, name)
            if not os.path.islink(path):
                found[os.path.relpath(path, root)] = os.lstat(path)
    return found

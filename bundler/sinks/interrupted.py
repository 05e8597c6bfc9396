"""What a pack that was killed left half done is brought to an end: taken back, or finished.

In its working folder the contents of a directory go `aside` before the new ones take their places. Until the mark is there all is
taken back, from then on all is finished. A journal tells what was not there before, and the modes and times of folders.
Both sides may have a directory that was entered because it could not be moved as a whole.
"""

from __future__ import annotations

import contextlib
import errno
import json
import shutil
import stat
from collections.abc import Mapping, Sequence

from bundler.machine import os
from bundler.sinks import steps
from bundler.sinks.moves import REFUSED

ASIDE = "aside"
"""Where the contents of the target go, below the working folder."""
OLD = "old"
"""Where the target itself goes."""
NEW = "new"
"""Where the new tree is made."""
_MARK = "coming"
_JOURNAL = "journal"


def begin_change(working: str, added: Sequence[str], folders: Mapping[str, os.stat_result]) -> None:
    """Note, before anything is moved, the paths of the target that will be new, and what its folders are like."""
    facts = {path: (stat.S_IMODE(found.st_mode), found.st_mtime_ns) for path, found in folders.items()}
    journal = os.path.join(working, _JOURNAL)
    with open(journal + ".new", "wb") as file:
        file.write(json.dumps({"added": list(added), "folders": facts}).encode())
        file.flush()
        os.fsync(file.fileno())
    steps.rename(journal + ".new", journal)


def begin_coming(working: str) -> None:
    """Mark that there is no way back: from now on the new contents come, or stay."""
    steps.write_mark(os.path.join(working, _MARK))


def take_back_coming(working: str) -> None:
    """Take the mark away: none of the new contents is there any more."""
    steps.remove_mark(os.path.join(working, _MARK))


def is_unfinished(working: str) -> bool:
    """Whether something was begun from a working folder that must be brought to an end."""
    return any(os.path.lexists(os.path.join(working, name)) for name in (ASIDE, OLD, _JOURNAL))


def bring_to_an_end(working: str, target: str) -> None:
    """Take back or finish what was begun from a working folder to `target`; nothing where nothing was. Raises OSError.

    It may be killed as well, at any time: the next one goes on.
    """
    old = os.path.join(working, OLD)
    if os.path.lexists(old) and not os.path.lexists(target):
        steps.rename(old, target)
    if not os.path.isdir(target):
        return
    if os.path.exists(os.path.join(working, _MARK)):
        _merge(os.path.join(working, NEW), target)
        return
    added, folders = _read_journal(working)
    for path in reversed(added):
        _take_away(os.path.join(target, path))
    _merge(os.path.join(working, ASIDE), target)
    for path, (mode, mtime_ns) in reversed(list(folders.items())):
        with contextlib.suppress(FileNotFoundError):  # somebody removed it since
            os.chmod(os.path.join(target, path), mode)
            os.utime(os.path.join(target, path), ns=(mtime_ns, mtime_ns))


def forget(working: str) -> None:
    """Nothing is to be taken back or finished any more, whatever is left of the folder. In this order: see `bring_to_an_end`."""
    for name in (_JOURNAL, ASIDE, OLD):
        if os.path.lexists(os.path.join(working, name)):
            steps.rename(os.path.join(working, name), os.path.join(working, f"done-{name}"))


def _read_journal(working: str) -> tuple[Sequence[str], Mapping[str, tuple[int, int]]]:
    try:
        with open(os.path.join(working, _JOURNAL), "rb") as file:
            journal = json.load(file)
    except FileNotFoundError:
        return (), {}
    return journal["added"], journal["folders"]


def _merge(source: str, target: str) -> None:
    """Move everything below `source` to `target`."""
    for name in os.listdir(source) if os.path.isdir(source) else ():
        there, here = os.path.join(source, name), os.path.join(target, name)
        if _is_folder(there) and _is_folder(here):
            _merge(there, here)
            continue
        if _is_folder(there) or _is_folder(here):  # one of them: the new one, which takes the other's place
            _remove_all(here)
        try:
            steps.rename(there, here)
        except OSError as error:
            if error.errno not in REFUSED or not _is_folder(there):
                raise
            steps.make_folder(here)
            _merge(there, here)
            shutil.copystat(there, here)


def _is_folder(path: str) -> bool:
    return os.path.isdir(path) and not os.path.islink(path)


def _take_away(path: str) -> None:
    """Remove a file, or a folder that is empty; what somebody put into a folder since stays."""
    try:
        if _is_folder(path):
            steps.remove_folder(path)
        else:
            os.unlink(path)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ENOTEMPTY, errno.EEXIST):
            raise


def _remove_all(path: str) -> None:
    """Remove a file, or a folder with all that is in it; a missing one is fine."""
    if _is_folder(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)

"""The contents of two directories are swapped by many moves; this settles what a killed process left half done.

While the old contents go aside, all is taken back; once the new ones come, all is brought to its end. Both sides may have a
directory that was entered because it could not be moved as a whole.
"""

from __future__ import annotations

import errno
import os
import shutil

ASIDE = "aside"
"""Where the old contents go, below the working folder."""
NEW = "new"
_COMING = "coming"


def begin_coming(working: str) -> None:
    """Mark that all old contents are aside, and that the new ones come."""
    with open(os.path.join(working, _COMING), "wb") as file:
        os.fsync(file.fileno())


def take_back_coming(working: str) -> None:
    """Take the mark away: the moves are being undone."""
    if os.path.exists(os.path.join(working, _COMING)):
        os.unlink(os.path.join(working, _COMING))


def settle(working: str, target: str) -> None:
    """Undo or finish the moves that were begun from a working folder to `target`; nothing where none were."""
    aside = os.path.join(working, ASIDE)
    if not os.path.isdir(aside) or not os.path.isdir(target):
        return
    if os.path.exists(os.path.join(working, _COMING)):
        _merge(os.path.join(working, NEW), target)
    else:
        _merge(aside, target)


def _merge(source: str, target: str) -> None:
    """Move everything below `source` to `target`."""
    for name in os.listdir(source) if os.path.isdir(source) else ():
        there, here = os.path.join(source, name), os.path.join(target, name)
        is_folder = os.path.isdir(there) and not os.path.islink(there)
        if is_folder and os.path.isdir(here) and not os.path.islink(here):
            _merge(there, here)
            continue
        try:
            os.rename(there, here)
        except OSError as error:
            if error.errno not in (errno.EXDEV, errno.EBUSY) or not is_folder:
                raise
            os.mkdir(here)
            _merge(there, here)
            shutil.copystat(there, here)

"""Files that share their blocks, where the file system can do that (btrfs, XFS). Windows has it on ReFS alone: not there."""

from __future__ import annotations

import errno

from bundler.machine import HAS_DRIVES, os

_FICLONE = 0x40049409  # linux/fs.h


def clone(source: int, target: int) -> None:
    """Make of the new file `target` one that shares the blocks of `source`; both are open. Raises OSError where that cannot be."""
    if HAS_DRIVES:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    import fcntl

    fcntl.ioctl(target, _FICLONE, source)

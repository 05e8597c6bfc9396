"""The user's caches below `~/.cache/bundler`. Any of them may be deleted at any time."""

from __future__ import annotations

import hashlib
import os
import tempfile


def cache_folder(name: str) -> str | None:
    """The folder of one cache, made where it was not there; None where it cannot be made, or is not the user's own."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    folder = os.path.join(home, "bundler", name)
    try:
        if not os.path.isabs(folder):
            return None
        os.makedirs(folder, mode=0o700, exist_ok=True)
        # Nobody else may have a hand in what gets into a bundle.
        own = os.stat(folder).st_uid == os.geteuid()
    except OSError:
        return None
    return folder if own and os.access(folder, os.W_OK | os.X_OK) else None


def cache_file(name: str, environment: str) -> str | None:
    """The path of what one cache has on the environment at a path; None where there can be no cache."""
    folder = cache_folder(name)
    if folder is None:
        return None
    return os.path.join(folder, hashlib.sha256(os.fsencode(os.path.realpath(environment))).hexdigest()[:32])


def replace_cached(folder: str, name: str, data: bytes, *, kept: int) -> None:
    """Write one file of a cache anew, in one step, and remove all but the `kept` newest. Raises OSError."""
    descriptor, new = tempfile.mkstemp(prefix=".new-", dir=folder)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
        os.replace(new, os.path.join(folder, name))
    except BaseException:
        os.unlink(new)
        raise
    for item in sorted(os.scandir(folder), key=lambda item: item.stat().st_mtime, reverse=True)[kept:]:
        os.unlink(item.path)

"""When the last pack into a directory ended: an update need not read again what nobody touched since.

`~/.cache/bundler/packs/<digest of the path>.json`, the newest few of them. Any may be deleted at any time: the next update then
compares the files by their content.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time

from bundler.files import MOST_OF_A_MANIFEST, read_regular
from bundler.machine import os
from bundler.memory.store import cache_folder, replace_cached

_KEPT = 32


def last_pack(bundle: str, manifest: bytes) -> int:
    """When the pack ended that made the bundle with this `bundle.json` (nanoseconds since the epoch); 0 where nothing tells."""
    folder = cache_folder("packs")
    if folder is None:
        return 0
    try:
        with open(os.path.join(folder, _name(bundle)), "rb") as file:
            found = json.load(file)
        if found["manifest"] == hashlib.sha256(manifest).hexdigest():
            return int(found["finished"])
    except (OSError, ValueError, TypeError, KeyError):
        pass
    return 0


def note_pack(bundle: str) -> None:
    """Note that the bundle at this path, which is in place now, was packed. Does nothing where there can be no cache."""
    folder = cache_folder("packs")
    if folder is None:
        return
    with contextlib.suppress(OSError):
        manifest = hashlib.sha256(read_regular(os.path.join(bundle, "bundle.json"), MOST_OF_A_MANIFEST)).hexdigest()
        data = json.dumps({"manifest": manifest, "finished": time.time_ns()}).encode()
        replace_cached(folder, _name(bundle), data, kept=_KEPT)


def _name(bundle: str) -> str:
    return hashlib.sha256(os.fsencode(os.path.realpath(bundle))).hexdigest()[:32] + ".json"

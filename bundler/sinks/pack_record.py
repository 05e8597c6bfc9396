"""What the last pack into a directory read: an update need not read again what is still the same.

`~/.cache/bundler/packs/<digest of the path>.json`, the newest few of them. Any may be deleted at any time: the next update then
compares the files by their content.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from bundler.plan.entries import Stamp

_KEPT = 32


@dataclass(frozen=True, slots=True)
class PackRecord:
    """The stamps of the sources by bundle path, and when the pack ended (nanoseconds since the epoch; 0 for no record)."""

    finished: int = 0
    stamps: Mapping[str, Stamp] = field(default_factory=dict)


def load_record(bundle: str, manifest: bytes) -> PackRecord:
    """The record of the pack that made the bundle with this `bundle.json`; an empty one where there is none."""
    try:
        with open(os.path.join(_folder(), _name(bundle)), "rb") as file:
            found = json.load(file)
        if found["manifest"] == hashlib.sha256(manifest).hexdigest():
            stamps = {str(path): (int(a), int(b), int(c)) for path, (a, b, c) in found["stamps"].items()}
            return PackRecord(int(found["finished"]), stamps)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        pass
    return PackRecord()


def save_record(bundle: str, stamps: Mapping[str, Stamp]) -> None:
    """Note what the bundle at this path, which is in place now, was made from. Does nothing where there can be no cache."""
    with contextlib.suppress(OSError):
        folder = _folder()
        os.makedirs(folder, mode=0o700, exist_ok=True)
        if os.stat(folder).st_uid != os.geteuid():
            return
        with open(os.path.join(bundle, "bundle.json"), "rb") as file:
            manifest = hashlib.sha256(file.read()).hexdigest()
        value = {"manifest": manifest, "finished": time.time_ns(), "stamps": stamps}
        with tempfile.NamedTemporaryFile("w", dir=folder, prefix=".new-", delete=False) as new:
            json.dump(value, new)
        os.replace(new.name, os.path.join(folder, _name(bundle)))
        records = sorted(os.scandir(folder), key=lambda item: item.stat().st_mtime, reverse=True)
        for item in records[_KEPT:]:
            os.unlink(item.path)


def _folder() -> str:
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(home, "bundler", "packs")


def _name(bundle: str) -> str:
    return hashlib.sha256(os.fsencode(os.path.realpath(bundle))).hexdigest()[:32] + ".json"

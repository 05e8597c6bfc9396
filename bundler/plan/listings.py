"""What was in the folders that are packed when they were listed: what came since, or went, is not what the plan has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from bundler.entries import settling_time
from bundler.errors import OutputFailed
from bundler.machine import changed_at, os
from bundler.plan.overlay import Entries

_COMPILED = "__pycache__"  # Python writes there wherever it runs: such a folder is never complete
_OURS = ".bundler-"  # what a pack makes for a while beside its output, or in it
_NAMED = 3


class Listing(NamedTuple):
    """A folder of this machine when it was listed."""

    path: str
    """The bundle path that it became."""
    mtime_ns: int
    """When its names changed last."""
    settled: bool
    """Whether that time would be another one after the next change."""
    names: Sequence[str]


Listings = Mapping[str, Listing]
"""By the paths of the folders."""


def listing_of(path: str, found: os.stat_result, now: int, names: Iterable[str]) -> Listing:
    """The listing of a folder with these facts, as they were just before; `now` is in nanoseconds since the epoch."""
    return Listing(path, found.st_mtime_ns, now - changed_at(found) > settling_time(found), tuple(names))


def packed(listings: Listings, entries: Entries) -> dict[str, Listing]:
    """Those of the folders of which anything is packed."""
    return {
        folder: listing
        for folder, listing in listings.items()
        if (not listing.path or listing.path in entries) and os.path.basename(folder) != _COMPILED
    }


def check_unchanged(listings: Listings) -> None:
    """Raise OutputFailed where a name has come into a folder since it was listed, or gone. Compiled modules do not count."""
    for folder, listing in listings.items():
        try:
            if listing.settled and os.stat(folder).st_mtime_ns == listing.mtime_ns:
                continue
            now = set(os.listdir(folder))
        except OSError:
            now = set()
        now, before = ({name for name in names if not _comes_by_itself(name)} for names in (now, listing.names))
        told = [
            f"{', '.join(sorted(names)[:_NAMED])}{' and more' if len(names) > _NAMED else ''} {verb}"
            for names, verb in ((now - before, "came"), (before - now, "went"))
            if names
        ]
        if told:
            raise OutputFailed(
                f"{folder} changed while it was packed: {'; '.join(told)}",
                "pack again when nothing writes to it: an installer may be at work",
            )


def _comes_by_itself(name: str) -> bool:
    return name == _COMPILED or _OURS in name

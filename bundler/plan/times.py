"""Times that are the same for every pack of the same input: for archives, whose bytes must not tell when they were made."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from bundler.entries import Entry, Literal, Source
from bundler.errors import BundlerError
from bundler.files import opened
from bundler.plan.overlay import Entries

DEFAULT_EPOCH = 946_684_800
"""2000-01-01T00:00:00Z: what is in an archive without SOURCE_DATE_EPOCH. Zip can say it, with room before it."""
_NANOSECONDS = 1_000_000_000
_SPREAD = 14 * 24 * 3600  # seconds, halved: zip counts in steps of two


def source_date_epoch(variables: Mapping[str, str]) -> int | None:
    """SOURCE_DATE_EPOCH among environment variables, in seconds (reproducible-builds.org); None where it is not set.

    Raises BundlerError for what is no number.
    """
    text = variables.get("SOURCE_DATE_EPOCH", "")
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or int(text) >= 1 << 33:
        raise BundlerError(f"SOURCE_DATE_EPOCH is {text!r}", "it must be a number of seconds since 1970")
    return int(text)


def with_fixed_times(entries: Entries, epoch: int, *, spread: bool) -> dict[str, Entry]:
    """The entries, all of one time (`epoch`, in seconds).

    With `spread` each module has a time of its own, up to four weeks earlier, that follows from its content. A Python that
    writes its own pycs beside the modules knows by it that a later version, unpacked over this one, brought other content,
    even of the same size.
    """
    time = epoch * _NANOSECONDS
    result = {}
    for path, entry in entries.items():
        earlier = _spread(entry, epoch) if spread and path.endswith(".py") else 0
        result[path] = entry._replace(mtime_ns=time - earlier * _NANOSECONDS)
    return result


def _spread(entry: Entry, epoch: int) -> int:
    """A number of seconds, even and no larger than the epoch, from a module's content."""
    if isinstance(entry.content, Literal):
        data = entry.content.data
    elif isinstance(entry.content, Source):
        with opened(entry.content.path) as file:
            data = file.read()
    else:
        return 0
    number = int.from_bytes(hashlib.sha256(data).digest()[:8], "big")
    return min(number % _SPREAD * 2, epoch)

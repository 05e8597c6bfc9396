"""Constant strings that were overwritten: what the source has for a path, and the changed file for its place in the bundle."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import BinaryIO

from bundler.audit.readers.bytewise import read_range
from bundler.audit.readers.facts import ElfFacts
from bundler.audit.readers.ranges import Range
from bundler.binaries.elf import constants as c

_MOST = 1024  # bytes of a string that is looked at, to either side
_BEFORE, _BEHIND = re.compile(rb"[ -~]*\Z"), re.compile(rb"[ -~]*")
_RELOCATED = re.compile(rb"(?:\$ORIGIN|/dev/null)/+(.+)")
_NOBODYS = b"/\x01"


def overwritten_constant(
    files: tuple[BinaryIO, BinaryIO], source: ElfFacts, place: Range, start: int, asked: Mapping[str, str] | None
) -> Range | None:
    """The bytes of the source's whole string that holds `place`, where it may be another one; None where it may not.

    `start` is where the place is in the changed file. `asked` gives new texts by old ones; None stands for a pack's: an absolute
    path becomes one of the same length that begins with `$ORIGIN`, or leads nowhere or to a name of nobody's, and ends alike.
    """
    segment = next((load for load in source.loads if _holds(load.range, place)), None)
    if segment is None or segment.flags & c.PF_W:
        return None
    low, high = max(segment.range[0], place[0] - _MOST), min(segment.range[1], place[1] + _MOST)
    before = _BEFORE.search(read_range(files[0], low, place[0]))
    behind = _BEHIND.match(read_range(files[0], place[0], high))
    assert before is not None and behind is not None  # an empty match at least
    whole = place[0] - len(before[0]), place[0] + len(behind[0])
    moved = start - place[0]
    if not _holds(whole, place) or whole[1] >= high:
        return None
    old = read_range(files[0], whole[0], whole[1] + 1)
    new = read_range(files[1], whole[0] + moved, whole[1] + moved + 1)
    if old[-1:] != b"\0" or new[-1:] != b"\0":
        return None
    return whole if _is_asked(old[:-1], new[:-1], asked) else None


def _is_asked(old: bytes, new: bytes, asked: Mapping[str, str] | None) -> bool:
    if asked is not None:
        wanted = asked.get(old.decode("utf-8", "surrogateescape"))
        return wanted is not None and wanted.encode("utf-8", "surrogateescape") == new
    if old[:1] == b"/" and new == _NOBODYS + old[len(_NOBODYS) :]:
        return True
    end = _RELOCATED.fullmatch(new)
    return end is not None and old.startswith(b"/") and old.endswith(b"/" + end[1]) and b"\0" not in new


def _holds(outer: Range, inner: Range) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]

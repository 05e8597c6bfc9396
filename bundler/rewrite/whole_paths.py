"""Where a text names a path: as a whole path or the beginning of one, not as a part of a longer path, of a word or of a URL."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

CONTEXT = 40
"""The most characters before a path that say whether it begins there."""
# Nothing of a path, an option (`-L/venv`), `file://`, `${x:-`, an escaped line end.
_BEGINS = re.compile(r"(^|[^\w.+/)}~*-])(-[A-Za-z]+|//)?$|\$\{\w+:?[-+]$|\\[nt]$")
ENDS = r"(?!\.*[\w+-])"
"""A regular expression for what stands behind a path: no more of the same name. A sentence may end there."""
_ENDS = re.compile(ENDS)


def begins(text: str, position: int) -> bool:
    """Whether a path may begin at `position`, by what stands before it."""
    return _BEGINS.search(text, max(0, position - CONTEXT), position) is not None


def ends(text: str, position: int) -> bool:
    """Whether a path, or the name of a folder in it, may end at `position`, by what stands behind it."""
    return _ENDS.match(text, position) is not None


def occurrences(text: str, paths: Iterable[str]) -> Iterator[re.Match[str]]:
    """Where a text names one of `paths` (absolute), or what lies below it; the longest of those that begin alike."""
    choices = "|".join(re.escape(path) for path in sorted(paths, key=len, reverse=True) if path)
    for match in re.finditer(rf"(?:{choices}){ENDS}", text) if choices else ():
        if begins(text, match.start()):
            yield match

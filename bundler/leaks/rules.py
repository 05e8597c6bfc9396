"""What becomes of what was found: who may let it pass, and by which words."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

from bundler.leaks.findings import Trace

if TYPE_CHECKING:
    from pathspec import PathSpec, Pattern

WORDS = {
    Trace.PREFIX: "path",
    Trace.HOME: "home",
    Trace.USER: "user",
    Trace.HOST: "host",
    Trace.CREDENTIAL: "credential",
}
"""How a pattern of `--allow-leak` names what it lets pass; a kind of credential by its own name."""
_KIND_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz-")


class AllowedLeaks:
    """What `--allow-leak` says: patterns of .gitignore on bundle paths, with `KIND:` before those that are of one kind alone."""

    def __init__(self, patterns: Iterable[str] = ()) -> None:
        self._patterns = tuple(dict.fromkeys(patterns))
        self._used: set[str] = set()

    def allows(self, path: str, *kinds: str) -> bool:
        """Whether what was found at a bundle path may pass; `kinds` are its names, the general one among them."""
        for pattern in self._patterns:
            kind, colon, glob = pattern.partition(":")
            if not colon or not _KIND_LETTERS.issuperset(kind):
                kind, glob = "", pattern
            if (not kind or kind in kinds) and _spec(glob).match_file(path):
                self._used.add(pattern)
                return True
        return False

    @property
    def unused(self) -> tuple[str, ...]:
        """The patterns that nothing fitted so far."""
        return tuple(pattern for pattern in self._patterns if pattern not in self._used)


@cache
def _spec(pattern: str) -> PathSpec[Pattern]:
    from pathspec import PathSpec

    return PathSpec.from_lines("gitignore", [pattern])

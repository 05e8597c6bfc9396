"""What two readings say differently, for a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_LONGEST = 100


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that should be equal and is not: `what` it is, and what each of the two says, with who says it."""

    what: str
    one: str
    other: str

    @property
    def message(self) -> str:
        """A line: `DT_NEEDED: bundler reads libm.so.6, pyelftools reads libz.so.1`."""
        return f"{self.what}: {self.one}, {self.other}"


@dataclass(frozen=True, slots=True)
class Sides:
    """Who says the two things: `bundler reads` and `pyelftools reads`, or `the source has` and `the file has`."""

    one: str
    other: str

    def differ(self, what: str, one: object, other: object) -> Iterator[Difference]:
        """The difference, where there is one. Of two long sequences only what differs is shown."""
        if one == other:
            return
        if isinstance(one, Sequence) and isinstance(other, Sequence) and not isinstance(one, str | bytes):
            one, other = _apart(one, other)
        yield Difference(what, f"{self.one} {shown(one)}", f"{self.other} {shown(other)}")


def shown(value: object) -> str:
    """A value as a person reads it, cut where it is long."""
    match value:
        case None:
            text = "none"
        case str():
            text = value or "an empty name"
        case bytes():
            text = value.hex() or "no bytes"
        case int():
            text = hex(value) if value > 9 else str(value)
        case tuple() | list():
            text = ", ".join(map(shown, value)) or "nothing"
        case _:
            text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _apart(one: Sequence[object], other: Sequence[object]) -> tuple[Sequence[object], Sequence[object]]:
    """The two without what they begin and end with alike."""
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    end = 0
    while end < min(len(one), len(other)) - start and one[-1 - end] == other[-1 - end]:
        end += 1
    return one[start : len(one) - end], other[start : len(other) - end]

"""Paths and names of this machine, in each form in which a file may hold them.

As they are; escaped, by JSON (`\\/`), Python (`\\\\`), URLs (`%2F`) or a shell (`\\ `); and in UTF-16. A path counts where a whole
one stands, or the beginning of a longer one below it. In binaries it counts behind other strings, too: compilers of Rust and Go
put one behind the other without anything between them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple
from urllib.parse import quote

from bundler.leaks.findings import Trace
from bundler.leaks.kind_of_file import FileKind
from bundler.rewrite.whole_paths import CONTEXT, begins, ends

BEFORE = 2 * CONTEXT  # bytes; a character has one or two, mostly
BEHIND = 8  # bytes
_BOUNDS = re.compile(r"[/\\]+")
_ANCHOR = re.compile(rb"[0-9A-Za-z._-]+")
_LEAST_DISTINCTIVE = 10
"""Bytes of a path with two names or more: so long a one nothing else is by chance."""
# A separator: as it is, escaped by JSON or doubled, by a URL (`%5C` is `\`), or by its number.
_SEPARATOR = rb"(?:\\{0,4}/|\\{1,4}|%2[Ff]|%5[Cc]|\\{1,2}u00(?:2[fF]|5[cC])|\\{1,2}x(?:2[fF]|5[cC]))"
_PERCENT = re.compile(rb"(?:\b[A-Za-z]+%3[Aa])?(?:%2[Ff])*$")  # `file://` within a URL, and other bounds
_PART_OF_MORE = re.compile(rb"(?:[/\\~}]|://\S*)[0-9A-Za-z._+-]*$")

# Types of strings, and the size of their length in bytes (CPython's marshal.c): a letter may look like a part of either.
_MARSHALLED = ((b"zZ", 1), (b"aAuts", 4))
_NO_REFERENCE = 0x7F  # the bit above says that others refer to the object


# Names of folders that stand in texts of all kinds: looking for them alone would find too much.
_COMMON = frozenset(
    b"build cache check code current data default development environment environments files index library local local-lib module "
    b"package packages program project projects python python3 release releases repository root share shared source sources "
    b"static target tests tools users versions virtualenv virtualenvs volumes workspace workspaces".split()
)
_LEAST_ANCHOR = 5  # bytes


@dataclass(frozen=True)
class Place:
    """A path that is looked for. (It has no slots: what follows from it is kept once it was asked for.)"""

    trace: Trace
    path: str
    """Absolute, as the source's system writes it."""

    @cached_property
    def data(self) -> bytes:
        """The path as it is."""
        return self.path.encode("utf-8", "surrogateescape")

    @cached_property
    def longest(self) -> int:
        """The most bytes that it has in any form, in UTF-16 but one."""
        return 6 * len(self.data) + 8

    @cached_property
    def anchors(self) -> tuple[bytes, ...]:
        """What to look for in bytes: the longest part that all forms have in common; each form, where that is a common word."""
        parts = [part for part in _ANCHOR.findall(self.data) if len(part) >= _LEAST_ANCHOR and part not in _COMMON]
        if parts:
            return (max(parts, key=len),)
        forms = (
            self.data,
            self.data.replace(b"/", b"\\/"),
            self.data.replace(b"\\", b"\\\\"),
            quote(self.data, safe="").encode(),
        )
        return tuple(dict.fromkeys(forms))

    @cached_property
    def expression(self) -> re.Pattern[bytes]:
        """Matches every form but UTF-16."""
        names = [name for name in _BOUNDS.split(self.path) if name]
        rooted = self.path[:1] in ("/", "\\")
        return re.compile((_SEPARATOR if rooted else b"") + _SEPARATOR.join(map(_forms, names)))

    @cached_property
    def is_distinctive(self) -> bool:
        """Whether nothing else is so by chance, whatever stands before it."""
        return len(self.data) >= _LEAST_DISTINCTIVE and len(_BOUNDS.findall(self.path)) > 1

    def lies_in(self, other: Place) -> bool:
        """Whether it is the other place, or below it: then each of its forms begins with one of the other's."""
        below = self.path[len(other.path) :]
        return self.path.startswith(other.path) and (not below or _BOUNDS.match(below) is not None)

    def sightings(self, window: bytes, start: int, stop: int, kind: FileKind) -> Iterator[Sighting]:
        """Where the path stands in a part of the window."""
        for anchor in (self.data,) if kind.is_compiled else self.anchors:
            for position in positions(anchor, window, start, stop):
                sighting = self._around(window, position, kind)
                if sighting is not None:
                    yield sighting
        if not kind.may_hold_utf_16 or b"\0" not in window:
            return
        for anchor in self.anchors[:1]:
            # Of either order, without the byte on which the orders differ.
            for position in positions(b"\0".join(bytes((letter,)) for letter in anchor), window, start, stop):
                reach = 2 * (self.longest + BEFORE)
                around = window[max(0, position - reach) : position + reach].replace(b"\0", b"")
                for place in positions(anchor, around, 0, len(around)):
                    sighting = self._around(around, place, kind)
                    if sighting is not None:
                        yield sighting

    def _around(self, text: bytes, position: int, kind: FileKind) -> Sighting | None:
        """The form in whose bounds a position lies."""
        for match in self.expression.finditer(text, max(0, position - self.longest), position + self.longest):
            if match.start() <= position < match.end() and self.is_whole(text, *match.span(), kind):
                return Sighting(text, *match.span())
        return None

    def is_at(self, sighting: Sighting, kind: FileKind) -> bool:
        """Whether it stands where a place around it was seen."""
        match = self.expression.match(sighting.text, sighting.start)
        return match is not None and self.is_whole(sighting.text, *match.span(), kind)

    def is_whole(self, text: bytes, start: int, end: int, kind: FileKind) -> bool:
        """Whether a form that stands in a text is the path, and not a part of another one or of a URL."""
        before = text[max(0, start - BEFORE) : start]
        behind = text[end : end + BEHIND].decode("utf-8", "surrogateescape")
        if kind is FileKind.PYC and self._is_marshalled(text, start):
            return True
        if not ends(behind, 0):
            return False
        escaped = _PERCENT.sub(b"", before) if text[start : start + 1] == b"%" else before
        words = escaped.decode("utf-8", "surrogateescape")
        if begins(words, len(words)):
            return True
        return not kind.is_text and self.is_distinctive and _PART_OF_MORE.search(before) is None

    def _is_marshalled(self, window: bytes, position: int) -> bool:
        """Whether a string of a compiled module (marshal: its type, its length, its bytes) begins with the path here."""
        for types, size in _MARSHALLED:
            start = position - size
            if start > 0 and window[start - 1] & _NO_REFERENCE in types:
                length = int.from_bytes(window[start:position], "little")
                if length == len(self.data):
                    return True
                if length > len(self.data) and window[position + len(self.data)] in b"/\\":
                    return True
        return False


class Sighting(NamedTuple):
    """Where a place stands in a text, which may be what a part of a file is without its zero bytes."""

    text: bytes
    start: int
    end: int


def _forms(name: str) -> bytes:
    """An expression for the forms of one name in a path."""
    data = name.encode("utf-8", "surrogateescape")
    texts = {data, quote(data).encode(), re.sub(rb"([^\w.@%+\x80-\xff-])", rb"\\\1", data)}
    if not name.isascii():
        texts |= {json.dumps(name)[1:-1].encode(), ascii(name)[1:-1].encode(), repr(data)[2:-1].encode()}
    return b"(?:" + b"|".join(map(re.escape, sorted(texts, key=lambda text: (-len(text), text)))) + b")"


@dataclass(frozen=True)
class Name:
    """The name of a person or a machine, which is looked for as a word by itself."""

    trace: Trace
    name: str

    @cached_property
    def data(self) -> bytes:
        """Its bytes."""
        return self.name.encode("utf-8", "surrogateescape")

    def spans(self, window: bytes, start: int, stop: int) -> Iterator[tuple[int, int]]:
        """Where it stands in a part of the window."""
        for position in positions(self.data, window, start, stop):
            end = position + len(self.data)
            if not _is_of_word(window[max(0, position - 1) : position]) and not _is_of_word(window[end : end + 1]):
                yield position, end


class Places:
    """Several places, each looked for where the one that lies around it was seen."""

    def __init__(self, places: Iterable[Place]) -> None:
        by_length = sorted(places, key=lambda place: len(place.path))
        self._groups: list[tuple[Place, list[Place]]] = []
        for place in by_length:
            around = next((inner for top, inner in self._groups if place.lies_in(top)), None)
            if around is not None:
                around.append(place)
            else:
                self._groups.append((place, [place]))

    @property
    def longest(self) -> int:
        """The most bytes that any of them has in any form, in UTF-16 but one; 0 without a place."""
        return max((place.longest for _, inner in self._groups for place in inner), default=0)

    def look(
        self, window: bytes, start: int, stop: int, kind: FileKind, known: Trace, spans: list[tuple[int, int]] | None
    ) -> Trace:
        """What stands in a part of the window of what is not `known` yet. Where `spans` shall be told, all are looked at."""
        for top, inner in self._groups:
            if spans is None and all(place.trace in known for place in inner):
                continue
            for sighting in top.sightings(window, start, stop, kind):
                for place in inner:
                    if place.trace not in known and place.is_at(sighting, kind):
                        known |= place.trace
                if spans is not None:
                    spans.append((sighting.start, sighting.end))
                elif all(place.trace in known for place in inner):
                    break
        return known


def _is_of_word(letter: bytes) -> bool:
    return letter.isalnum() or letter in (b"_", b"-") or letter > b"\x7f"


def positions(data: bytes, window: bytes, start: int, stop: int) -> Iterator[int]:
    """Where `data` begins in a part of the window."""
    position = window.find(data, start, stop + len(data) - 1)
    while position >= 0:
        yield position
        position = window.find(data, position + 1, stop + len(data) - 1)

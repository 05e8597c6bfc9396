"""Paths and names of this machine, in each form in which a file may hold them.

As they are; escaped, by JSON (`\\/`), Python (`\\\\`), URLs (`%2F`) or a shell (`\\ `); and in UTF-16. A path counts where a whole one
stands, or the beginning of a longer one below it. In binaries it counts behind other strings, too: compilers of Rust and Go put
one behind the other without anything between them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
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
_PERCENT = re.compile(rb"(?:%[0-9A-Fa-f]{2})+$")
_PART_OF_MORE = re.compile(rb"(?:[/\\~}]|://\S*)[0-9A-Za-z._+-]*$")

# Types of strings, and the size of their length in bytes (CPython's marshal.c): a letter may look like a part of either.
_MARSHALLED = ((b"zZ", 1), (b"aAuts", 4))
_NO_REFERENCE = 0x7F  # the bit above says that others refer to the object


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
    def anchor(self) -> bytes:
        """The longest part of it that all forms have in common."""
        return max(_ANCHOR.findall(self.data), key=len, default=self.data)

    @cached_property
    def anchor_in_utf_16(self) -> bytes:
        """The same in UTF-16 of either order, without the byte on which the orders differ."""
        return b"\0".join(bytes((letter,)) for letter in self.anchor)

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

    def spans(self, window: bytes, start: int, stop: int, kind: FileKind) -> Iterator[tuple[int, int]]:
        """Where the path stands in a part of the window."""
        for position in positions(self.anchor, window, start, stop):
            match = self._around(window, position)
            if match is not None and self._is_whole(window, *match.span(), kind):
                yield match.span()
        if not kind.may_hold_utf_16 or b"\0" not in window:
            return
        for position in positions(self.anchor_in_utf_16, window, start, stop):
            around = window[max(0, position - 2 * self.longest - 2 * BEFORE) : position + 2 * self.longest + 2 * BEHIND]
            text = around.replace(b"\0", b"")
            match = self.expression.search(text)
            if match is not None and self._is_whole(text, *match.span(), kind):
                yield position, position + len(self.anchor_in_utf_16)

    def _around(self, window: bytes, position: int) -> re.Match[bytes] | None:
        """The form whose anchor stands at a position."""
        for match in self.expression.finditer(window, max(0, position - self.longest), position + self.longest):
            if match.start() <= position < match.end():
                return match
        return None

    def _is_whole(self, window: bytes, start: int, end: int, kind: FileKind) -> bool:
        """Whether the path stands there, and not another one or a URL that holds its letters."""
        before = window[max(0, start - BEFORE) : start]
        behind = window[end : end + BEHIND].decode("utf-8", "surrogateescape")
        if kind is FileKind.PYC and self._is_marshalled(window, start):
            return True
        if not ends(behind, 0):
            return False
        escaped = _PERCENT.sub(b"", before) if window[start : start + 1] == b"%" else before
        text = escaped.decode("utf-8", "surrogateescape")
        if begins(text, len(text)):
            return True
        return kind is not FileKind.TEXT and self.is_distinctive and _PART_OF_MORE.search(before) is None

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


def _forms(name: str) -> bytes:
    """An expression for the forms of one name in a path."""
    data = name.encode("utf-8", "surrogateescape")
    texts = {data, quote(data).encode(), re.sub(rb"([^\w.@%+-])", rb"\\\1", data)}
    if not name.isascii():
        texts |= {json.dumps(name)[1:-1].encode(), name.encode("unicode_escape", "surrogatepass")}
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


def _is_of_word(letter: bytes) -> bool:
    return letter.isalnum() or letter in (b"_", b"-") or letter > b"\x7f"


def positions(data: bytes, window: bytes, start: int, stop: int) -> Iterator[int]:
    """Where `data` begins in a part of the window."""
    position = window.find(data, start, stop + len(data) - 1)
    while position >= 0:
        yield position
        position = window.find(data, position + 1, stop + len(data) - 1)

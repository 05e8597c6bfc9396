"""One file, read piece by piece, looked through for all that it tells of its maker. Memory is bounded, whatever the pieces are."""

from __future__ import annotations

import codecs
import enum
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from bundler.leaks import keys, tokens, urls
from bundler.leaks.findings import Credential, Trace, masked
from bundler.leaks.kind_of_file import FileKind
from bundler.leaks.places import BEFORE, BEHIND, Name, Place, Places, positions
from bundler.leaks.stores import LARGEST, STORES, Store

_LONGEST = max(keys.LONGEST, keys.BEFORE + tokens.LONGEST, urls.LONGEST)
_MOST = 20
"""Credentials of one file that are told one by one: a file of them is found out by fewer."""


class Closeness(enum.Enum):
    """How closely a file is looked at. Paths are looked for in all."""

    OWN = "the maker's own"
    """For names and credentials."""
    LISTED = "an index lists it"
    """For credentials, if it is a text: what a binary holds by chance nobody could tell from them."""
    OF_PYTHON = "Python's own, or the system's"
    """For nothing else."""


@dataclass(frozen=True)
class Search:
    """What is looked for. (It has no slots: what follows from it is kept once it was asked for.)"""

    places: tuple[Place, ...] = ()
    names: tuple[Name, ...] = ()
    credentials: bool = True

    @cached_property
    def grouped(self) -> Places:
        """The places, in the order in which they are looked for."""
        return Places(self.places)

    @cached_property
    def for_places(self) -> Search:
        """The search for places alone."""
        return Search(self.places, credentials=False)

    @cached_property
    def digest(self) -> bytes:
        """Another one for each other thing that is looked for, and for other tables of it."""
        told = [
            *((place.trace.name, place.path) for place in self.places),
            *((name.trace.name, name.name) for name in self.names),
        ]
        rows = (
            [(kind.name, kind.form) for kind in tokens.TOKENS],
            [(kind.name, kind.head.pattern) for kind in keys.KEY_FILES],
        )
        stores = [store.pattern for store in STORES]
        return hashlib.sha256(repr((told, self.credentials, rows, stores)).encode("utf-8", "surrogatepass")).digest()


NOTHING_SEARCHED = Search(credentials=False)


class Scanner:
    """Looks through one file; `store` is what its path says of it."""

    def __init__(
        self, search: Search, kind: FileKind, store: Store | None = None, closeness: Closeness = Closeness.OWN
    ) -> None:
        is_own = closeness is Closeness.OWN
        self._kind = kind
        self._wants_credentials = search.credentials and (is_own or (closeness is Closeness.LISTED and kind.is_text))
        self._places = search.grouped
        self._names = search.names if is_own else ()
        self._store = store if self._wants_credentials else None
        self._decoder = codecs.getincrementaldecoder("utf-16")("replace") if kind is FileKind.UTF_16 else None
        place = self._places.longest
        self._behind = max(_LONGEST if self._wants_credentials else 0, 2 * (place + BEHIND))
        self._before = max(2 * (place + BEFORE), keys.BEFORE, tokens.BEFORE, urls.BEFORE)
        self._window = b""
        self._looked = 0
        """Up to where of the window it was looked for what begins there: behind that it may go on in the next piece."""
        self._offset = 0
        """Of the window, from the file's start."""
        self._lines = 0
        """Ends of lines before the window."""
        self._whole = b"" if self._store is not None else None
        self._is_first = True
        self.traces = Trace.NOTHING
        self.credentials: list[Credential] = []

    def look(self, piece: bytes) -> None:
        """Take the next piece."""
        if self._decoder is not None:
            piece = self._decoder.decode(piece).encode("utf-8", "surrogatepass")
        if self._whole is not None:
            self._whole = self._whole + piece if len(self._whole) + len(piece) <= LARGEST else None
        if self._is_first and self._wants_credentials:
            self._look_at_head(piece)
        self._is_first = False
        self._window += piece
        end = max(self._looked, len(self._window) - self._behind)
        if end > self._looked:
            self._look_at(self._looked, end)
            self._drop(end)

    def end(self) -> None:
        """The file is at its end: look at the rest."""
        self._look_at(self._looked, len(self._window))
        if self._whole and self._store is not None:
            for position in self._store.read(self._whole):
                line = self._whole.count(b"\n", 0, position) + 1
                self._note("assigned-secret", position, line)

    def _look_at(self, start: int, stop: int) -> None:
        window = self._window
        spans: list[tuple[int, int]] | None = [] if self._names else None
        self.traces = self._places.look(window, start, stop, self._kind, self.traces, spans)
        for name in self._names:
            # A home folder has its owner's name, mostly: told by the path it is not told again.
            if not self.traces & name.trace and any(
                not _is_within(span, spans or ()) for span in name.spans(window, start, stop)
            ):
                self.traces |= name.trace
        if self._wants_credentials:
            self._look_for_credentials(start, stop)

    def _look_for_credentials(self, start: int, stop: int) -> None:
        window = self._window
        for position in positions(keys.ARMOUR, window, start, stop):
            found = keys.key_at(window, position)
            if found is not None:
                self._found(found[0], found[1])
        for position in positions(urls.COLON, window, start, stop):
            if window.startswith(tokens.URL, position):
                for token, place, _ in tokens.tokens_in(window, position, position + urls.LONGEST):
                    self._found(token.name, place)
            password = urls.password_at(window, position)
            if password is not None:
                self._found("password-in-url", password.start, f"{password.scheme}://…")
        for run in tokens.runs_in(window, start, stop):
            if window.startswith(keys.PUTTY, run.start) and (kind := keys.putty_key_at(window, run.start)):
                self._found(kind, run.start)
            first = max(0, run.start - tokens.BEFORE)  # a form may begin before its first long run
            for token, position, value in tokens.tokens_in(window, first, run.end):
                self._found(token.name, position, masked(value))
        if self._kind.may_hold_utf_16:
            for run in tokens.wide_runs_in(window, start, stop):
                text = window[run.start : run.end : 2]
                for token, position, value in tokens.tokens_in(text, 0, len(text)):
                    self._found(token.name, run.start + 2 * position, masked(value))

    def _look_at_head(self, head: bytes) -> None:
        kind = keys.key_file(head)
        if kind is not None:
            self._note(kind, 0, None)

    def _found(self, kind: str, position: int, shown: str = "") -> None:
        line = self._lines + self._window.count(b"\n", 0, position) + 1 if self._kind.is_text else None
        self._note(kind, self._offset + position, line, shown)

    def _note(self, kind: str, offset: int, line: int | None, shown: str = "") -> None:
        self.traces |= Trace.CREDENTIAL
        known = any(
            credential.offset == offset or (line and credential.line == line) for credential in self.credentials
        )
        if not known and len(self.credentials) < _MOST:
            self.credentials.append(Credential(kind, offset, line, shown))

    def _drop(self, end: int) -> None:
        """Forget what lies so far back that nothing which is still to come can begin with it."""
        self._looked = end
        cut = max(0, end - self._before)
        if cut:
            if self._kind.is_text and self._wants_credentials:
                self._lines += self._window.count(b"\n", 0, cut)
            self._window = self._window[cut:]
            self._offset += cut
            self._looked -= cut


def _is_within(span: tuple[int, int], others: Iterable[tuple[int, int]]) -> bool:
    return any(start <= span[0] and span[1] <= end for start, end in others)

"""Scripts in sh that name the environment by its place: they compute the bundle's folder first, and name that.

What takes the place of a path depends on the quotes around it, so the script is read as a shell reads it (POSIX "Token
Recognition", with bash's `$'…'`). What a shell would not expand (a here-document with a quoted end, `$'…'`) cannot be rewritten.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bundler.rewrite import Rewritten
from bundler.rewrite.templates import read_template
from bundler.rewrite.whole_paths import occurrences

_SHELL = re.compile(rb"#!\s*(/usr/bin/env\s+)?(\S*/)?(ba|da|k|mk|z|ya)?sh(\s|$)")
_HEREDOC = re.compile(r"<<(?P<strip>-?)[ \t]*(?P<word>(?:'[^'\n]*'|\"[^\"\n]*\"|\\.|[^\s'\"\\;&|()<>])+)")
_ROOT = "__bundler_root"


class _Quotes(enum.Enum):
    """What is around a character, hence what a variable must look like there."""

    NONE = f'"${{{_ROOT}}}"'
    DOUBLE = f"${{{_ROOT}}}"
    SINGLE = f"'\"${{{_ROOT}}}\"'"
    COMMENT = "."
    LITERAL = ""
    """Nothing is expanded there, and nothing ends it."""


@dataclass(frozen=True, slots=True)
class NotRewritten:
    """A script that names the environment where no variable can stand, and why."""

    reason: str


def is_shell_script(data: bytes) -> bool:
    """Whether the first line names a shell of sh's family."""
    return _SHELL.match(data) is not None


def rewrite_shell_script(data: bytes, prefixes: Sequence[str], to_root: str) -> Rewritten | NotRewritten | None:
    """The script with each of `prefixes` (absolute folders) as the bundle's; None where it names none of them.

    `to_root` is the way from the script's folder to the bundle.
    """
    first, newline, rest = data.partition(b"\n")
    text = rest.decode("utf-8", "surrogateescape")
    found = [match.span() for match in occurrences(text, prefixes)]
    if not found:
        return None
    quotes = _Reader(text, frozenset(start for start, _ in found)).read()
    if quotes is None:
        return NotRewritten("names the environment's place, in a text whose quotes cannot be followed")
    pieces, done = [], 0
    for start, end in found:
        if quotes[start] is _Quotes.LITERAL:
            return NotRewritten("names the environment's place where a shell expands nothing")
        pieces += [text[done:start], quotes[start].value]
        done = end
    if all(quotes[start] is _Quotes.COMMENT for start, _ in found):
        return None
    header = read_template("shell_header").replace("@ROOT@", to_root)
    new = header + "".join(pieces) + text[done:]
    return Rewritten(first + newline + new.encode("utf-8", "surrogateescape"), "names the bundle by its own place")


class _Reader:
    """Goes through a script once and remembers what is around each wanted position."""

    def __init__(self, text: str, wanted: frozenset[int]) -> None:
        self._text = text
        self._wanted = wanted
        self._found: dict[int, _Quotes] = {}
        self._closers = [
            ""
        ]  # of what is open: `)` of `$(`, `}` of `${`, a backquote, a double quote; "" for the script
        self._heredocs: list[_Heredoc] = []

    def read(self) -> dict[int, _Quotes] | None:
        """The quotes around each wanted position; None where the text does not come to an end as a script does."""
        position = 0
        while position < len(self._text):
            end = self._step(position, self._text[position])
            if end is None:
                return None
            position = end
        return self._found if self._closers == [""] else None

    def _step(self, position: int, char: str) -> int | None:
        """Read what begins at a position; the position behind it, or None where it has no end."""
        text = self._text
        double = self._in_double()
        self._mark(position, position + 1, _Quotes.DOUBLE if double else _Quotes.NONE)
        if char == "\\":  # what would be put there would be escaped, too
            return self._mark(position + 1, position + 2, _Quotes.LITERAL)
        if char == self._closers[-1]:
            self._closers.pop()
            return position + 1
        if text.startswith(("$(", "${"), position):
            self._closers.append(")" if text[position + 1] == "(" else "}")
            return position + 2
        if char in ('"', "`") or (char == "(" and not double):
            self._closers.append(")" if char == "(" else char)
            return position + 1
        return position + 1 if double else self._step_unquoted(position, char)

    def _step_unquoted(self, position: int, char: str) -> int | None:
        text = self._text
        if char == "'" or text.startswith("$'", position):
            end = _closing_quote(text, position)
            return end and self._mark(position, end, _Quotes.SINGLE if char == "'" else _Quotes.LITERAL)
        if char == "#" and (position == 0 or text[position - 1] in " \t\n;&|("):
            end = text.find("\n", position)
            return self._mark(position, len(text) if end < 0 else end, _Quotes.COMMENT)
        if text.startswith("<<<", position):
            return position + 3
        if match := _HEREDOC.match(text, position):
            word = re.sub(r"['\"\\]", "", match["word"])
            self._heredocs.append(_Heredoc(word, word != match["word"], bool(match["strip"])))
            return self._mark(position, match.end(), _Quotes.LITERAL)
        end = position + 1
        if char == "\n":
            for heredoc in self._heredocs:
                end = self._mark(end, heredoc.end(text, end), _Quotes.LITERAL if heredoc.literal else _Quotes.DOUBLE)
            self._heredocs.clear()
        return end

    def _in_double(self) -> bool:
        """Whether the reader is inside double quotes: `$(` and a backquote begin anew, `${` does not."""
        return next(closer for closer in reversed(self._closers) if closer != "}") == '"'

    def _mark(self, start: int, end: int, quotes: _Quotes) -> int:
        self._found.update({position: quotes for position in self._wanted if start <= position < end})
        return end


@dataclass(frozen=True, slots=True)
class _Heredoc:
    """A here-document: its last line, whether nothing in it is expanded, and whether tabs before its lines are dropped."""

    word: str
    literal: bool
    strip: bool

    def end(self, text: str, start: int) -> int:
        """The end of the document that begins at `start`, its last line included."""
        position = start
        while position < len(text):
            end = text.find("\n", position)
            end = len(text) if end < 0 else end
            line = text[position:end]
            position = min(end + 1, len(text))
            if (line.lstrip("\t") if self.strip else line) == self.word:
                break
        return position


def _closing_quote(text: str, start: int) -> int | None:
    """The end of `'…'` or `$'…'`; None where it has none."""
    if text[start] == "'":
        end = text.find("'", start + 1)
        return None if end < 0 else end + 1
    match = re.compile(r"\$'(?:[^'\\]|\\.)*'", re.DOTALL).match(text, start)
    return None if match is None else match.end()

"""Two lines that are Python and sh at once, for paths that no shebang can hold: `'''exec' …/python "$0" "$@"`, then `' '''`.

distlib (pip and virtualenv) spells the path, in double quotes where it must; so does uv, in single ones.
"""

from __future__ import annotations

import re
import shlex
from typing import NamedTuple

from bundler.rewrite.launchers.head import Head, words

_SH = re.compile(r"#!\s*/bin/sh")
_EXEC = re.compile(r"'''exec' (?P<interpreter>.+?)(?P<arguments>( -\S+)*) \"\$0\" \"\$@\"")


class ExecLines(NamedTuple):
    """What the lines say."""

    interpreter: str
    """As sh reads it: with quotes."""
    arguments: tuple[str, ...]
    length: int
    """In bytes, all lines of the head together."""


def recognise(data: bytes) -> tuple[Head, ...]:
    """The head with a path that is spelled."""
    lines = read_exec_lines(data)
    if lines is None or "$(" in lines.interpreter:
        return ()
    try:
        interpreter = "".join(shlex.split(lines.interpreter))
    except ValueError:  # a quote that is not closed: no shell reads it either
        return ()
    return (Head(interpreter, lines.arguments, lines.length),)


def read_exec_lines(data: bytes) -> ExecLines | None:
    """The lines, behind a comment (a coding cookie) where there is one; None for other heads."""
    first, _, rest = data.partition(b"\n")
    if not _SH.fullmatch(first.decode("utf-8", "surrogateescape").rstrip()):
        return None
    length = len(first) + 1
    if rest.startswith(b"#"):
        comment, _, rest = rest.partition(b"\n")
        length += len(comment) + 1
    second, _, after = rest.partition(b"\n")
    third = after.partition(b"\n")[0]
    match = _EXEC.fullmatch(second.decode("utf-8", "surrogateescape").strip())
    if match is None or third.strip() != b"' '''":
        return None
    return ExecLines(match["interpreter"], words(match["arguments"]), length + len(second) + len(third) + 2)

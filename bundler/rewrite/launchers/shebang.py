"""One line that names Python: pip (through distlib), setuptools, and projects that ship scripts of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bundler.rewrite.launchers.head import PYTHON_NAME, Head, Unnamed, words

_PYTHON_WORD = re.compile(rf"/{PYTHON_NAME.pattern}(?!\S)")
_ENV = re.compile(r"#!\s*/usr/bin/env(?:\s+-S)?\s+python(?:3(?:\.\d+)?)?(?P<rest>\s.*)?")


def recognise(data: bytes) -> tuple[Head, ...]:
    """The readings of a shebang with a Python in it, the kernel's own first. pip writes a path with spaces as it is."""
    if not data.startswith(b"#!"):
        return ()
    first = data.partition(b"\n")[0]
    line, length = first.decode("utf-8", "surrogateescape").rstrip(), len(first) + 1
    if env := _ENV.fullmatch(line):
        return (Head(Unnamed.ON_PATH, words(env["rest"] or ""), length),)
    return tuple(_readings(line[2:], length))


def _readings(line: str, length: int) -> Iterator[Head]:
    """Each word `…/python` may end the path; a bare `python` is what wheels have before they are installed."""
    first, *rest = line.split(maxsplit=1) or [""]
    if PYTHON_NAME.fullmatch(first):
        yield Head(Unnamed.OWN, words(*rest) if rest else (), length)
    for name in _PYTHON_WORD.finditer(line):
        path = line[: name.end()].strip()
        yield Head(path, words(line[name.end() :]), length, guessed=path != first)

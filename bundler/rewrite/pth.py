"""`.pth` files: lines that `site` adds to `sys.path`, or runs.

Rules: CPython's Lib/site.py, addpackage. Relative paths count from the folder of the file; a byte order mark at its beginning
does not belong to the first line (3.12.4 and later).
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Callable, Collection
from dataclasses import dataclass

from bundler.machine import os
from bundler.rewrite import Rewritten


@dataclass(frozen=True, slots=True)
class PathLine:
    """A directory for `sys.path`, as written."""

    path: str


@dataclass(frozen=True, slots=True)
class ImportLine:
    """A line that `site` runs."""

    code: str

    @property
    def module(self) -> str:
        """The module that it imports first, with dots; "" for a line that is none that Python can run."""
        match = re.match(r"import\s+(\w+(?:\.\w+)*)", self.code)
        return match[1] if match else ""


@dataclass(frozen=True, slots=True)
class OtherLine:
    """A comment, or nothing."""

    text: str


Line = PathLine | ImportLine | OtherLine


def parse_pth(data: bytes) -> list[Line]:
    """The lines of a file, in order."""
    return [_classify(line) for line in _text(data.removeprefix(BOM_UTF8)).splitlines()]


def rewrite_pth(
    data: bytes, map_path: Callable[[str], str | None], is_name: Callable[[str], bool] = os.path.isabs
) -> Rewritten | None:
    """Make absolute paths relative; `map_path` gives the new text for one, or None to leave it. None where all stays.

    `is_name` tells which texts are absolute in the root that they are of.
    """
    lines = _text(data.removeprefix(BOM_UTF8)).splitlines(keepends=True)
    changed = False
    for index, line in enumerate(lines):
        match _classify(line.rstrip("\r\n")):
            case PathLine(path) if is_name(path):
                new = map_path(path)
                if new is not None and new != path:
                    lines[index] = line.replace(path, new, 1)
                    changed = True
    if not changed:
        return None
    return Rewritten("".join(lines).encode("utf-8", "surrogateescape"), "paths into the environment made relative")


def without_lines(data: bytes, gone: Collection[str]) -> bytes | None:
    """The file without some lines, whose text is given as `parse_pth` gives it; None where no path and no import is left."""
    lines = _text(data.removeprefix(BOM_UTF8)).splitlines(keepends=True)
    kept = [line for line in lines if line.rstrip("\r\n") not in gone and line.rstrip() not in gone]
    if all(isinstance(_classify(line.rstrip("\r\n")), OtherLine) for line in kept):
        return None
    return "".join(kept).encode("utf-8", "surrogateescape")


def has_imports(data: bytes) -> bool:
    """Whether the file has lines that `site` runs."""
    return any(isinstance(line, ImportLine) for line in parse_pth(data))


def _classify(line: str) -> Line:
    if line.startswith("#") or not line.strip():
        return OtherLine(line)
    if line.startswith(("import ", "import\t")):
        return ImportLine(line)
    return PathLine(line.rstrip())


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")

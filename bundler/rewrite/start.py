"""`.start` files: entry points that `site` calls at each start, one `module:callable` a line (PEP 829, CPython 3.15).

Rules: CPython's Lib/site.py, StartupState. They are UTF-8, with or without a byte order mark; what is not is not read. A file,
even an empty one, silences the `import` lines of the `.pth` file of the same name in its folder.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

FIRST_VERSION = (3, 15)
"""The first version of Python that reads them."""
_ENCODING = "utf-8-sig"


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """A line that `site` resolves and calls, without the white space around it."""

    text: str

    @property
    def module(self) -> str:
        """The module's name, with dots."""
        return self.text.partition(":")[0].strip()


def parse_start(data: bytes) -> list[EntryPoint]:
    """The entry points of a file, in order; none of a file that Python does not read."""
    try:
        lines = data.decode(_ENCODING).splitlines()
    except UnicodeDecodeError:
        return []
    return [EntryPoint(line.strip()) for line in lines if _is_entry_point(line)]


def without_entry_points(data: bytes, gone: Collection[str]) -> bytes | None:
    """The file without some entry points, whose text is given as `parse_start` gives it; None where none is left."""
    try:
        lines = data.decode(_ENCODING).splitlines(keepends=True)
    except UnicodeDecodeError:
        return data
    kept = [line for line in lines if line.strip() not in gone]
    return "".join(kept).encode() if any(map(_is_entry_point, kept)) else None


def start_file(*modules: str) -> bytes:
    """A file that calls the function `add` of modules of bundler's own."""
    return "".join(f"{module}:add\n" for module in modules).encode()


def _is_entry_point(line: str) -> bool:
    return bool(line.strip()) and not line.strip().startswith("#")

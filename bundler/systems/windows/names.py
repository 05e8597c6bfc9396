"""Names and paths that Windows cannot hold, and how long a path may become.

Sources: Microsoft's "Naming Files, Paths, and Namespaces" and "Maximum Path Length Limitation"; CPython's `ntpath.isreserved`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from bundler.bundle_paths import directories_of
from bundler.errors import BundlerError

MAX_PATH = 260
"""Characters (UTF-16) of a whole path with its drive, and with the NUL at its end; of a folder 12 less, for a file of 8.3 in it."""
_FOR_A_FILE = 12
_MOST_IN_A_NAME = 255
_COMFORTABLE = 80
"""Characters that an install folder should have: `C:\\Users\\…\\AppData\\Local\\Programs\\…` has about 60."""

_NOT_IN_NAMES = re.compile('[<>:"|?*\\\\\x00-\x1f]')
_UNDECODED = re.compile("[\udc80-\udcff]")
_RESERVED = frozenset(
    (
        "CON",
        "PRN",
        "AUX",
        "NUL",
        "CONIN$",
        "CONOUT$",
        *(f"{port}{n}" for port in ("COM", "LPT") for n in "123456789¹²³"),
    )
)


@dataclass(frozen=True, slots=True)
class PathLengths:
    """The longest path of a bundle, and what it leaves."""

    longest: str
    """A bundle path; of several the first."""
    characters: int
    """UTF-16 units of it."""
    room: int
    """Characters that the path of the folder in which the bundle lies may have, without long paths being switched on."""

    @property
    def text(self) -> str:
        """The same for a person."""
        return (
            f"the longest path has {self.characters} characters: the folder that the bundle lies in may have {self.room}, "
            "more where Windows has LongPathsEnabled"
        )

    @property
    def warning(self) -> str | None:
        """A sentence where that is little, else None."""
        if self.room >= _COMFORTABLE:
            return None
        left = f"leaves {self.room} for the folder" if self.room > 2 else "leaves no room for any folder"
        return (
            f"{self.longest} has {self.characters} characters, which {left} that the bundle lies in: "
            f"Windows takes paths of {MAX_PATH - 1}, unless LongPathsEnabled is set"
        )


def unholdable(paths: Collection[str]) -> list[BundlerError]:
    """Why Windows cannot hold bundle paths: names that it does not allow, and such as differ in case alone; in path order."""
    errors = [
        BundlerError(f"{path}: Windows holds no {what}", f'leave it out: --exclude "/{path}"')
        for path in sorted({*paths, *directories_of(paths)})
        if (what := _wrong_with(path.rpartition("/")[2])) is not None
    ]
    return [*errors, *_clashes(paths)]


def path_lengths(paths: Collection[str]) -> PathLengths | None:
    """The longest path, and the room that all paths leave; None for no paths."""
    lengths = {path: _units(path) for path in sorted(paths)}
    if not lengths:
        return None
    longest = max(lengths, key=lambda path: lengths[path])
    folder = max(map(_units, directories_of(paths)), default=0)
    room = MAX_PATH - 1 - max(lengths[longest], folder + _FOR_A_FILE) - len("\\")
    return PathLengths(longest, lengths[longest], room)


def _wrong_with(name: str) -> str | None:
    """What is wrong with the name of a file or folder, in words; None for nothing."""
    if (letter := _NOT_IN_NAMES.search(name)) is not None:
        return f"name with {letter[0]!r}"
    if _UNDECODED.search(name) is not None:
        return "name of bytes that are no text"
    if name.endswith((".", " ")):
        return f"name that ends with {name[-1]!r}"
    device = name.partition(".")[0].rstrip(" ").upper()
    if device in _RESERVED:
        return f"file of the name {device}, which is a device"
    if _units(name) > _MOST_IN_A_NAME:
        return f"name of {_units(name)} characters; {_MOST_IN_A_NAME} are allowed"
    return None


def _clashes(paths: Collection[str]) -> Iterator[BundlerError]:
    """Paths that are one for Windows. Folders become one; what lies in them may clash, and a file with a folder."""
    folders = directories_of(paths)
    known = {same_name(folder): folder for folder in sorted(folders, reverse=True)}
    for path in sorted({*paths} - folders):
        other = known.setdefault(same_name(path), path)
        if other != path:
            yield BundlerError(
                f"{other} and {path} are one file for Windows, which does not tell the case of letters",
                f'leave one of them out: --exclude "/{path}"',
            )


def same_name(path: str) -> str:
    """What two paths have in common that are one for Windows: letters become capitals one by one, as in NTFS's table."""
    return path.upper() if path.isascii() else "".join(map(_capital, path))


def _capital(letter: str) -> str:
    capital = letter.upper()
    return capital if len(capital) == 1 and capital.isascii() == letter.isascii() else letter


def _units(text: str) -> int:
    """UTF-16 units of a text."""
    return len(text) + sum(letter > "\uffff" for letter in text)

"""Where libraries of the host go in the bundle.

A library that is found without a search path is seen by every requester, and lies in the folder of bundled libraries itself,
where the interpreter's search path leads everybody. One that a search path finds lies there, too, if nobody finds another file
by its name. Else it lies in a numbered folder below, which stands for the folder of the source that it was found in: the
search path that led there leads here. A library has its own name in the first folder, if that is no other file's, and every name
by which it was found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from bundler.systems.libraries import BundledLibrary, Clash


class Request(NamedTuple):
    """A library that was found: by which name, which file it is (its real path), in which folder, and whether all find it."""

    name: str
    file: str
    folder: str
    for_all: bool


@dataclass(slots=True)
class _Placed:
    path: str
    aliases: dict[str, None] = field(default_factory=dict)


class LibraryPlaces:
    """The places of libraries below one folder."""

    def __init__(self, folder: str, taken: Iterable[str]) -> None:
        """`taken` are the bundle paths in `folder`, and below it, that the bundle holds anyway."""
        self._folder = folder
        self._holders: dict[str, str | None] = dict.fromkeys(taken)
        self._meanings: dict[str, set[str]] = {}
        self._numbered: dict[str, str] = {}
        self._places: dict[tuple[str, str, str], str] = {}
        self._placed: dict[str, _Placed] = {}
        self._clashes: dict[Clash, None] = {}

    def note(self, name: str, file: str) -> None:
        """That somebody finds a file, of the host or not, by a name. All is noted before anything is placed."""
        self._meanings.setdefault(name, set()).add(file)

    def place(self, request: Request, soname: str | None) -> None:
        """Give a library its place under a name; `soname` is the one that it has for itself."""
        name, file, folder, for_all = request
        if (name, file, folder) in self._places:
            return
        place = f"{self._folder}/{name}"
        if not self._is_free(place, file) or not (for_all or self._means_only(name, file)):
            self._note_clash(name, file)
            place = f"{self._numbered_folder(folder, name, file)}/{name}"
        placed = self._placed.get(file)
        if placed is None:
            own = f"{self._folder}/{soname}"
            in_sight = place == f"{self._folder}/{name}" and soname is not None and "/" not in soname
            fits = in_sight and self._means_only(soname or "", file) and self._is_free(own, file)
            placed = self._placed[file] = _Placed(own if fits else place)
            self._holders[placed.path] = file
        self._holders[place] = file
        self._places[request.name, file, folder] = place
        if place != placed.path:
            placed.aliases[place] = None

    def path(self, file: str) -> str:
        """The bundle path of a library."""
        return self._placed[file].path

    def named(self, name: str, file: str, folder: str) -> str:
        """The bundle path under which a library has the name by which it was found in a folder."""
        return self._places[name, file, folder]

    def bundled(self, needed_by: dict[str, dict[str, None]]) -> Iterator[BundledLibrary]:
        """All libraries by bundle path; `needed_by` are the bundle paths of those that ask for each file."""
        for file, placed in sorted(self._placed.items(), key=lambda item: item[1].path):
            yield BundledLibrary(placed.path, file, tuple(sorted(placed.aliases)), tuple(needed_by.get(file, ())))

    @property
    def clashes(self) -> tuple[Clash, ...]:
        """Names that mean two libraries of the host."""
        return tuple(self._clashes)

    def _means_only(self, name: str, file: str) -> bool:
        """Whether nobody finds another file by a name."""
        return self._meanings.get(name, set()) <= {file}

    def _is_free(self, place: str, file: str) -> bool:
        return place not in self._holders or self._holders[place] == file

    def _numbered_folder(self, folder: str, name: str, file: str) -> str:
        """The folder of the bundle that stands for a folder of the source."""
        numbered = self._numbered.get(folder)
        if numbered is None or not self._is_free(f"{numbered}/{name}", file):
            number = 2 + len({*self._numbered.values()})
            while any(place.startswith(f"{self._folder}/{number}/") for place in self._holders):
                number += 1
            numbered = self._numbered[folder] = f"{self._folder}/{number}"
        return numbered

    def _note_clash(self, name: str, file: str) -> None:
        """That a name means another library of the host, too, which has its place already."""
        others = self._meanings.get(name, set()) | {self._holders.get(f"{self._folder}/{name}")}
        other = next((each for each in self._placed if each in others and each != file), None)
        if other is not None and Clash(name, file, other) not in self._clashes:
            self._clashes[Clash(name, other, file)] = None

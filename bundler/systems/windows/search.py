"""Windows' rules: which file a process gets for the name of a DLL.

Before any search: what is no file (API sets), what Windows knows (KnownDLLs), what the process has already under that name. Then

* a program, and what is loaded with it, looks into the program's own folder;
* a module that Python 3.8 or later opens, and all that is loaded with it, into the module's folder, the program's, and those of
  `os.add_dll_directory` (LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_DEFAULT_DIRS; ctypes does the same). The folder is
  that of the file that was opened, whatever the files are that it brings;
* what is loaded at its first call, into the program's own folder;
* what a file asks for that says by itself where to look (/DEPENDENTLOADFLAG), there,

and after each of them into Windows' own. The working directory and PATH, which a program's search ends with, are no places of a
bundle's. Case does not count. Sources: Microsoft's "Dynamic-link library search order", CPython's Python/dynload_win.c; reference
pe.md 3.1.

What a package has in its own folders, and no search finds, it loads beforehand by its whole path, or it adds the folder: files do
not tell, but the names say that it does.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bundler.binaries.pe import Image
from bundler.binaries.pe.edits import folded
from bundler.systems.windows.policy import is_never_searched, stays_with_windows

MODULE_SUFFIX = ".pyd"
_ADDED_SUFFIX = ".libs"
_DLL_LOAD_DIR, _APPLICATION_DIR, _USER_DIRS, _SYSTEM32, _DEFAULT_DIRS = 0x100, 0x200, 0x400, 0x800, 0x1000
_SEARCH_FLAGS = _DLL_LOAD_DIR | _APPLICATION_DIR | _USER_DIRS | _SYSTEM32 | _DEFAULT_DIRS
"""LOAD_LIBRARY_SEARCH_… of <libloaderapi.h>."""


class Folders:
    """Files by their folder and name, without regard to case."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._files: dict[tuple[str, str], str] = {}
        self._named: dict[str, list[str]] = {}
        for path in paths:
            folder, _, name = path.rpartition("/")
            self._files.setdefault((folder.lower(), folded(name)), path)
            self._named.setdefault(folded(name), []).append(path)

    def find(self, folder: str, name: str) -> str | None:
        """The bundle path of the DLL of a name in a folder; None where there is none."""
        return self._files.get((folder.lower(), folded(name)))

    def named(self, name: str) -> list[str]:
        """The bundle paths of all files of a name."""
        return self._named.get(folded(name), [])


@dataclass(frozen=True, slots=True)
class Search:
    """Where a process, or a module in it, looks for DLLs. Paths and folders are those of the bundle."""

    program: str
    """The program of the process."""
    folders: tuple[str, ...]
    """Windows' own come after them."""
    owner: str = ""
    """What the file that was opened belongs to; see `Packages`."""

    @property
    def application(self) -> str:
        """The program's own folder."""
        return self.program.rpartition("/")[0]

    @property
    def first(self) -> str:
        """The folder of the file that was opened; the program's, where only Windows' own are searched."""
        return self.folders[0] if self.folders else self.application


class Asking(enum.Enum):
    """When a DLL is looked for."""

    AT_ONCE = "when the file is loaded"
    FORWARDED = "when somebody asks the file for a function that the DLL has"
    DELAYED = "at the first call"


@dataclass(frozen=True, slots=True)
class Lookup:
    """One name that is looked for, and what is found in the bundle."""

    requester: str
    """The bundle path of the file that asks."""
    name: str
    """As it stands in the file."""
    asking: Asking
    search: Search
    found: str | None
    """A bundle path; None where Windows looks into its own folders."""
    beforehand: bool = False
    """Whether no search finds it: the package that asks for it has loaded it by then, or adds its folder."""


class Packages(Protocol):
    """What is known of the packages of a bundle."""

    def owner_of(self, path: str) -> str:
        """What tells the distribution that a bundle path belongs to from others; "" for none."""

    def added_for(self, path: str) -> tuple[str, ...]:
        """The folders that are added to the search by the time when Python opens the file at a bundle path."""


@dataclass(frozen=True, slots=True)
class AllAdded:
    """See `Packages`, of a finished bundle: who adds a folder is not known, so each counts as added."""

    folders: tuple[str, ...]

    def owner_of(self, path: str) -> str:
        """Nobody is known."""
        return ""

    def added_for(self, path: str) -> tuple[str, ...]:
        """All of delvewheel's."""
        return self.folders


def added_folders(paths: Iterable[str]) -> tuple[str, ...]:
    """The folders among those of `paths` that packages are known to add (os.add_dll_directory): delvewheel's, by their name.

    delvewheel puts a wheel's DLLs into `NAME.libs` beside the packages, and has each of these add the folder.
    """
    folders = {path.rpartition("/")[0] for path in paths}
    return tuple(sorted(folder for folder in folders if folder.endswith(_ADDED_SUFFIX)))


def resolve_all(
    images: Mapping[str, Image], python: str, packages: Packages, taken: Collection[str] = ()
) -> Iterator[Lookup]:
    """What every file in `images` asks for, and what it gets: by bundle path, with the Python program `python` among them.

    What no program and no module brings is opened by itself. A file that several bring is asked once for each search that
    differs. `taken` are those that come from outside: what a package has by itself is there before them.
    """
    libraries = [path for path, image in images.items() if image.headers.is_dll]
    files = _Libraries(libraries, packages, taken)
    for program in sorted(images.keys() - {python, *libraries}):
        yield from _Walk(images, files).of(program, _of_program(program, packages.owner_of(program)))
    process = _Walk(images, files)
    for lookup in process.of(python, _of_program(python)):
        yield lookup
        if lookup.found is not None and lookup.asking is Asking.AT_ONCE:
            process.loaded.setdefault(folded(lookup.name), lookup.found)
    for path in sorted(libraries, key=lambda path: not path.lower().endswith(MODULE_SUFFIX)):
        if path.lower().endswith(MODULE_SUFFIX) or path not in process.reached:
            own = (path.rpartition("/")[0], python.rpartition("/")[0])
            folders = tuple(dict.fromkeys((*own, *packages.added_for(path))))
            yield from process.of(path, Search(python, folders, packages.owner_of(path)))


def _of_program(path: str, owner: str = "") -> Search:
    return Search(path, (path.rpartition("/")[0],), owner)


class _Libraries:
    """The DLLs of a bundle: by folder and name, by owner and name."""

    def __init__(self, paths: Sequence[str], packages: Packages, taken: Collection[str]) -> None:
        self._folders = Folders(paths)
        self._taken = frozenset(taken)
        self._owned: dict[tuple[str, str], str] = {}
        for path in paths:
            if path not in self._taken and (owner := packages.owner_of(path)):
                self._owned.setdefault((owner, folded(path.rpartition("/")[2])), path)

    def find(self, name: str, search: Search) -> tuple[str | None, bool]:
        """What a search finds, and whether the package has it beforehand."""
        if is_never_searched(name):
            return None, False
        places = (self._folders.find(folder, name) for folder in search.folders)
        found = next((place for place in places if place is not None), None)
        if (found is None or found in self._taken) and stays_with_windows(name) is None:
            own = self._owned.get((search.owner, folded(name)))
            return (own, True) if own is not None else (found, False)
        return found, False


class _Walk:
    """From files to what they bring, each pair of a file and a search once."""

    def __init__(self, images: Mapping[str, Image], files: _Libraries) -> None:
        self._images = images
        self._files = files
        self._seen: set[tuple[str, Search]] = set()
        self.reached: set[str] = set()
        """What was brought by others."""
        self.loaded: dict[str, str] = {}
        """What the process has for sure, by name: these win whatever is looked for later."""

    def of(self, start: str, search: Search) -> Iterator[Lookup]:
        """What a file that is opened asks for, and what it brings asks for."""
        left = deque([(start, search)])
        while left:
            path, search = left.popleft()
            if path not in self._images or (path, search) in self._seen:
                continue
            self._seen.add((path, search))
            for name, asking in asked_for(self._images[path]):
                is_late = asking is Asking.DELAYED
                where = (
                    _of_program(search.program, search.owner) if is_late else _as_said(path, self._images[path], search)
                )
                found, beforehand = self.loaded.get(folded(name)), False
                if found is None:
                    found, beforehand = self._files.find(name, where)
                yield Lookup(path, name, asking, where, found, beforehand)
                if found is not None and not beforehand:
                    self.reached.add(found)
                    left.append((found, where))


def _as_said(path: str, image: Image, search: Search) -> Search:
    """The search for what a file asks for, where its load configuration says which folders count."""
    flags = image.load_config.dependent_load_flags if image.load_config is not None else 0
    if not flags & _SEARCH_FLAGS:
        return search
    own, application = path.rpartition("/")[0], search.application
    added = [folder for folder in search.folders[1:] if folder != application]
    folders = [
        *([own] if flags & _DLL_LOAD_DIR else []),
        *([application] if flags & (_APPLICATION_DIR | _DEFAULT_DIRS) else []),
        *(added if flags & (_USER_DIRS | _DEFAULT_DIRS) else []),
    ]
    return Search(search.program, tuple(dict.fromkeys(folders)), search.owner)


def asked_for(image: Image) -> Iterator[tuple[str, Asking]]:
    """Every DLL that a file asks for, and when; each name once, as early as any of its tables asks."""
    forwarders = image.exports.forwarders if image.exports is not None else ()
    forwarded = (folded(forwarder.dll) for forwarder in forwarders)
    asked = (
        *((name, Asking.AT_ONCE) for name in image.needed),
        *((name, Asking.FORWARDED) for name in dict.fromkeys(forwarded)),
        *((name, Asking.DELAYED) for name in image.delayed),
    )
    names: dict[str, tuple[str, Asking]] = {}
    for name, asking in asked:
        names.setdefault(folded(name), (name, asking))
    yield from names.values()

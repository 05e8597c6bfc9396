"""dyld's rules: which file a program of macOS gets for an install name (man dyld; Apple's dyld sources).

`@loader_path` is the folder of the image that asks, `@executable_path` that of the program. `@rpath` stands for each search path
of the asking image, then of those that loaded it, up to the program. What begins with neither is a path. The system's own
libraries are in dyld's cache and no files at all, so nobody looks for them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bundler.binaries.macho import Dylib, DylibKind, Image
from bundler.binaries.macho import constants as c
from bundler.machine import os

SYSTEM = ("/usr/lib/", "/System/")
_FALLBACK = "/usr/local/lib"


@dataclass(frozen=True, slots=True)
class LoadedImage:
    """A Mach-O file and the absolute path by which it is known."""

    path: str
    image: Image

    @property
    def filetype(self) -> int:
        """MH_EXECUTE, MH_DYLIB, MH_BUNDLE."""
        return self.image.slices[0].filetype

    @property
    def dylibs(self) -> tuple[Dylib, ...]:
        """What any of the slices asks for, each name once, as weakly as all of them do."""
        found: dict[str, Dylib] = {}
        for part in self.image.slices:
            for dylib in part.dylibs:
                if dylib.name not in found or found[dylib.name].kind is DylibKind.WEAK:
                    found[dylib.name] = dylib
        return tuple(found.values())

    @property
    def rpaths(self) -> tuple[str, ...]:
        """The search paths of all slices, each once."""
        return tuple(dict.fromkeys(path for part in self.image.slices for path in part.rpaths))


Chain = tuple[LoadedImage, ...]
"""The image that asks, what loaded it, and so on; the program comes last."""


def is_system(name: str) -> bool:
    """Whether an install name is one of macOS's own libraries."""
    return name.startswith(SYSTEM)


def expand(path: str, image: LoadedImage, program: LoadedImage) -> str:
    """A path with what `@loader_path` and `@executable_path` stand for in `image`, without dots."""
    for word, owner in (("@loader_path", image), ("@executable_path", program)):
        if path == word or path.startswith(word + "/"):
            return os.path.normpath(os.path.dirname(owner.path) + path[len(word) :])
    return os.path.normpath(path) if path.startswith("/") else path


def candidates(name: str, chain: Chain) -> Iterator[str]:
    """Absolute paths at which dyld looks for `name`, in its order."""
    program = chain[-1]
    if name.startswith("@rpath/"):
        for owner in chain:
            for rpath in owner.rpaths:
                yield os.path.normpath(expand(rpath, owner, program) + name[len("@rpath") :])
        return
    path = expand(name, chain[0], program)
    if path.startswith("/"):
        yield path
    if not name.startswith("@"):
        yield f"{_FALLBACK}/{os.path.basename(name)}"


def resolve_all(
    starts: Sequence[LoadedImage],
    program: LoadedImage,
    libpython: LoadedImage | None,
    find: Callable[[str], LoadedImage | None],
) -> Mapping[str, Mapping[str, LoadedImage | None]]:
    """Of each image, by its path, what its install names but the system's lead to; None where nothing is found.

    `find` gives the Mach-O file at an absolute path. Programs and modules come first: what they load inherits their search
    paths. Python opens modules from libpython, whose own search paths count, too.
    """
    opener = (libpython, program) if libpython is not None and libpython.path != program.path else (program,)
    order = sorted(starts, key=lambda item: item.filetype == c.MH_DYLIB)
    queue: deque[tuple[LoadedImage, Chain]] = deque((item, _above(item, opener)) for item in order)
    found: dict[str, dict[str, LoadedImage | None]] = {}
    while queue:
        item, above = queue.popleft()
        if item.path in found:
            continue
        needs = found[item.path] = {}
        chain = (item, *above)
        for dylib in item.dylibs:
            if is_system(dylib.name):
                continue
            places = (find(path) for path in candidates(dylib.name, chain))
            target = needs[dylib.name] = next((place for place in places if place is not None), None)
            if target is not None:
                queue.appendleft((target, chain))
    return found


def _above(item: LoadedImage, opener: Chain) -> Chain:
    """What loads an image that nothing else was seen to load: nothing for a program, else Python."""
    if item.filetype == c.MH_EXECUTE:
        return ()
    return tuple(one for one in opener if one.path != item.path)

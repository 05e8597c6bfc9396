"""Which install names and search paths of a bundle's Mach-O files must change, and to what."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace

from bundler.binaries.macho import Edits, Image
from bundler.bundle_paths import follow, relative
from bundler.entries import Entry, Link
from bundler.environment import Interpreter
from bundler.plan.base_mounts import executable_path
from bundler.systems.linux.closure import BUNDLED, Inside
from bundler.systems.macos.closure import DylibClosure
from bundler.systems.macos.dyld import LoadedImage, expand, is_system, resolve_all

_ROOT = "/@bundle@"
"""Where the bundle lies while its names are tried."""


@dataclass(frozen=True, slots=True)
class Change:
    """What one file needs: `ways` lead to the same, each with shorter names than the one before; the last one is a must."""

    ways: tuple[Edits, ...]
    reason: str


def find_changes(
    images: Mapping[str, Image], closure: DylibClosure, entries: Mapping[str, Entry], interpreter: Interpreter
) -> Mapping[str, Change]:
    """The changes of all files in the bundle, by bundle path.

    A name that dyld resolves in the bundle as planned stays as it is; another becomes `@loader_path/` and the way to the file.
    """
    executable = executable_path(interpreter)
    kept = {path: _without_outside(path, image, executable) for path, image in images.items()}
    now = _resolved(kept, executable, entries, interpreter)
    changes = {}
    for path, image in images.items():
        names = {}
        for name, location in closure.needs.get(path, {}).items():
            if isinstance(location, Inside) and now.get(path, {}).get(name) != location.path:
                names[name] = f"@loader_path/{relative(location.path, os.path.dirname(path))}"
        gone = frozenset(_rpaths(image)) - frozenset(_rpaths(kept[path]))
        identity = _install_name(path, image, interpreter)
        reasons = []
        if names:
            reasons.append(f"finds {_some(names)} in the bundle")
        if gone:
            reasons.append("no longer looks outside of the bundle")
        if identity is not None:
            reasons.append("has a name that moves")
        if reasons:
            without = Edits(dylibs=names, remove_rpaths=gone)
            ways = [without] if identity is None else [replace(without, install_name=identity), without]
            short = _by_search_path(names)
            ways += [replace(without, dylibs=short)] if short != names else []
            changes[path] = Change(tuple(ways), ", ".join(reasons))
    return changes


def _by_search_path(names: Mapping[str, str]) -> dict[str, str]:
    """The names with `@rpath/` for libraries in `lib/bundled` where that is shorter."""
    return {
        old: min(new, f"@rpath/{os.path.basename(new)}", key=len)
        if os.path.basename(os.path.dirname(new)) == os.path.basename(BUNDLED)
        else new
        for old, new in names.items()
    }


SEARCH_PATH = f"@loader_path/../{BUNDLED}"
"""The search path of Python's program that serves names which begin with `@rpath/`."""


def with_search_path(change: Change) -> Change:
    """The change of Python's program where some file is found by `SEARCH_PATH` only."""
    ways = tuple(replace(edits, add_rpaths=(*edits.add_rpaths, SEARCH_PATH)) for edits in change.ways)
    return Change(
        ways, ", ".join(filter(None, (change.reason, "serves names for which other files have no more room")))
    )


def uses_search_path(edits: Edits) -> bool:
    """Whether files with these edits are found only by `SEARCH_PATH`."""
    return any(new.startswith("@rpath/") for new in edits.dylibs.values())


def _some(names: Mapping[str, str]) -> str:
    leaves = sorted({os.path.basename(name) for name in names})
    return ", ".join(leaves[:3]) + (f" and {len(leaves) - 3} more" if len(leaves) > 3 else "")


def _rpaths(image: Image) -> tuple[str, ...]:
    return tuple(path for part in image.slices for path in part.rpaths)


def _without_outside(path: str, image: Image, executable: str) -> Image:
    """The image without search paths that lead out of the bundle; the system's may stay."""
    here = LoadedImage(f"{_ROOT}/{path}", image)
    program = LoadedImage(f"{_ROOT}/{executable}", image)

    def inside(rpath: str) -> bool:
        place = expand(rpath, here, program)
        return place == _ROOT or place.startswith(_ROOT + "/") or is_system(place + "/")

    slices = tuple(replace(part, rpaths=tuple(filter(inside, part.rpaths))) for part in image.slices)
    return replace(image, slices=slices)


def _install_name(path: str, image: Image, interpreter: Interpreter) -> str | None:
    """A new LC_ID_DYLIB for what later builds may link with, or what comes from the host; others' names mean nothing to dyld.

    uv gives libpython its absolute path: what is built with it would ask for that place for ever.
    """
    names = [part.install_name for part in image.slices if part.install_name is not None]
    ours = path == interpreter.framework or path.startswith((f"{BUNDLED}/", "lib/libpython"))
    wanted = f"@rpath/{os.path.basename(path)}"
    return wanted if ours and any(name.startswith("/") for name in names) else None


def _resolved(
    images: Mapping[str, Image], executable: str, entries: Mapping[str, Entry], interpreter: Interpreter
) -> Mapping[str, Mapping[str, str | None]]:
    """What the names of each file lead to in the bundle: bundle paths by bundle path and name."""
    links = {path: entry.content.target for path, entry in entries.items() if isinstance(entry.content, Link)}
    loaded = {path: LoadedImage(f"{_ROOT}/{path}", image) for path, image in images.items()}

    def find(path: str) -> LoadedImage | None:
        real = follow(path[len(_ROOT) + 1 :], links) if path.startswith(_ROOT + "/") else None
        return loaded.get(real) if real is not None else None

    names = (interpreter.framework, *(f"lib/{name}" for name in interpreter.library_names))
    libpython = next((loaded[name] for name in names if name in loaded), None)
    found = resolve_all(list(loaded.values()), loaded[executable], libpython, find)
    return {
        path[len(_ROOT) + 1 :]: {
            name: target.path[len(_ROOT) + 1 :] if target is not None else None for name, target in needs.items()
        }
        for path, needs in found.items()
    }

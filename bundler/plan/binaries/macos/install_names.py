"""Which install names and search paths of a bundle's Mach-O files must change, and to what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bundler.binaries.macho import Edits, Image
from bundler.bundle_paths import NOWHERE, follow, lies_in, relative
from bundler.entries import Entry, Link
from bundler.machine import os
from bundler.scheme import BundleScheme
from bundler.systems.libraries import InBundle, LibraryFacts
from bundler.systems.macos.dyld import LoadedImage, expand, is_system, resolve_all


@dataclass(frozen=True, slots=True)
class NameChange:
    """What one file needs: `ways` lead to the same, each with shorter names than the one before; the last one is a must."""

    ways: tuple[Edits, ...]
    reason: str


def find_changes(
    images: Mapping[str, Image], libraries: LibraryFacts, entries: Mapping[str, Entry], scheme: BundleScheme
) -> Mapping[str, NameChange]:
    """The changes of all files in the bundle, by bundle path.

    A name that dyld resolves in the bundle as planned stays as it is; another becomes `@loader_path/` and the way to the file.
    """
    kept = {path: _without_outside(path, image, scheme.executable) for path, image in images.items()}
    now = _resolved(kept, entries, scheme)
    changes = {}
    for path, image in images.items():
        names = {}
        for name, location in libraries.needs.get(path, {}).items():
            if isinstance(location, InBundle) and now.get(path, {}).get(name) != location.path:
                names[name] = f"@loader_path/{relative(location.path, os.path.dirname(path))}"
        gone = frozenset(_rpaths(image)) - frozenset(_rpaths(kept[path]))
        identity = _install_name(path, image, scheme)
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
            short = _by_search_path(names, scheme)
            ways += [replace(without, dylibs=short)] if short != names else []
            changes[path] = NameChange(tuple(ways), ", ".join(reasons))
    return changes


def _by_search_path(names: Mapping[str, str], scheme: BundleScheme) -> dict[str, str]:
    """The names with `@rpath/` for libraries in the folder of bundled ones where that is shorter."""
    return {
        old: min(new, f"@rpath/{os.path.basename(new)}", key=len)
        if os.path.basename(os.path.dirname(new)) == os.path.basename(scheme.bundled)
        else new
        for old, new in names.items()
    }


def with_search_path(change: NameChange, scheme: BundleScheme) -> NameChange:
    """The change of Python's program where some file is found by the program's search path only.

    That path serves names which begin with `@rpath/`.
    """
    search_path = f"@loader_path/{relative(scheme.bundled, os.path.dirname(scheme.executable))}"
    ways = tuple(replace(edits, add_rpaths=(*edits.add_rpaths, search_path)) for edits in change.ways)
    return NameChange(
        ways, ", ".join(filter(None, (change.reason, "serves names for which other files have no more room")))
    )


def uses_search_path(edits: Edits) -> bool:
    """Whether files with these edits are found only by the search path of Python's program."""
    return any(new.startswith("@rpath/") for new in edits.dylibs.values())


def _some(names: Mapping[str, str]) -> str:
    leaves = sorted({os.path.basename(name) for name in names})
    return ", ".join(leaves[:3]) + (f" and {len(leaves) - 3} more" if len(leaves) > 3 else "")


def _rpaths(image: Image) -> tuple[str, ...]:
    return tuple(path for part in image.slices for path in part.rpaths)


def _without_outside(path: str, image: Image, executable: str) -> Image:
    """The image without search paths that lead out of the bundle; the system's may stay."""
    here = LoadedImage(NOWHERE.place(path), image)
    program = LoadedImage(NOWHERE.place(executable), image)

    def inside(rpath: str) -> bool:
        place = expand(rpath, here, program)
        return NOWHERE.holds(place) or is_system(place + "/")

    slices = tuple(replace(part, rpaths=tuple(filter(inside, part.rpaths))) for part in image.slices)
    return replace(image, slices=slices)


def _install_name(path: str, image: Image, scheme: BundleScheme) -> str | None:
    """A new LC_ID_DYLIB for what later builds may link with, or what comes from the host; others' names mean nothing to dyld.

    uv gives libpython its absolute path: what is built with it would ask for that place for ever.
    """
    names = [part.install_name for part in image.slices if part.install_name is not None]
    ours = scheme.is_libpython(path) or lies_in(path, scheme.bundled)
    wanted = f"@rpath/{os.path.basename(path)}"
    return wanted if ours and any(name.startswith("/") for name in names) else None


def _resolved(
    images: Mapping[str, Image], entries: Mapping[str, Entry], scheme: BundleScheme
) -> Mapping[str, Mapping[str, str | None]]:
    """What the names of each file lead to in the bundle: bundle paths by bundle path and name."""
    links = {path: entry.content.target for path, entry in entries.items() if isinstance(entry.content, Link)}
    loaded = {path: LoadedImage(NOWHERE.place(path), image) for path, image in images.items()}

    def find(path: str) -> LoadedImage | None:
        inside = NOWHERE.inside(path)
        real = follow(inside, links) if inside is not None else None
        return loaded.get(real) if real is not None else None

    libpython = next((loaded[path] for path in scheme.libpython if path in loaded), None)
    found = resolve_all(list(loaded.values()), loaded[scheme.executable], libpython, find)
    return {
        NOWHERE.inside(path) or path: {
            name: NOWHERE.inside(target.path) if target is not None else None for name, target in needs.items()
        }
        for path, needs in found.items()
    }

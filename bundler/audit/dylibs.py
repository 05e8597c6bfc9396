"""Mach-O files of a bundle: every install name resolves as dyld would, from each program, and every signature is true."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from bundler.audit.faults import Fault, FaultKind
from bundler.audit.tree import BundleTree
from bundler.binaries.macho import DylibKind
from bundler.binaries.macho import constants as c
from bundler.systems.macos.dyld import LoadedImage, expand, is_system, resolve_all


def audit_dylibs(tree: BundleTree) -> tuple[list[Fault], list[str]]:
    """Faults of Mach-O files, and notes on libraries that the source did not find either.

    Python's own program is asked for every file; each other program of the bundle for itself.
    """
    images = {
        path: LoadedImage(tree.path(path), seen.macho.image)
        for path, seen in sorted(tree.files.items())
        if seen.macho is not None
    }
    executable = tree.manifest.python.executable
    if executable not in images:
        return [Fault(FaultKind.LIBRARY, executable, "is no Mach-O file")], []
    faults = [*_signatures(tree), *_search_paths(tree, images)]
    notes: list[str] = []
    programs = [path for path, item in images.items() if item.filetype == c.MH_EXECUTE and path != executable]
    for program in (executable, *programs):
        starts = [item for path, item in images.items() if program == executable and path not in programs]
        found, known = _names(tree, images, program, starts)
        faults += (fault for fault in found if fault not in faults)
        notes += (note for note in known if note not in notes)
    return faults, notes


def _names(
    tree: BundleTree, images: Mapping[str, LoadedImage], program: str, starts: list[LoadedImage]
) -> tuple[list[Fault], list[str]]:
    """What the names lead to in a process of `program`."""
    root = tree.root + "/"
    provided = {part.install_name for item in images.values() for part in item.image.slices}

    def find(path: str) -> LoadedImage | None:
        inside = tree.follow(path[len(root) :]) if path.startswith(root) else None
        return images.get(inside) if inside is not None else None

    libpython = _libpython(images[program], find)
    missing = {(item.path, item.needed) for item in tree.manifest.missing}
    weak = {
        item.path: {dylib.name for dylib in item.dylibs if dylib.kind is DylibKind.WEAK} for item in images.values()
    }
    host = set(tree.manifest.host_libraries)
    faults, notes = [], []
    for requester, needs in resolve_all([images[program], *starts], images[program], libpython, find).items():
        path = requester[len(root) :]
        for name, target in needs.items():
            if target is not None or name in weak[requester] or name in host:
                continue
            if (path, name) in missing:
                notes.append(f"{path} needs {name}, which the source does not find either")
            elif name not in provided and not _named_like(name, images):
                faults.append(Fault(FaultKind.LIBRARY, path, f"needs {name}, which is not found in the bundle"))
    return faults, notes


def _named_like(name: str, images: Mapping[str, LoadedImage]) -> bool:
    """Whether a library of that name is in the bundle: what is loaded already is not looked for. Not for absolute names."""
    leaf = name.rpartition("/")[2]
    return not name.startswith("/") and any(path.rpartition("/")[2] == leaf for path in images)


def _libpython(program: LoadedImage, find: Callable[[str], LoadedImage | None]) -> LoadedImage | None:
    """The library that holds Python: what the program loads and is not the system's."""
    resolved = resolve_all([program], program, None, find)
    return next((target for target in resolved[program.path].values() if target is not None), None)


def _signatures(tree: BundleTree) -> Iterator[Fault]:
    for path, seen in sorted(tree.files.items()):
        for fault in seen.macho.signature_faults if seen.macho is not None else ():
            yield Fault(FaultKind.SIGNATURE, path, fault)


def _search_paths(tree: BundleTree, images: Mapping[str, LoadedImage]) -> Iterator[Fault]:
    """Search paths that lead out of the bundle and are not the system's."""
    program = images[tree.manifest.python.executable]
    for path, item in images.items():
        for rpath in item.rpaths:
            place = expand(rpath, item, program)
            if place != tree.root and not place.startswith(tree.root + "/") and not is_system(place + "/"):
                yield Fault(FaultKind.SEARCH_PATH, path, f"its search path leads out of the bundle: {rpath}")

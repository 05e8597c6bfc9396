"""ELF files of a bundle: every NEEDED resolves, as the loader would, to a file inside or a library of the host's."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping

from bundler.audit.faults import Fault, FaultKind
from bundler.audit.tree import BundleTree
from bundler.binaries.elf import Image
from bundler.binaries.elf.machines import machine_of
from bundler.systems.linux.closure import Binary, Closure, Inside, Missing, Surroundings, find_closure
from bundler.systems.linux.glibc import HostFiles, read_system
from bundler.systems.linux.order import in_loading_order


def audit_libraries(tree: BundleTree) -> tuple[list[Fault], list[str]]:
    """Faults of ELF files, and notes on NEEDEDs that the source did not find either."""
    images = dict(_images(tree))
    executable = tree.manifest.python.executable
    if executable not in images:
        return [Fault(FaultKind.LIBRARY, executable, "is no ELF file")], []
    binaries = in_loading_order(
        (Binary(path, tree.path(path), image) for path, image in images.items()),
        tree.manifest.python.extension_suffixes,
    )
    by_path = {binary.path: binary for binary in binaries}
    program = by_path[executable]
    libpython = next((by_path[f"lib/{name}"] for name in program.image.needed if f"lib/{name}" in by_path), None)

    files = _Files(tree, images, HostFiles(program.image))
    system = read_system(machine_of(program.image))
    surroundings = Surroundings(files, system, (), files.bundle_path, frozenset(tree.manifest.host_libraries))
    closure = find_closure(binaries, program, libpython, surroundings)
    missing = {(item.path, item.needed) for item in tree.manifest.missing}
    faults = [*_from_host(closure, missing), *_search_paths(tree, binaries, closure)]
    from_host = {path for library in closure.bundled for path in (library.path, *library.aliases)}
    notes = []
    for path, needs in closure.needs.items():
        for name, location in needs.items():
            found_here = isinstance(location, Inside) and location.path in from_host
            if (isinstance(location, Missing) or found_here) and (path, name) in missing:
                notes.append(f"{path} needs {name}, which the source does not find either")
            elif isinstance(location, Missing):
                faults.append(Fault(FaultKind.LIBRARY, path, f"needs {name}, which is not found"))
    return faults, notes


class _Files:
    """The files that a loader would find: those of the bundle as they were read, and the host's."""

    def __init__(self, tree: BundleTree, images: Mapping[str, Image], host: HostFiles) -> None:
        self._tree = tree
        self._images = images
        self._host = host

    def bundle_path(self, path: str) -> str | None:
        """The bundle path of the file that a path on this machine leads to; None for one outside."""
        root = self._tree.root + "/"
        return self._tree.follow(path[len(root) :]) if path.startswith(root) else None

    def is_library(self, path: str) -> bool:
        """Whether the loader would take the file."""
        if path.startswith(self._tree.root + "/"):
            return self.bundle_path(path) in self._images
        return self._host.is_library(path)

    def normal(self, path: str) -> str:
        """In the bundle by the names alone."""
        return os.path.normpath(path) if path.startswith(self._tree.root + "/") else self._host.normal(path)


def _images(tree: BundleTree) -> Iterator[tuple[str, Image]]:
    """The dynamic ELF files of the interpreter's own machine."""
    executable = tree.files.get(tree.manifest.python.executable)
    if executable is None or executable.image is None:
        return
    kind = (executable.image.machine, executable.image.elf_class, executable.image.byteorder)
    for path, seen in sorted(tree.files.items()):
        image = seen.image
        if image is None or image.dynamic is None:
            continue
        if (image.machine, image.elf_class, image.byteorder) == kind:
            yield path, image


def _from_host(closure: Closure, missing: Collection[tuple[str, str]]) -> Iterator[Fault]:
    """Libraries that the loader would take from the host although they are none of the host's.

    What the source did not find (`missing`: file and NEEDED), the host may have.
    """
    for library in closure.bundled:
        names = {os.path.basename(path) for path in (library.path, *library.aliases)}
        for requester in library.needed_by:
            if any((requester, name) in missing for name in names):
                continue
            name = os.path.basename(library.path)
            yield Fault(FaultKind.LIBRARY, requester, f"would take {name} from the host ({library.source})")


def _search_paths(tree: BundleTree, binaries: list[Binary], closure: Closure) -> Iterator[Fault]:
    """Entries that lead out, and RUNPATHs behind which LD_LIBRARY_PATH would win."""
    for binary in binaries:
        inside = any(isinstance(place, Inside) for place in closure.needs.get(binary.path, {}).values())
        if binary.image.runpath is not None and inside:
            yield Fault(FaultKind.SEARCH_PATH, binary.path, "has a RUNPATH, so LD_LIBRARY_PATH would win")
        folder = os.path.dirname(tree.path(binary.path))
        for entry in (binary.image.runpath or binary.image.rpath or "").split(":"):
            place = os.path.normpath(entry.replace("${ORIGIN}", "$ORIGIN").replace("$ORIGIN", folder))
            if entry and place != tree.root and not place.startswith(tree.root + "/"):
                yield Fault(FaultKind.SEARCH_PATH, binary.path, f"its search path leads out of the bundle: {entry}")

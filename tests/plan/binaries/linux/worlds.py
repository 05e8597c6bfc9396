"""A graph on the disk: laid out as a source, planned and written as a bundle, and both run with the real loader."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bundler.binaries.elf import Edits, read_image
from bundler.plan.binaries.linux.libraries import LibraryPlan, Taken, links_to, plan_libraries
from bundler.systems.linux.closure import ClosureContext, ElfFile
from bundler.systems.linux.loader import SystemLibraries
from bundler.systems.linux.order import in_loading_order
from bundler.systems.linux.runtime import libpython_of
from bundler.systems.linux.sysroot_libraries import SysrootLibraries
from bundler.systems.posix import posix_scheme
from tests.plan.binaries.linux.graphs import NAMES, SITE, Action, Graph, Import, Open, OpenFrom
from tests.plan.binaries.linux.kit import Header, Kit, Seen, edited, number_of

EXECUTABLE, LIBPYTHON = 900000, 900001
WRONG = 990000
"""Numbers of libraries that must never be loaded begin here."""
MOST_ROUNDS = 4
_FOLDERS = ("env", "base", "opt", "path")
_MOUNTS = {SITE: "lib/python3/site-packages", "base/lib": "lib", "base/bin": "bin"}


@dataclass(frozen=True)
class Names:
    """See `systems.system.PythonNames`."""

    python_name: str = "python3"
    short_version: str = "3"
    abiflags: str = ""
    platlibdir: str = "lib"
    include: str = "/include/python3"
    library_names: tuple[str, ...] = ("libpython3.so.1.0",)
    framework: str = ""


SCHEME = posix_scheme(Names())
Loads = tuple[tuple[int, ...], ...]
"""What a process has loaded after each action, by number, in order."""


class World:
    """One graph's source, its plan and its bundle; they lie at one place, so there is one world at a time."""

    def __init__(self, kit: Kit, graph: Graph) -> None:
        self.kit = kit
        self.graph = graph
        self.root = kit.root
        kit.clear()
        self._lay_out()
        self._found: dict[int, str] = {}
        self.opened: tuple[str, ...] = ()
        """Libraries that the audit found to be opened, by path."""

    # The source.

    def source(self) -> list[Loads]:
        """What the source's processes and its programs have loaded; actions that fail there are no part of the graph any more."""
        path = str(self.root / "path") if self.graph.library_path else ""
        seen = self._run(self.root, "host", path)
        kept = tuple(
            tuple(action for action, one in zip(actions, process[1:], strict=True) if one.done)
            for actions, process in zip(self.graph.processes, seen, strict=False)
        )
        if kept != self.graph.processes:
            self.graph = replace(self.graph, processes=kept)
            seen = self._run(self.root, "host", path)
        self._found = {number_of(path): path for process in seen for one in process for path in one.loaded}
        return [self._loads(process) for process in seen]

    def _lay_out(self) -> None:
        graph = self.graph
        needs = ("libpython3.so.1.0",) if graph.libpython is not None else ()
        path = (*(["$ORIGIN/../lib"] if needs else []), *graph.executable.path)
        python = self._header(replace(graph.executable, needs=(*graph.executable.needs, *needs), path=path))
        self._write("base/bin/python3", self.kit.executable(EXECUTABLE, python))
        if graph.libpython is not None:
            self._write("base/lib/libpython3.so.1.0", self.kit.library(LIBPYTHON, self._header(graph.libpython)))
        for number, file in enumerate((*graph.libraries, *graph.modules)):
            self._write(file.path, self.kit.library(number, self._header(file.header)))
        for number, file in enumerate(graph.programs):
            self._write(file.path, self.kit.executable(EXECUTABLE + 100 + number, self._header(file.header)))
        for link, target in graph.links:
            (self.root / link).parent.mkdir(parents=True, exist_ok=True)
            (self.root / link).symlink_to(target.format(root=self.root))
        for number, name in enumerate((*NAMES, "libqz.so.9")):
            self._write(f"wild/{name}", self.kit.library(WRONG + number, Header(name)))

    def _header(self, header: Header) -> Header:
        needs = tuple(name.format(root=self.root) for name in header.needs)
        return replace(header, needs=needs, path=tuple(entry.format(root=self.root) for entry in header.path))

    def _write(self, path: str, data: bytes) -> None:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        place.chmod(0o755)

    # The bundle.

    def pack(self) -> LibraryPlan:
        """Plan the bundle and write it, in place of an earlier one."""
        entries = dict(self._entries())
        images = {}
        for path, place in entries.items():
            with open(place, "rb") as file:
                images[path] = read_image(file)
        files = in_loading_order(
            [ElfFile(path, str(entries[path]), images[path]) for path in entries], (".cpython-3.so", ".so")
        )
        by_path = {file.path: file for file in files}
        program = by_path[SCHEME.executable]

        def bundle_path(name: str) -> str | None:
            for folder, inside in _MOUNTS.items():
                top = f"{self.root}/{folder}"
                if name == top or name.startswith(top + "/"):
                    return inside + name[len(top) :]
            return None

        def taken(name: str) -> str | None:
            places = (bundle_path(path) for path in (name, os.path.realpath(name)))
            return next((place for place in places if place in entries), None)

        context = ClosureContext(
            loader=self.kit.rules,
            files=SysrootLibraries(program.image),
            system=SystemLibraries({}, (str(self.kit.host),)),
            bundled_folder=SCHEME.bundled,
            library_path=(str(self.root / "path"),) if self.graph.library_path else (),
            bundle_path=taken,
            included=self.opened,
            package_of=SCHEME.package_of,
        )
        plan = plan_libraries(
            files, program, libpython_of(program, by_path, SCHEME), context, SCHEME, Taken(entries, {}, bundle_path)
        )
        bundled = plan.closure.facts.bundled
        shutil.rmtree(self.root / "bundle", ignore_errors=True)
        for path, place in {**entries, **{library.path: Path(library.source) for library in bundled}}.items():
            data = place.read_bytes()
            change = plan.changes.get(path)
            if change is not None:
                data = edited(data, Edits(rpath=change.rpath, needed=change.needed))
            self._write(f"bundle/{path}", data)
        for alias, target in links_to(bundled).items():
            (self.root / "bundle" / alias).parent.mkdir(parents=True, exist_ok=True)
            (self.root / "bundle" / alias).symlink_to(target)
        return plan

    def _entries(self) -> list[tuple[str, Path]]:
        found = []
        for folder, inside in _MOUNTS.items():
            for place in sorted((self.root / folder).rglob("*")):
                if place.is_file():
                    found.append((f"{inside}/{place.relative_to(self.root / folder)}", place))
        return found

    def bundled(self) -> list[Loads]:
        """What the bundle's processes and programs have loaded, where the source is gone and the wrong libraries are everywhere.

        But for LD_LIBRARY_PATH, where the loader looks into that before all else.
        """
        gone = self.root / "gone"
        gone.mkdir()
        there = [name for name in _FOLDERS if (self.root / name).exists()]
        for name in there:
            (self.root / name).rename(gone / name)
        library_path = str(self.kit.wild) if self.kit.rules.rpath_beats_library_path else ""
        seen = self._run(self.root / "bundle", "wild", library_path)
        loads = [self._loads(process) for process in seen]
        for name in there:
            (gone / name).rename(self.root / name)
        gone.rmdir()
        return loads

    def lacking(self, source: Sequence[Loads], bundle: Sequence[Loads]) -> list[str]:
        """The libraries that only the source has loaded somewhere, by the paths at which it found them."""
        pairs = [pair for processes in zip(source, bundle, strict=False) for pair in zip(*processes, strict=False)]
        numbers = {number for one, other in pairs for number in {*one} - {*other}}
        return [path for number, path in self._found.items() if number in numbers]

    # Both.

    def _run(self, top: Path, on: str, library_path: str) -> list[list[Seen]]:
        where = dict(_MOUNTS) if top != self.root else {folder: folder for folder in _MOUNTS}
        python = top / where["base/bin"] / "python3"

        def place(path: str) -> Path:
            return top / path.replace(SITE, where[SITE])

        def line(action: Action) -> str:
            match action:
                case Import(module):
                    return f"import {module} {place(self.graph.modules[module].path)}"
                case Open(module, name):
                    return f"open {module} {name}"
                case OpenFrom(library, name):
                    return f"from {library} {name}"

        lines = [[line(action) for action in process] for process in self.graph.processes]
        seen = self.kit.run(python, lines, on, library_path)
        for file in self.graph.programs:
            seen += self.kit.run(place(file.path), (), on, library_path)
        return seen

    def _loads(self, process: Sequence[Seen]) -> Loads:
        return tuple(tuple(map(number_of, one.loaded)) if one.done else () for one in process)

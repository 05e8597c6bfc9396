"""What becomes of what traced commands used: it comes along by the rules that there are, or it is told that it stays behind.

Only what Python and programs of the environment used counts, in whatever process: a program of the host has its own on each host.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from bundler.bundle_paths import lies_in
from bundler.entries import Patched, Source
from bundler.environment import Environment
from bundler.machine import os
from bundler.options import ContentOptions, Profile
from bundler.plan.filters import excluded, module_of, void_patterns
from bundler.plan.overlay import Entries
from bundler.plan.recorded_options import Learned
from bundler.systems import System, system_of
from bundler.systems.libraries import LibraryFacts, NotedLibrary, Outcome, is_listed
from bundler.systems.openers import openers
from bundler.tracing.trace import Trace

TRACED = "traced"
"""The priority of a library that no file says it opens, and that a traced command did open."""
_DATA = ("/usr", "/opt", "/lib", "/lib64", "/srv", "/var/lib")
"""Where systems and vendors keep files. What lies elsewhere is what the command works on."""
_TREES = ("/usr/share", "/usr/local/share", "/opt", "/srv", "/var/lib")
"""Where each folder is one program's, with all that is below it."""
_LIBRARY = re.compile(r"\.so(\.[\d.]+)?$")
_SHOWN = 3


class Left(NamedTuple):
    """Files of one folder that were used and stay behind."""

    folder: str
    files: tuple[str, ...]
    """Their paths."""
    openers: tuple[str, ...]
    """File names of libraries into which the path is compiled, as far as that is known."""
    are_modules: bool
    """Whether Python imported them."""

    def line(self) -> str:
        """For a person: what is missing, and what to do."""
        names = [os.path.relpath(file, self.folder) for file in self.files]
        some = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
        if self.are_modules:
            return (
                f"{self.folder}: modules that lie outside of the environment were imported ({some}); install them, or "
                f"--add {self.folder}=DEST"
            )
        what = f"{self.folder}: files were used that stay behind ({some})"
        if self.openers:
            return (
                f"{what}; {', '.join(self.openers)} has the path compiled in: --exclude-lib {self.openers[0]} leaves both to the "
                f"host, --add {self.folder}=DEST takes the files along where a variable can lead to them"
            )
        return f"{what}; --add {self.folder}=DEST takes them along, where what reads them can be told so"


@dataclass(frozen=True, slots=True)
class Traced:
    """What became of what the commands used."""

    commands: tuple[str, ...]
    tracer: str
    """How it was seen."""
    learned: Learned
    """What came along for it."""
    left: tuple[Left, ...] = ()
    excluded: tuple[str, ...] = ()
    """Bundle paths of files that were used, and that the user leaves out."""
    programs: tuple[str, ...] = ()
    """Programs of the host that were executed: their paths."""
    ran: bool = True
    """Whether the environment's Python, or a program of its own, ran at all."""
    opened: frozenset[str] = frozenset()
    """Real paths of the libraries of the host that the environment's programs opened."""

    @property
    def summary(self) -> str:
        """How it was seen, and what came along, in one line."""
        came = [*map(os.path.basename, self.learned.libraries), *self.learned.patterns]
        some = ", ".join(came[:_SHOWN]) + (f" and {len(came) - _SHOWN} more" if len(came) > _SHOWN else "")
        return f"traced with {self.tracer}: {some or 'nothing more'} came along for it"

    @property
    def notes(self) -> list[str]:
        """What came along, each with the reason."""
        return [
            *(
                f"{path} came along: a traced command opens it (--exclude-lib {os.path.basename(name)} leaves it to the host)"
                for name, path in self.learned.libraries.items()
            ),
            *(
                f"{pattern} came along, which the profile leaves out: a traced command uses it"
                for pattern in self.learned.patterns
            ),
        ]

    @property
    def warnings(self) -> list[str]:
        """What the bundle lacks still."""
        return [
            *([] if self.ran else ["the traced commands run nothing of the environment"]),
            *(each.line() for each in self.left),
            *(f"--exclude leaves {path} out, which a traced command used" for path in self.excluded),
            *(
                f"the target must have {os.path.basename(path)}: a traced command executes {path}"
                for path in self.programs
            ),
        ]

    def to_dict(self) -> dict[str, object]:
        """For `json.dumps`."""
        return {
            "commands": list(self.commands),
            "tracer": self.tracer,
            **self.learned.options(),
            "left": [each._asdict() for each in self.left],
            "excluded": list(self.excluded),
            "programs": list(self.programs),
        }


class Usage:
    """What the environment's programs used, by where it lies."""

    def __init__(self, trace: Trace, environment: Environment, entries: Entries, profile: Profile) -> None:
        """`entries` are all that the bundle may hold."""
        self._trace = trace
        self._environment = environment
        self._system: System = system_of(environment.platform.system)
        places: dict[str, list[str]] = {}
        for path, entry in entries.items() if trace.commands else ():
            if isinstance(entry.content, Source):
                places.setdefault(os.path.realpath(entry.content.path), []).append(path)
        self._own = frozenset(ran.program for ran in trace.ran if ran.program in places)
        opened = {path for ran in trace.ran if ran.program in self._own for path in ran.opened}
        self.inside = tuple(sorted(place for path in opened for place in places.get(path, ())))
        """Bundle paths."""
        self.void = void_patterns(self.inside, entries, environment.scheme, profile)
        """Patterns of the profile that do not count, since files were used that they leave out."""
        self.outside = tuple(sorted(path for path in opened if path not in places and not self._is_environments(path)))
        """Real paths of this machine."""

    def libraries(self, hosts: Collection[str], facts: LibraryFacts) -> dict[str, str]:
        """Real paths of libraries that shall come along, by what `--include-lib` takes for them.

        They are those that are found by their names, that none of the others needs, and that nobody leaves to the host
        (`hosts`); what `facts` have comes along already.
        """
        environment, system = self._environment, self._system
        program, preloaded = environment.interpreter.executable, system.preloaded()
        here = {library.source for library in facts.bundled}
        found: dict[str, str] = {}
        needed: set[str] = set()
        for path in filter(self._is_library, self.outside):
            library = system.opened_library(path)
            if library is None or path in preloaded or is_listed(library.soname, hosts):
                continue
            name = system.found_by_name(path, program, environment.library_path)
            if name is not None and not system.belongs_to_host(library.soname):
                needed.update(library.needed)
                found[name] = path
        return {name: path for name, path in found.items() if os.path.basename(name) not in needed and path not in here}

    def told(
        self, whole: Entries, entries: Entries, facts: LibraryFacts, learned: Learned, options: ContentOptions
    ) -> Traced | None:
        """What became of it: of `whole`, all that the bundle may hold, `entries` is what it does. None where nothing was traced."""
        if not self._trace.commands:
            return None
        used = dict.fromkeys(module_of(path) or path for path in self.inside)
        brought = (entry.content for path, entry in entries.items() if path not in whole)
        taken = {os.path.realpath(content.path) for content in brought if isinstance(content, Source | Patched)}
        return Traced(
            self._trace.commands,
            self._trace.tracer,
            learned,
            tuple(self._left(taken, facts, options.exclude_libs)),
            tuple(excluded((path for path in used if path in whole), options.patterns)),
            tuple(self._programs()),
            bool(self._own),
            frozenset(filter(self._is_library, self.outside)),
        )

    def _left(self, taken: Collection[str], facts: LibraryFacts, hosts: Collection[str]) -> Iterator[Left]:
        """What stays behind, by folder; `hosts` are names of libraries that the user leaves to the host."""
        known = {*taken, *self._system.preloaded(), *self._named()}
        folders: dict[tuple[str, bool], list[str]] = {}
        for path in self.outside:
            is_library = self._is_library(path)
            if path in known or self._system.leaves_file_to_host(path):
                continue
            if is_library and (self._system.belongs_to_host(path) or is_listed(os.path.basename(path), hosts)):
                continue
            in_system = any(lies_in(path, place) for place in _DATA)
            is_module = path.endswith((".py", ".pyc", *self._suffixes()))
            if in_system or is_module or is_library:
                folders.setdefault((_folder_of(path), is_module), []).append(path)
        for (folder, are_modules), files in sorted(folders.items()):
            names = () if are_modules else tuple(sorted({name for file in files for name in _openers(file, facts)}))
            yield Left(folder, tuple(files), names, are_modules)

    def _programs(self) -> Iterator[str]:
        """Programs of the host that the environment's execute, by a shell or without."""
        found: dict[str, None] = {}
        for number, ran in enumerate(self._trace.ran):
            starter = self._trace.starter(number, self._system.leaves_program_to_host)
            if starter in self._own and ran.program not in self._own:
                found[ran.program] = None
        yield from (path for path in found if not self._system.leaves_program_to_host(os.path.basename(path)))

    def _is_environments(self, path: str) -> bool:
        """Whether a file is one of those that a bundle has anew (`pyvenv.cfg`), or that belong to Python."""
        interpreter = self._environment.interpreter
        places = (self._environment.root, interpreter.stdlib, interpreter.platstdlib)
        return any(lies_in(path, os.path.realpath(place)) for place in places)

    def _is_library(self, path: str) -> bool:
        """Whether it looks like a shared library, and is no extension module."""
        name = os.path.basename(path)
        return bool(_LIBRARY.search(name)) and not name.endswith(self._suffixes())

    def _suffixes(self) -> tuple[str, ...]:
        """Of extension modules, but for the one that a library may have as well."""
        return tuple(suffix for suffix in self._environment.interpreter.extension_suffixes if suffix.count(".") > 1)

    def _named(self) -> set[str]:
        """What the commands themselves name: the script that shall be run is no secret to the user."""
        return {os.path.realpath(word) for command in self._trace.commands for word in shlex.split(command)}


def with_opened(facts: LibraryFacts, libraries: Mapping[str, str], executable: str) -> LibraryFacts:
    """The facts, with libraries that came along for a trace among those that were opened: nobody notes who did."""
    places = {library.source: library.path for library in facts.bundled}
    noted = (
        NotedLibrary(executable, (os.path.basename(name),), TRACED, "", Outcome.BUNDLED, places[path])
        for name, path in libraries.items()
        if path in places
    )
    return replace(facts, noted=(*facts.noted, *noted))


def _openers(path: str, facts: LibraryFacts) -> Iterator[str]:
    return (os.path.basename(library.path) for library in openers(path, facts))


def _folder_of(path: str) -> str:
    """The folder that a file is told by: its program's, where it has one; else the one that it lies in."""
    folder = os.path.dirname(path)
    if os.path.basename(folder) == "__pycache__":
        folder = os.path.dirname(folder)
    for place in _TREES:
        first = folder[len(place) + 1 :].partition("/")[0]
        if lies_in(folder, place) and first:
            return f"{place}/{first}"
    return folder

"""The searches of the source's loader: the files that its processes begin with, and what each search in each state finds.

Four searches are not for a NEEDED alone. What libc opens by itself (`ClosureContext.opened_by_libc`) is looked for as libc
would. A library that comes along because a process opened it (`included`) is looked for from every file that calls `dlopen`:
nobody knows which did. What a file says that it opens (`.note.dlopen`) is looked for as its own `dlopen` would, unless it is no
more than suggested. And a program of a package finds what lies in the package before what the machine has: a script of the
package sets LD_LIBRARY_PATH for it, and what comes out shall not depend on the packing machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from bundler.binaries.elf import Image, read_image
from bundler.binaries.elf.dlopen_notes import DlopenEntry, Priority, dlopen_entries
from bundler.bundle_paths import lies_in
from bundler.errors import BinaryFormatError
from bundler.files import opened
from bundler.machine import os
from bundler.machine.failing import unless_failing
from bundler.systems.libraries import is_listed
from bundler.systems.linux.chains import Chains, Process, Start, State, Step, follow
from bundler.systems.linux.companions import opened_by_name
from bundler.systems.linux.elf_files import ElfFile, names_symbol
from bundler.systems.linux.loader import NOBODY, Around, Found, LoadedObject, Loader, LoaderView, SystemLibraries, Via
from bundler.systems.linux.policy import UNWINDING, stays_on_host

# What leads to a library that every requester finds. A script of a package, which sets LD_LIBRARY_PATH, comes before it.
SEEN_BY_ALL = (Via.LIBRARY_PATH, Via.CACHE, Via.DEFAULT)
_LIBC = LoadedObject("/lib/libc.so.6")


@dataclass(frozen=True, slots=True)
class ClosureContext:
    """What the closure asks about the machine and the plan."""

    loader: Loader
    files: LoaderView
    system: SystemLibraries
    bundled_folder: str
    """The bundle path of the folder for libraries of the host."""
    library_path: tuple[str, ...]
    """LD_LIBRARY_PATH of the environment, split."""
    bundle_path: Callable[[str], str | None]
    """The bundle path at which a file, named as the loader names it, is taken along already, or None."""
    excluded: frozenset[str] = frozenset()
    """Names that the user leaves to the host."""
    included: tuple[str, ...] = ()
    """Names or paths of what comes along although nothing asks for it, or although it is the host's."""
    real_path: Callable[[str], str] = os.path.realpath
    """From a file's name to its path on this machine, all links followed."""
    opened_by_libc: tuple[str, ...] = ()
    """Names that libc opens by itself in processes with threads."""
    package_of: Callable[[str], str | None] = lambda _: None
    """The bundle path of the top folder of the package that a file belongs to, by bundle path; None for one of no package."""
    follows_notes: bool = True
    """Whether what files say that they open at run time is looked for; in a finished bundle that is settled."""
    systems: Mapping[str, SystemLibraries] = field(default_factory=dict)
    """How programs find libraries that have another loader than the interpreter's, by bundle path."""


class Searches:
    """The source's files by key: the bundle path of what is taken along already, else the real path on this machine."""

    def __init__(self, binaries: Iterable[ElfFile], executable: ElfFile, context: ClosureContext) -> None:
        self._context = context
        self._executable = executable
        self._roots = {binary.path: binary for binary in binaries}
        self.executable = executable.path
        self.images: dict[str, Image] = {path: binary.image for path, binary in self._roots.items()}
        self.left_to_host: dict[str, None] = {}
        """Names of libraries that are needed and stay with the host."""
        self._forced = frozenset(os.path.basename(name) for name in context.included)
        self._python = self._process(executable, Start.PYTHON)
        self._steps: dict[tuple[str, State], Step] = {}
        self._keys: dict[str, str | None] = {}
        self._passed_on: dict[tuple[str, str], tuple[str, ...]] = {}
        self._loaded: dict[tuple[str, str], LoadedObject] = {}
        self._symbols: dict[tuple[str, tuple[bytes, ...]], bool] = {}
        self._noted: dict[str, dict[str, tuple[str, ...]]] = {}
        self._own: dict[tuple[str, str], list[str]] = {}
        self._own_loader: str | None = None
        """The key of a loader that comes along, and that is libc itself."""
        for path in self._roots:
            if (package := context.package_of(path)) is not None:
                self._own.setdefault((package, os.path.basename(path)), []).append(path)
        self.included: list[tuple[str, str, str]] = []
        """What comes along though nothing asks for it: its name, its key, and the path by which it is named."""
        self._included_at: dict[str, str] = {}
        self._may_be_opened: dict[str, None] = {}
        for wanted in context.included:
            self._include(wanted)

    def follow(self) -> Chains:
        """Every search, by state."""
        return follow(self._starts(), self)

    # What the closure asks.

    def is_taken(self, file: str) -> bool:
        """Whether a key is of a file that the bundle holds anyway."""
        return file in self._roots

    def paths_in(self, folder: str) -> list[str]:
        """The bundle paths of what the bundle holds anyway in a folder, and below it."""
        return [path for path in self._roots if lies_in(path, folder)]

    def inside(self, path: str) -> str | None:
        """The bundle path of what the bundle holds anyway, by the path at which the loader found it."""
        return self._context.bundle_path(path)

    def is_hosts(self, name: str) -> bool:
        """Whether a library of this name stays on the host."""
        short = os.path.basename(name)
        return is_listed(short, self._context.excluded) or (
            stays_on_host(short) is not None and short not in self._forced
        )

    def soname(self, file: str) -> str | None:
        """The name that a file has for itself."""
        return self.images[file].soname

    def is_implied(self, name: str, state: State) -> bool:
        """Whether only libc asks for it."""
        return name not in self.images[state.file].needed

    def needed(self, state: State) -> tuple[str, ...]:
        """What a file needs, with what libc opens by itself, but without what it may open."""
        needed = self.images[state.file].needed
        if state.file != state.process.program or not self._has_threads(state.file):
            return needed
        return (*needed, *(name for name in self._context.opened_by_libc if name not in needed))

    def entries(self, file: str) -> tuple[DlopenEntry, ...]:
        """What a file says that it opens at run time."""
        if not self._context.follows_notes:
            return ()
        own = dlopen_entries(self.images[file])
        if file in self._roots and not self._roots[file].brought:
            return own
        names = opened_by_name(os.path.basename(file))
        return (*own, *(DlopenEntry((name,), Priority.RECOMMENDED, "") for name in names))

    def noted(self, file: str) -> Mapping[str, tuple[str, ...]]:
        """The names that a file opens and should find, each with those that it tries before."""
        known = self._noted.get(file)
        if known is None:
            known = self._noted[file] = {}
            for entry in self.entries(file):
                if entry.priority is not Priority.SUGGESTED:
                    for number, name in enumerate(entry.sonames):
                        known.setdefault(name, entry.sonames[:number])
        return known

    def find(self, name: str, state: State) -> str | None:
        """The key of the library that a file finds when it opens a name; None for none."""
        return self._step(self._resolve_opened(name, state)).file

    def names_of_roots(self) -> dict[str, str]:
        """Bundle paths of files by their own names: what such a name means where no search finds it."""
        names: dict[str, str] = {}
        for path, binary in self._roots.items():
            for name in (os.path.basename(path), binary.image.soname or ""):
                names.setdefault(name, path)
        return names

    # What `follow` asks: see `chains.Searcher`.

    def names(self, state: State) -> Iterator[str]:
        """What it needs, and says that it opens; and what came along because it was opened, for a file that may have opened it."""
        needed = {**dict.fromkeys(self.needed(state)), **self.noted(state.file)}
        yield from needed
        if self._may_be_opened and self._opens_libraries(state.file):
            yield from (name for name in self._may_be_opened if name not in needed)

    def look(self, name: str, state: State) -> Step:
        """The search of the source's loader, or that of libc, or of a script of the package."""
        known = self._steps.get((name, state))
        if known is None:
            known = self._steps[name, state] = self._look(name, state)
        return known

    def _look(self, name: str, state: State) -> Step:
        requester = self._object(state)
        if name not in self.needed(state):
            if name in self.noted(state.file):
                return self._look_for_noted(name, state)
            step = self._step(self._resolve_opened(name, state))
            return step._replace(opened=True) if step.file in self._included_at else Step(None)
        if self._is_own_loader(name):
            return Step(None, self._own_loader)
        if self.is_hosts(name):
            self.left_to_host[os.path.basename(name)] = None
            return Step(None)
        if self.is_implied(name, state):
            around = state.around._replace(inherited=(*self.passed_on(state), *state.inherited))
            return self._step(self._resolve(name, _LIBC, around, state))._replace(opened=True)
        found = self._resolve(name, requester, state.around, state)
        if state.process.start is Start.PROGRAM and (found is None or found.via in SEEN_BY_ALL):
            found = self._of_package(name, state.process.program, found)
        return self._step(found)

    def _look_for_noted(self, name: str, state: State) -> Step:
        """The search of `dlopen`; none where the file takes another one of the entry's libraries, or one of the host's."""
        if self.is_hosts(name):
            self.left_to_host[name] = None
            return Step(None)
        for other in self.noted(state.file)[name]:
            if self.is_hosts(other) or self.find(other, state) is not None:
                return Step(None)
        return self._step(self._resolve_opened(name, state))._replace(opened=True)

    def opened(self, file: str, found: Found) -> State | None:
        """What everybody finds by its name, anybody may open."""
        if found.via not in SEEN_BY_ALL or file in self._roots:
            return None
        return State(file, found.path, self._python.passed_on, self._python)

    def answers_to(self, file: str) -> str | None:
        """By its headers, where the loader heeds them."""
        return self.images[file].soname if self._context.loader.answers_to_soname else None

    def passed_on(self, state: State) -> tuple[str, ...]:
        """By the loader's rules."""
        known = self._passed_on.get((state.file, state.found))
        if known is None:
            context = self._context
            known = context.loader.passed_on(self._object(state), context.files, context.system)
            self._passed_on[state.file, state.found] = known
        return known

    def asks_around(self, state: State) -> bool:
        """By the loader's rules."""
        return self._context.loader.asks_around(self._object(state))

    def holds(self, directory: str, name: str) -> bool:
        """By the source's files."""
        return "/" not in name and self._context.files.is_library(f"{directory}/{name}")

    # How it is done.

    def _starts(self) -> Iterator[State]:
        """What the processes begin with: those that Python opens first, what came along because it was opened last."""
        python = self._python
        for binary in self._roots.values():
            if binary.is_program and binary.path != self.executable:
                yield State(binary.path, binary.source, (), self._process(binary, Start.PROGRAM))
                continue
            process = python._replace(start=Start.OPENED) if binary.brought else python
            yield State(
                binary.path, binary.source, process.passed_on if binary.path != self.executable else (), process
            )
        for file, path in self._included_at.items():
            yield State(file, path, python.passed_on, python)

    def _process(self, program: ElfFile, start: Start) -> Process:
        context = self._context
        loaded = LoadedObject.from_image(program.source, program.image)
        return Process(
            start,
            program.path,
            context.loader.passed_on(loaded, context.files, context.system),
            context.loader.directories(context.library_path, loaded, context.files, context.system),
        )

    def _include(self, wanted: str) -> None:
        """Note a library to take along by name or path. Raises LookupError where there is none."""
        context = self._context
        if "/" in wanted:
            found = Found(wanted, Via.PATH) if context.files.is_library(wanted) else None
        else:
            found = context.loader.resolve(wanted, NOBODY, Around(), context.files, context.system)
        file = self._step(found).file
        if file is None or found is None:
            raise LookupError(wanted)
        path = found.path
        self.included.append((os.path.basename(wanted), file, path))
        self._included_at.setdefault(file, path)
        if context.loader.answers_to(os.path.basename(wanted)):
            self._own_loader = file
            return
        for name in (os.path.basename(path), self.images[file].soname):
            if name is not None and "/" not in name:
                self._may_be_opened[name] = None

    def _resolve(self, name: str, requester: LoadedObject, around: Around, state: State) -> Found | None:
        context = self._context
        system = context.systems.get(state.process.program, context.system)
        return context.loader.resolve(name, requester, around, context.files, system)

    def _resolve_opened(self, name: str, state: State) -> Found | None:
        """The search of `dlopen`."""
        if self._context.loader.dlopen_asks_caller:
            return self._resolve(name, self._object(state), state.around, state)
        return self._resolve(name, NOBODY, state.around._replace(inherited=state.process.passed_on), state)

    def _is_own_loader(self, name: str) -> bool:
        """Whether a name means the loader, and that comes along."""
        return self._own_loader is not None and self._context.loader.answers_to(os.path.basename(name))

    def _object(self, state: State) -> LoadedObject:
        known = self._loaded.get((state.file, state.found))
        if known is None:
            known = self._loaded[state.file, state.found] = LoadedObject.from_image(
                state.found, self.images[state.file]
            )
        return known

    def _step(self, found: Found | None) -> Step:
        """The file that was found, its headers read; one that is damaged is not found."""
        if found is None:
            return Step(None)
        if found.path not in self._keys:
            self._keys[found.path] = self._key(found.path)
        file = self._keys[found.path]
        return Step(None) if file is None else Step(found, file)

    def _key(self, path: str) -> str | None:
        context = self._context
        real = context.real_path(path)
        for name in (path, real):
            inside = context.bundle_path(name)
            if inside in self._roots:
                return inside
        if real not in self.images:
            try:
                with opened(real) as file:
                    self.images[real] = read_image(file)
            except (OSError, BinaryFormatError) as error:
                unless_failing(error, real)
                return None
        return real

    def _of_package(self, name: str, program: str, found: Found | None) -> Found | None:
        """The library of a program's own package; where it has several, its script says which: that is not known."""
        package = self._context.package_of(program)
        own = self._own.get((package, name), ()) if package is not None else ()
        if len(own) == 1:
            return Found(self._roots[own[0]].source, Via.LIBRARY_PATH)
        return None if own else found

    def _opens_libraries(self, file: str) -> bool:
        return self._names_symbol(file, (b"dlopen", b"dlmopen"))

    def _has_threads(self, program: str) -> bool:
        """Whether libc may open what it needs to unwind a stack: always in Python."""
        return program == self.executable or self._names_symbol(program, UNWINDING)

    def _names_symbol(self, file: str, symbols: tuple[bytes, ...]) -> bool:
        known = self._symbols.get((file, symbols))
        if known is None:
            root = self._roots.get(file)
            path = file if root is None else self._context.real_path(root.source)
            known = self._symbols[file, symbols] = names_symbol(path, self.images[file], symbols)
        return known

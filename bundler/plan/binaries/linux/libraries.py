"""Which libraries come along, and what that changes in each file: what is decided about ELF files, without the rest of the plan.

Flow: `find_closure` plays the source's loader; what it finds gets its place; `SearchPaths` plays the bundle's loader in step and
says which files need a search path. Nothing is read but headers, nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bundler.binaries.elf import Image, version_needs
from bundler.binaries.elf.dlopen_notes import Priority
from bundler.bundle_paths import directories_of, relative
from bundler.files import opened
from bundler.machine import os
from bundler.plan.binaries.linux.lockstep import Misplaced, PlannedView
from bundler.plan.binaries.linux.own_libc import OwnLibc
from bundler.plan.binaries.linux.search_paths import PlannedBundle, SearchPathChange, SearchPaths
from bundler.scheme import BundleScheme
from bundler.systems.libraries import BundledLibrary, Clash, NotedLibrary, Outcome
from bundler.systems.linux.closure import Closure, ClosureContext, ElfFile, find_closure


@dataclass(frozen=True, slots=True)
class Taken:
    """What the bundle holds anyway."""

    paths: Iterable[str]
    """Bundle paths of everything."""
    links: Mapping[str, str]
    """The targets of links, as written, by bundle path."""
    bundle_path: Callable[[str], str | None]
    """The bundle path of a place as the source's loader names it, whether anything is there or not; None for one outside."""


@dataclass(frozen=True, slots=True)
class LibraryPlan:
    """The closure, every ELF file of the bundle, the changes that some of them need, and what a change cannot mend."""

    closure: Closure
    files: tuple[ElfFile, ...]
    changes: Mapping[str, SearchPathChange]
    misplaced: tuple[Misplaced, ...]

    @property
    def warnings(self) -> list[str]:
        """What the bundle may do in another way than the source, or the source in more than one."""
        return [
            *map(_contradiction, self.misplaced),
            *map(_clash, self.closure.clashes),
            *_missing(self.closure.facts.noted),
        ]


def plan_libraries(
    files: Sequence[ElfFile],
    program: ElfFile,
    libpython: ElfFile | None,
    context: ClosureContext,
    scheme: BundleScheme,
    taken: Taken,
    own_libc: OwnLibc | None = None,
) -> LibraryPlan:
    """The plan for `files`, which include the interpreter and libpython, in the order in which Python asks for them.

    `own_libc` is what the bundle brings of libc.

    Raises LookupError for what shall come along and is no library.
    """
    closure = find_closure(files, program, context)
    bundled = closure.facts.bundled
    found = {closure.paths[state.file]: state.found for state in reversed(list(closure.chains.steps))}
    everything = (*files, *(ElfFile(item.path, found[item.path], closure.images[item.path]) for item in bundled))
    paths = SearchPaths(
        everything,
        closure,
        PlannedBundle(
            scheme=scheme,
            libpython=libpython.path if libpython else None,
            view=PlannedView((file.path for file in everything), {**taken.links, **links_to(bundled)}, context.files),
            bundle_path=taken.bundle_path,
            directories=directories_of(taken.paths) | directories_of(file.path for file in everything),
            versioned=lambda file: _versioned(context.real_path(file.source), file.image),
            own_libc=own_libc,
        ),
        context.loader,
        context.system,
    )
    changes, misplaced = paths.plan()
    return LibraryPlan(closure, everything, changes, tuple(misplaced))


def _versioned(path: str, image: Image) -> set[str]:
    """The names of the libraries of which a file on this machine needs versions."""
    with opened(path) as file:
        return {need.library for need in version_needs(file, image)}


def links_to(libraries: Iterable[BundledLibrary]) -> dict[str, str]:
    """The targets of the links by which libraries of the host have their further names, by the links' bundle paths."""
    return {alias: relative(library.path, os.path.dirname(alias)) for library in libraries for alias in library.aliases}


def _contradiction(item: Misplaced) -> str:
    """What a search path cannot mend: one file, asked for one name, finds another library for each that brings it."""
    found = f"{item.found} instead" if item.found is not None else "nothing"
    return (
        f"{item.file} finds {item.right} in the source for some of those that bring it, asking for "
        f"{os.path.basename(item.name)}; in the bundle it finds {found}"
    )


def _missing(noted: Iterable[NotedLibrary]) -> Iterable[str]:
    """What files say that they do not work without."""
    for each in noted:
        if each.outcome is Outcome.MISSING and each.priority == Priority.REQUIRED.value:
            yield f"{each.path} opens {' or '.join(each.sonames)} and does not work without; it is found nowhere"


def _clash(clash: Clash) -> str:
    """One name for two files."""
    one, other = (os.path.basename(os.path.dirname(path)) for path in (clash.first, clash.second))
    return (
        f"{clash.name} means two different libraries, {one}/… and {other}/…; both come along, and a process that loads "
        "both gets the first"
    )

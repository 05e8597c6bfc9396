"""What planning the binaries of a bundle gives, whatever their format."""

from __future__ import annotations

from dataclasses import dataclass

from bundler.ceiling import NO_CEILING, Ceiling
from bundler.entries import Entry, Layer
from bundler.environment import Environment, Interpreter
from bundler.floor import Floor
from bundler.machine import os
from bundler.plan.bases.parts import base_origin
from bundler.plan.collect import source_of
from bundler.prefixes import is_public
from bundler.systems.libraries import BundledLibrary, LibraryFacts


@dataclass(frozen=True, slots=True)
class PlannedBinaries:
    """Entries to put over the plan's, and the facts for the report."""

    entries: tuple[Entry, ...]
    libraries: LibraryFacts
    libpython: str | None
    """The bundle path of the library that holds Python; None where the interpreter's own file does."""
    floor: Floor | None
    warnings: tuple[str, ...]
    ceiling: Ceiling = NO_CEILING
    notes: tuple[str, ...] = ()
    """What a person may want to know."""
    removed: frozenset[str] = frozenset()
    """Bundle paths of what the source brings and the bundle shall not have."""


def bundled_entry(library: BundledLibrary, environment: Environment) -> Entry:
    """The entry for a library that comes from the host: everybody may read it."""
    found = os.stat(library.source)
    mode = (found.st_mode & 0o777) | 0o444
    content = source_of(library.source, found, environment.read_at)
    origin = library_origin(library, environment.interpreter)
    return Entry(library.path, content, mode, found.st_mtime_ns, Layer.RUNTIME, origin)


def library_origin(library: BundledLibrary, interpreter: Interpreter) -> str:
    """Where a library came from; below a user's own folders only the name is told."""
    origin = base_origin(interpreter, library.source)
    if origin.startswith("host:") and not is_public(interpreter.sysroot.name_of(library.source)):
        return "host:" + os.path.basename(library.source)
    return origin

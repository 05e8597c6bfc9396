"""What planning the binaries of a bundle gives, whatever their format."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bundler.entries import Entry, Layer
from bundler.environment import Interpreter
from bundler.plan.base_mounts import base_origin
from bundler.plan.collect import source_of
from bundler.systems.linux.closure import BundledLibrary, Closure
from bundler.systems.linux.floor import Floor

if TYPE_CHECKING:
    from bundler.systems.macos.closure import BundledDylib, DylibClosure


@dataclass(frozen=True, slots=True)
class Binaries:
    """Entries to put over the plan's, and the facts for the report."""

    entries: tuple[Entry, ...]
    closure: Closure | DylibClosure
    floor: Floor | None
    warnings: tuple[str, ...]


def bundled_entry(library: BundledLibrary | BundledDylib, interpreter: Interpreter) -> Entry:
    """The entry for a library that comes from the host: everybody may read it."""
    found = os.stat(library.source)
    mode = (found.st_mode & 0o777) | 0o444
    content = source_of(library.source, found, time.time_ns())
    return Entry(library.path, content, mode, found.st_mtime_ns, Layer.RUNTIME, library_origin(library, interpreter))


def library_origin(library: BundledLibrary | BundledDylib, interpreter: Interpreter) -> str:
    """Where a library came from; below a user's own folders only the name is told."""
    origin = base_origin(interpreter, library.source)
    name = interpreter.sysroot.name_of(library.source)
    if origin.startswith("host:") and not name.startswith(("/usr/", "/lib", "/opt/")):
        return "host:" + os.path.basename(library.source)
    return origin

"""What a bundle has so that Python's search for its own parts ends inside of it (docs/design.md, "What Python looks for above")."""

from __future__ import annotations

from collections.abc import Iterator

from bundler.entries import Directory, Entry, Layer, Literal
from bundler.environment import Environment
from bundler.landmarks import zip_comes_first
from bundler.machine import os
from bundler.plan.origins import BUNDLER
from bundler.plan.overlay import Entries
from bundler.systems import system_of

ZIP_REASON = "ends the search for a standard library, which would go on in the folders above the bundle"


def landmark_entries(environment: Environment, entries: Entries) -> Iterator[Entry]:
    """The landmarks that `entries` lack. Their time is that of the interpreter.

    The zip is an empty file: Python asks only whether it is there, and then treats it like one that is not. A zip without
    members would be opened, and asked for every module.
    """
    scheme, interpreter = environment.scheme, environment.interpreter
    if not system_of(environment.platform.system).searches_above:
        return
    time = os.stat(interpreter.executable).st_mtime_ns
    if scheme.dynload not in entries:  # of a build without shared modules, or left out
        yield Entry(scheme.dynload, Directory(), 0o755, time, Layer.RUNTIME, BUNDLER)
    if zip_comes_first(interpreter.version) and scheme.stdlib_zip not in entries:
        yield Entry(scheme.stdlib_zip, Literal(b""), 0o644, time, Layer.RUNTIME, BUNDLER, ZIP_REASON)

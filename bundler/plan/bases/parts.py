"""A part of a base: where it lies, where it goes, and what it is called in `bundle.json`."""

from __future__ import annotations

from bundler.entries import Layer
from bundler.environment import Interpreter
from bundler.plan.mounts import Mount
from bundler.plan.origins import BASE, HOST


def runtime(interpreter: Interpreter, source: str, path: str, skip: frozenset[str] = frozenset()) -> Mount:
    """The mount of something of the base at `source`; `skip` are paths below it that stay out."""
    return Mount(source, path, base_origin(interpreter, source), Layer.RUNTIME, skip)


def base_origin(interpreter: Interpreter, source: str) -> str:
    """`base:` and the path below the base's prefix; `host:` and the name in the sysroot for what lies elsewhere."""
    prefix = interpreter.base_prefix.rstrip("/") + "/"
    return BASE + source[len(prefix) :] if source.startswith(prefix) else HOST + interpreter.sysroot.name_of(source)

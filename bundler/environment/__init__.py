"""What is there: an environment read into typed facts, by one run of its interpreter or from files alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

from bundler.environment.discovery import Place, find_environment
from bundler.environment.distributions import find_distributions
from bundler.environment.facts import Distribution, Environment, EnvironmentKind, Interpreter
from bundler.environment.probe import probe
from bundler.errors import NotAnEnvironment, UnsupportedEnvironment
from bundler.platforms import runs_here
from bundler.sysroot import Sysroot
from bundler.systems import System, system_of
from bundler.systems.prefixes import is_system_prefix

__all__ = [
    "Distribution",
    "Environment",
    "EnvironmentKind",
    "Interpreter",
    "Place",
    "find_environment",
    "load_environment",
]


def load_environment(
    path: str, root: str = "/", *, run: bool = True, meanwhile: Callable[[], object] = lambda: None
) -> Environment:
    """The environment at `path`: found and read.

    `root` is the directory that the environment sees as `/`; in another than this machine's own, `path` may be a name as seen
    from inside (see `find_environment`). The interpreter is run for its facts where it lives in this machine's own root and
    is built for this machine; else, or without `run`, they are read from files. `meanwhile` is called while it runs.

    Raises the errors of `find_environment`, `probe` and `read_interpreter`, and UnsupportedEnvironment where the interpreter
    that answers belongs to another place than the folder.
    """
    sysroot = Sysroot(os.path.realpath(root))
    if not os.path.isdir(sysroot.path):
        raise NotAnEnvironment(f"{root} is not a folder", "--root names the directory that the environment sees as /")
    place = find_environment(path, sysroot)
    probed = run and sysroot.is_host and runs_here(place.platform)
    if probed:
        found = probe(place.python, meanwhile)
    else:
        from bundler.environment.from_files import read_interpreter

        found = read_interpreter(place)
    system = system_of(place.platform.system)
    interpreter = _without_stub(found, system)
    if place.kind is EnvironmentKind.INSTALLATION:
        _check_standalone(place, interpreter)
    site_packages = _site_packages(place, interpreter)
    return Environment(
        root=place.root,
        kind=place.kind,
        interpreter=interpreter,
        python=place.python,
        config=place.config,
        site_packages=site_packages,
        distributions=find_distributions(site_packages),
        platform=place.platform,
        scheme=system.scheme(interpreter),
        probed=probed,
    )


def _without_stub(interpreter: Interpreter, system: System) -> Interpreter:
    """The facts with the interpreter itself in place of a program that only starts it."""
    root = interpreter.sysroot
    for program in system.interpreter_programs(interpreter.base_prefix, interpreter.framework):
        if root.is_file(program):
            return replace(interpreter, executable=root.real(program))
    return interpreter


def _check_standalone(place: Place, interpreter: Interpreter) -> None:
    """An installation must answer with its own prefix: a stock CPython that lost its stdlib falls back silently."""
    root = place.sysroot
    base = root.name_of(interpreter.base_prefix)
    if interpreter.base_prefix == root.real(place.root):
        return
    if os.path.islink(place.python) and not is_system_prefix(base):
        raise NotAnEnvironment(
            f"{place.root} has no pyvenv.cfg, and its bin/python belongs to {base}",
            f"pack {base}, or restore pyvenv.cfg",
        )
    raise UnsupportedEnvironment(
        f"{place.python} runs on the standard library of {base}, not on its own",
        "the folder does not hold a whole Python installation",
    )


def _site_packages(place: Place, interpreter: Interpreter) -> tuple[str, ...]:
    """The package folders that exist, links followed: `lib` and, where the base uses it, `lib64`."""
    folders = [
        place.sysroot.real(os.path.join(place.root, lib, interpreter.python_name, "site-packages"))
        for lib in dict.fromkeys(("lib", interpreter.platlibdir))
    ]
    return tuple(dict.fromkeys(folder for folder in folders if os.path.isdir(folder)))

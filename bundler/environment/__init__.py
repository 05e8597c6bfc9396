"""What is there: an environment read into typed facts, by one run of its interpreter or from files alone."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace

from bundler.environment.claims import Claim, Release, check_claims, claims_of_config, claims_of_folders
from bundler.environment.discovery import LocatedEnvironment, find_environment
from bundler.environment.distributions import find_distributions
from bundler.environment.facts import Distribution, Environment, EnvironmentKind, Interpreter
from bundler.environment.probe import probe
from bundler.errors import NotAnEnvironment, UnsupportedEnvironment
from bundler.machine import os
from bundler.machine.failing import is_dir
from bundler.platforms import runs_here
from bundler.prefixes import is_system_prefix
from bundler.scheme import BundleScheme
from bundler.sysroot import Sysroot
from bundler.systems import System, root_of, system_of

__all__ = [
    "Distribution",
    "Environment",
    "EnvironmentKind",
    "Interpreter",
    "LocatedEnvironment",
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

    Raises the errors of `find_environment`, `probe` and `read_interpreter`, UnsupportedEnvironment where the interpreter
    that answers belongs to another place than the folder, and ContradictoryEnvironment where it is of another release than the
    environment says.
    """
    read_at = time.time_ns()
    sysroot = root_of(root)
    if not is_dir(sysroot.path):
        raise NotAnEnvironment(f"{root} is not a folder", "--root names the directory that the environment sees as /")
    located = find_environment(path, sysroot)
    probed = run and sysroot.is_host and runs_here(located.platform)
    if probed:
        found = probe(located.python, meanwhile)
    else:
        from bundler.environment.from_files import read_interpreter

        found = read_interpreter(located)
    _check_release(located, found)
    system = system_of(located.platform.system)
    interpreter = _without_stub(found, system)
    scheme = system.scheme(interpreter)
    if located.kind is EnvironmentKind.INSTALLATION:
        _check_standalone(located, interpreter)
    site_packages = _site_packages(located, scheme)
    return Environment(
        root=located.root,
        kind=located.kind,
        interpreter=interpreter,
        python=located.python,
        config=located.config,
        site_packages=site_packages,
        distributions=find_distributions(site_packages, located.sysroot),
        platform=located.platform,
        scheme=scheme,
        probed=probed,
        library_path=_library_path(sysroot),
        read_at=read_at,
    )


def _check_release(located: LocatedEnvironment, found: Interpreter) -> None:
    """What the environment says of its Python must be so, whoever told what it is. Raises ContradictoryEnvironment."""
    told = Claim(
        Release(found.version_info.minor, found.abi_thread == "t"),
        f"{located.python} is Python {found.version} of {found.sysroot.name_of(found.base_prefix)}",
    )
    is_venv = located.kind is EnvironmentKind.VENV
    check_claims(
        [*claims_of_config(located.root, located.config), told],
        claims_of_folders(located.root, located.sysroot) if is_venv else (),
    )


def _library_path(sysroot: Sysroot) -> tuple[str, ...]:
    """LD_LIBRARY_PATH, split: this machine's programs run with it, those of another root do not.

    A relative folder counts from where the user is, who runs the environment from there.
    """
    text = os.environ.get("LD_LIBRARY_PATH", "") if sysroot.is_host else ""
    return tuple(os.path.abspath(part) for part in re.split("[:;]", text) if part)


def _without_stub(interpreter: Interpreter, system: System) -> Interpreter:
    """The facts with the interpreter itself in place of a program that only starts it."""
    root = interpreter.sysroot
    for program in system.interpreter_programs(interpreter.base_prefix, interpreter.framework):
        if root.is_file(program):
            return replace(interpreter, executable=root.real(program))
    return interpreter


def _check_standalone(located: LocatedEnvironment, interpreter: Interpreter) -> None:
    """An installation must answer with its own prefix: a stock CPython that lost its stdlib falls back silently."""
    root = located.sysroot
    base = root.name_of(interpreter.base_prefix)
    if interpreter.base_prefix == root.real(located.root):
        return
    if os.path.islink(located.python) and not is_system_prefix(base):
        raise NotAnEnvironment(
            f"{located.root} has no pyvenv.cfg, and its bin/python belongs to {base}",
            f"pack {base}, or restore pyvenv.cfg",
        )
    raise UnsupportedEnvironment(
        f"{located.python} runs on the standard library of {base}, not on its own",
        "the folder does not hold a whole Python installation",
    )


def _site_packages(located: LocatedEnvironment, scheme: BundleScheme) -> tuple[str, ...]:
    """The package folders that exist, links followed: the one of `pip install` and, where it is another, that of the platform.

    An environment has the layout of the bundle that is made of it.
    """
    name = os.path.basename(scheme.site_packages)
    places = dict.fromkeys((scheme.site_packages, f"{scheme.stdlib}/{name}"))
    folders = (located.sysroot.real(os.path.join(located.root, place)) for place in places)
    return tuple(dict.fromkeys(folder for folder in folders if is_dir(folder)))

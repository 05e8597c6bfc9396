"""What is there: an environment read into typed facts, by one run of its interpreter and a look at its files."""

from __future__ import annotations

import os

from bundler.environment.discovery import SYSTEM_PREFIXES, Place, find_environment
from bundler.environment.distributions import find_distributions
from bundler.environment.facts import Distribution, Environment, EnvironmentKind, Interpreter
from bundler.environment.probe import probe
from bundler.errors import NotAnEnvironment, UnsupportedEnvironment

__all__ = [
    "Distribution",
    "Environment",
    "EnvironmentKind",
    "Interpreter",
    "Place",
    "find_environment",
    "load_environment",
]


def load_environment(path: str) -> Environment:
    """The environment at `path`: found, probed and read.

    Raises the errors of `find_environment` and `probe`, and UnsupportedEnvironment where the interpreter that
    answers belongs to another place than the folder.
    """
    place = find_environment(path)
    interpreter = probe(place.python)
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
    )


def _check_standalone(place: Place, interpreter: Interpreter) -> None:
    """An installation must answer with its own prefix: a stock CPython that lost its stdlib falls back silently."""
    if interpreter.base_prefix == os.path.realpath(place.root):
        return
    if os.path.islink(place.python) and interpreter.base_prefix not in SYSTEM_PREFIXES:
        raise NotAnEnvironment(
            f"{place.root} has no pyvenv.cfg, and its bin/python belongs to {interpreter.base_prefix}",
            f"pack {interpreter.base_prefix}, or restore pyvenv.cfg",
        )
    raise UnsupportedEnvironment(
        f"{place.python} runs on the standard library of {interpreter.base_prefix}, not on its own",
        "the folder does not hold a whole Python installation",
    )


def _site_packages(place: Place, interpreter: Interpreter) -> tuple[str, ...]:
    """The package folders that exist, links followed: `lib` and, where the base uses it, `lib64`."""
    folders = [
        os.path.realpath(os.path.join(place.root, lib, interpreter.python_name, "site-packages"))
        for lib in dict.fromkeys(("lib", interpreter.platlibdir))
    ]
    return tuple(dict.fromkeys(folder for folder in folders if os.path.isdir(folder)))

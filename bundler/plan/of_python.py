"""Which files of an installation that stands by itself are Python's own: the profile leaves out of these, as of a base's."""

from __future__ import annotations

from bundler.entries import Layer
from bundler.environment import Environment, EnvironmentKind
from bundler.machine import os
from bundler.plan.overlay import Entries
from bundler.systems import system_of


def with_runtime_layer(entries: Entries, environment: Environment) -> Entries:
    """The entries with the runtime's layer for what lies in Python's own places and no distribution lists as its own."""
    if environment.kind is not EnvironmentKind.INSTALLATION:
        return entries
    owned = _owned_outside(environment)
    scheme, system = environment.scheme, system_of(environment.platform.system)
    return {
        path: entry._replace(layer=Layer.RUNTIME)
        if entry.layer is Layer.PACKAGES and path not in owned and system.is_of_python(path, scheme)
        else entry
        for path, entry in entries.items()
    }


def _owned_outside(environment: Environment) -> set[str]:
    """Bundle paths of what distributions list as theirs outside of package folders."""
    root = environment.sysroot.real(environment.root)
    return {
        os.path.relpath(path, root)
        for distribution in environment.distributions
        for path in distribution.files.paths
        if not path.startswith(distribution.folder + "/")
    }

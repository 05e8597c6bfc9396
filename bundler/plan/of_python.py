"""Which files of an installation that stands by itself are Python's own: the profile leaves out of these, as of a base's."""

from __future__ import annotations

import os

from bundler.bundle_paths import lies_in
from bundler.entries import Layer
from bundler.environment import Environment, EnvironmentKind
from bundler.plan.overlay import Entries
from bundler.scheme import BundleScheme


def with_runtime_layer(entries: Entries, environment: Environment) -> Entries:
    """The entries with the runtime's layer for what lies in Python's own places and no distribution lists as its own."""
    if environment.kind is not EnvironmentKind.INSTALLATION:
        return entries
    owned = _owned_outside(environment)
    scheme = environment.scheme
    return {
        path: entry._replace(layer=Layer.RUNTIME)
        if entry.layer is Layer.PACKAGES and path not in owned and _is_pythons_place(path, scheme)
        else entry
        for path, entry in entries.items()
    }


def _is_pythons_place(path: str, scheme: BundleScheme) -> bool:
    """Whether Python's own `make install` puts files to a bundle path."""
    folder, _, name = path.rpartition("/")
    if lies_in(path, scheme.stdlib):
        return not any(scheme.is_package_folder(above) for above in (path, *_above(path, scheme.stdlib)))
    if lies_in(path, scheme.include) or path.startswith((f"{scheme.libraries}/tcl", f"{scheme.libraries}/tk")):
        return True
    beginnings = {
        scheme.scripts: ("python", "idle", "pydoc", "2to3"),
        scheme.libraries: ("libpython",),
        f"{scheme.libraries}/pkgconfig": ("python",),
        f"{scheme.share}/man/man1": ("python",),
    }
    return name.startswith(beginnings.get(folder, ())) if folder in beginnings else False


def _above(path: str, top: str) -> list[str]:
    """The folders above a path, below `top`."""
    found = []
    folder = os.path.dirname(path)
    while lies_in(folder, top) and folder != top:
        found.append(folder)
        folder = os.path.dirname(folder)
    return found


def _owned_outside(environment: Environment) -> set[str]:
    """Bundle paths of what distributions list as theirs outside of package folders."""
    root = environment.sysroot.real(environment.root)
    return {
        os.path.relpath(path, root)
        for distribution in environment.distributions
        for path in distribution.files.paths
        if not path.startswith(distribution.folder + "/")
    }

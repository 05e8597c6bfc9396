"""What stands where a bundle was expected: an environment that is not packed yet, a project with one, a folder of bundles."""

from __future__ import annotations

from bundler.environment.redirect import REDIRECT, follow_file
from bundler.errors import NotABundle, NotAnEnvironment
from bundler.machine import os
from bundler.machine.failing import is_dir, is_file, unless_failing

_MANIFEST = "bundle.json"


def check_folder_or_archive(path: str) -> None:
    """Raise NotABundle for a folder without `bundle.json`, and for a file `.venv`; any other file may be an archive."""
    if is_dir(path) and not os.path.lexists(os.path.join(path, _MANIFEST)):
        raise no_bundle(path)
    if is_file(path) and os.path.basename(os.path.abspath(path)) == REDIRECT:
        raise no_bundle(path)


def no_bundle(path: str) -> NotABundle:
    """The error for a path at which there is no `bundle.json`: what is there, and what was probably meant."""
    try:
        behind = follow_file(os.path.abspath(path))
    except NotAnEnvironment as error:
        return NotABundle(error.message, error.hint)
    if behind is not None:
        return NotABundle(f"{path} is a file that leads to {behind}, and no bundle", _pack_first(path))
    if is_file(os.path.join(path, "pyvenv.cfg")):
        return NotABundle(f"{path} is an environment, and no bundle: it has no {_MANIFEST}", _pack_first(path))
    return NotABundle(f"{path} is no bundle: it has no {_MANIFEST}", _hint(path))


def _hint(path: str) -> str:
    if is_file(path):
        return "unpack an archive first"
    inside = os.path.join(path, REDIRECT)
    bundles = _bundles_in(path)
    if bundles:
        return f"did you mean {' or '.join(bundles)}?"
    return _pack_first(inside) if os.path.lexists(inside) else "name the folder that bundler pack made"


def _pack_first(environment: str) -> str:
    return f"pack the environment first: bundler pack {environment} --out PATH, and name that path"


def _bundles_in(folder: str) -> list[str]:
    """Paths of the bundles that lie in a folder."""
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        unless_failing(error, folder)
        return []
    return [path for name in names if is_file(os.path.join(path := os.path.join(folder, name), _MANIFEST))]

"""Editables that are a folder on `sys.path`: named in a `.pth` file, or behind an `.egg-link` of setuptools' develop mode.

uv_build, hatchling, flit, poetry-core, pdm-backend and maturin write a path; so does setuptools for a `src` folder, in its
strict mode (a folder of links to the files of the wheel) and in its compat mode.
"""

from __future__ import annotations

from collections.abc import Iterator

from bundler.errors import UnsupportedEditable
from bundler.files import opened, read_regular
from bundler.machine import os
from bundler.machine.failing import is_dir, is_file, unless_failing
from bundler.plan.editables.mapping import EditableFiles, FileMapping
from bundler.plan.project import importable, modules_of
from bundler.rewrite.launchers.setuptools import READ, read_stand_in
from bundler.sysroot import Sysroot


def read_path(
    distribution: str, source: str, suffixes: tuple[str, ...], *, may_be_empty: bool = False
) -> EditableFiles:
    """What a distribution means by having the folder `source` on the path.

    Raises UnsupportedEditable where nothing fits, unless that may be.
    """
    names = modules_of(source, distribution, suffixes)
    if not names and not may_be_empty:
        found = ", ".join(importable(source, suffixes)) or "none"
        raise UnsupportedEditable(
            f"{distribution} is an editable of {source}, and none of the modules there bears its name ({found})",
            "name its modules in pyproject.toml as its back end allows, or pack with --editable build",
        )
    kind = "setuptools (strict)" if os.path.basename(source).startswith("__editable__.") else "a path"
    return EditableFiles(kind, tuple(FileMapping(os.path.join(source, name), name) for name in names))


def read_whole_path(source: str, suffixes: tuple[str, ...]) -> EditableFiles:
    """Everything that can be imported from a folder which somebody put on the path by hand, and the metadata beside it."""
    metadata = [name for name in sorted(os.listdir(source)) if name.endswith((".dist-info", ".egg-info"))]
    names = (*importable(source, suffixes), *metadata)
    return EditableFiles("a path", tuple(FileMapping(os.path.join(source, name), name) for name in names))


def egg_link_folder(path: str, sysroot: Sysroot) -> str | None:
    """The folder that an `.egg-link` file means: its first line, absolute or counted from the file."""
    line = read_regular(path).partition(b"\n")[0].decode("utf-8", "surrogateescape").strip()
    folder = sysroot.located(line, os.path.dirname(path))
    return folder if line and is_dir(folder) else None


def read_egg_link(
    distribution: str, folder: str, scripts: str, to_scripts: str, suffixes: tuple[str, ...]
) -> EditableFiles:
    """The modules that the project's own metadata names (`top_level.txt`), the metadata itself, and the project's scripts.

    `scripts` is the environment's folder of scripts, `to_scripts` the way there from the package folder.
    """
    metadata = [name for name in sorted(os.listdir(folder)) if name.endswith(".egg-info")]
    fitting = [name for name in metadata if _same(name.removesuffix(".egg-info"), distribution)] or metadata[:1]
    mappings = [FileMapping(os.path.join(folder, name), name) for name in fitting]
    named = _top_level(os.path.join(folder, fitting[0])) if fitting else []
    modules = [name for name in importable(folder, suffixes) if name.partition(".")[0] in named]
    if not modules:
        mappings += read_path(distribution, folder, suffixes).mappings
    mappings += [FileMapping(os.path.join(folder, name), name) for name in modules]
    mappings += _scripts(distribution, scripts, to_scripts)
    return EditableFiles("setuptools (egg-link)", tuple(mappings))


def _scripts(distribution: str, folder: str, to_scripts: str) -> Iterator[FileMapping]:
    """The project's scripts for which there are stand-ins in the environment's `folder` of scripts."""
    for name in sorted(os.listdir(folder)) if is_dir(folder) else ():
        path = os.path.join(folder, name)
        if is_file(path):
            with opened(path) as file:
                found = read_stand_in(file.read(READ))
            if found is not None and _same(found.distribution, distribution) and _is_script(found.script):
                yield FileMapping(found.script, f"{to_scripts}/{name}")


def _is_script(path: str) -> bool:
    """Whether a script lies at a path: a stand-in could name any file of this machine."""
    if not is_file(path):
        return False
    with opened(path) as file:
        return file.read(2) == b"#!"


def _top_level(metadata: str) -> list[str]:
    try:
        return read_regular(os.path.join(metadata, "top_level.txt")).decode("utf-8", "replace").split()
    except OSError as error:
        unless_failing(error, metadata)
        return []


def _same(one: str, other: str) -> bool:
    """Whether two spellings are one distribution's name."""
    from packaging.utils import canonicalize_name

    return canonicalize_name(one) == canonicalize_name(other)

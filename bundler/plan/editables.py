"""Editable installs made real: the packages that a `.pth` file reaches are taken into site-packages.

Only editables that are a path in a `.pth` are understood here (uv_build, hatchling, flit, poetry-core, pdm-backend). Others, which
hook the import system, are refused by name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bundler.environment import Distribution, Environment
from bundler.errors import BundlerError, UnsupportedEditable, raise_all
from bundler.plan.entries import Layer
from bundler.plan.mounts import Mount, MountTable, join
from bundler.plan.project import importable, modules_of
from bundler.rewrite.pth import PathLine, parse_pth
from bundler.rewrite.record import parse_record

# Import hooks of back ends whose editables are more than a path (reference: interpreters 1.10).
_HOOK = re.compile(r"import (?P<module>__editable__\w+|_\w*editable\w*|\w+_editable_\w+)")


@dataclass(frozen=True, slots=True)
class Editables:
    """What takes the place of editable installs.

    `mounts` bring the packages; `removed` are bundle paths that go (`.pth` files, `direct_url.json`); `added` are, by the bundle
    path of a distribution's metadata, the bundle paths (files and folders) that its RECORD now owns.
    """

    mounts: tuple[Mount, ...]
    removed: frozenset[str]
    added: Mapping[str, tuple[str, ...]]
    warnings: tuple[str, ...]


def plan_editables(environment: Environment, table: MountTable) -> Editables:
    """Find the editables of an environment.

    Raises UnsupportedEditable (several together) for those of another kind, and for a path that leads out of the environment
    and belongs to no distribution.
    """
    finder = _Finder(environment, table)
    for folder in environment.site_packages:
        for name in sorted(os.listdir(folder)):
            if name.endswith(".pth"):
                finder.read_pth(folder, name)
            elif name.endswith(".egg-link"):
                finder.refuse(name.removesuffix(".egg-link"), name, "setuptools' develop mode")
    raise_all(finder.errors)
    return Editables(tuple(finder.mounts), frozenset(finder.removed), finder.added, tuple(finder.warnings))


class _Finder:
    """Collects what the `.pth` files of an environment mean."""

    def __init__(self, environment: Environment, table: MountTable) -> None:
        self._table = table
        self._sysroot = environment.sysroot
        self._owners = dict(_owners(environment))
        self._taken: dict[str, str] = {}
        self.mounts: list[Mount] = []
        self.removed: set[str] = set()
        self.added: dict[str, tuple[str, ...]] = {}
        self.warnings: list[str] = []
        self.errors: list[BundlerError] = []

    def read_pth(self, folder: str, name: str) -> None:
        path = os.path.join(folder, name)
        with open(path, "rb") as file:
            data = file.read()
        owner = self._owners.get(path)
        hook = _HOOK.search(data.decode("utf-8", "replace"))
        if hook is not None:
            self.refuse(owner.name if owner else hook["module"], name, "an import hook")
            return
        outside = [
            line.path for line in parse_pth(data) if isinstance(line, PathLine) and self._is_outside(folder, line.path)
        ]
        if not outside:
            return
        if owner is None:
            self.errors.append(
                UnsupportedEditable(
                    f"{path} puts {outside[0]} on sys.path, which lies outside the environment",
                    "install what it means into the environment, or remove the file",
                )
            )
            return
        self._take(owner, path, folder, outside)

    def refuse(self, distribution: str, name: str, kind: str) -> None:
        """An editable of a kind that is not made real yet."""
        self.errors.append(
            UnsupportedEditable(
                f"{distribution} is installed as an editable through {kind} ({name})",
                f"install it as a wheel before packing: pip install --no-deps <project of {distribution}>",
            )
        )

    def _is_outside(self, folder: str, path: str) -> bool:
        """Whether a line leads to an existing folder that no mount brings along."""
        absolute = self._located(folder, path)
        if not os.path.isdir(absolute):
            return False
        return (
            self._table.bundle_path(absolute) is None and self._table.bundle_path(self._sysroot.real(absolute)) is None
        )

    def _located(self, folder: str, path: str) -> str:
        """The path that a line of a `.pth` file in `folder` means; absolute ones are names of the sysroot."""
        return self._sysroot.path_of(path) if path.startswith("/") else os.path.normpath(os.path.join(folder, path))

    def _take(self, owner: Distribution, path: str, folder: str, sources: list[str]) -> None:
        """Copy what the owner means by its paths, in place of the `.pth`."""
        site_packages = self._table.bundle_path(folder)
        metadata = self._table.bundle_path(owner.metadata)
        pth = self._table.bundle_path(path)
        if site_packages is None or metadata is None or pth is None:
            return
        brought = []
        for text in sources:
            source = self._located(folder, text)
            names = modules_of(source, owner.name)
            if not names:
                found = ", ".join(importable(source)) or "none"
                self.errors.append(
                    UnsupportedEditable(
                        f"{owner.name} is an editable of {source}, and none of the modules there bears its name ({found})",
                        "name its modules in pyproject.toml as its back end allows, or install it as a wheel",
                    )
                )
            for name in names:
                target = join(site_packages, name)
                if self._taken.setdefault(target, owner.name) != owner.name:
                    self.warnings.append(f"{owner.name} and {self._taken[target]} both bring {name}")
                origin = f"project:{owner.name}/{name}"
                self.mounts.append(Mount(os.path.join(source, name), target, origin, Layer.APPLICATION))
                brought.append(target)
        self.removed.add(pth)
        self.added[metadata] = (*self.added.get(metadata, ()), *brought)


def _owners(environment: Environment) -> Iterator[tuple[str, Distribution]]:
    """The distribution that owns each `.pth` file, by the file's path, as the RECORDs tell."""
    for distribution in environment.distributions:
        folder = os.path.dirname(distribution.metadata)
        try:
            with open(os.path.join(distribution.metadata, "RECORD"), "rb") as file:
                rows = parse_record(file.read())
        except OSError:
            continue
        for row in rows:
            if row.path.endswith(".pth"):
                yield os.path.normpath(os.path.join(folder, row.path)), distribution

"""The editables of an environment, told by the `.pth` and `.egg-link` files of its package folders."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from bundler.environment import Distribution, Environment
from bundler.plan.editables.paths import egg_link_folder
from bundler.rewrite.pth import ImportLine, PathLine, parse_pth


@dataclass(frozen=True, slots=True)
class Hook:
    """A module in site-packages that a `.pth` file imports."""

    path: str


@dataclass(frozen=True, slots=True)
class SearchPath:
    """A folder outside of the environment that is put on `sys.path`."""

    folder: str


@dataclass(frozen=True, slots=True)
class EggLink:
    """A file of setuptools' develop mode, and the folder that it means."""

    path: str
    folder: str


EditablePart = Hook | SearchPath | EggLink


@dataclass(slots=True)
class Editable:
    """One editable install, in the package folder `folder`."""

    name: str
    folder: str
    distribution: Distribution | None
    """None for an egg-link, and for a `.pth` file that nobody installed."""
    project: str | None
    """The project's own folder, where that is known."""
    parts: list[EditablePart] = field(default_factory=list)
    lines: dict[str, set[str]] = field(default_factory=dict)
    """Lines that go with the editable, by the `.pth` file that they are in."""


@dataclass(frozen=True, slots=True)
class GoneEditable:
    """An editable install of a place where nothing is any more."""

    name: str
    place: str


@dataclass(frozen=True, slots=True)
class FoundEditables:
    """What the files of the package folders mean."""

    editables: tuple[Editable, ...]
    stale: Mapping[str, set[str]]
    """Lines of `.pth` files that name a place outside where nothing is, by file; no editable install has left them."""
    gone: tuple[GoneEditable, ...]


def find_editables(environment: Environment, is_outside: Callable[[str], bool]) -> FoundEditables:
    """Look through the package folders. `is_outside` tells whether a place (absolute) does not come along by itself."""
    finder = _Finder(environment, is_outside)
    for folder in environment.site_packages:
        # What is no file, as a link that leads nowhere, Python passes over.
        names = [name for name in sorted(os.listdir(folder)) if name.endswith((".pth", ".egg-link"))]
        names = [name for name in names if environment.sysroot.is_file(os.path.join(folder, name))]
        for name in names:
            if name.endswith(".egg-link"):
                finder.read_egg_link(folder, name)
        for name in names:
            if name.endswith(".pth"):
                finder.read_pth(folder, name)
    return FoundEditables(tuple(finder.editables.values()), finder.stale, tuple(finder.gone))


class _Finder:
    """Collects what the files of an environment mean."""

    def __init__(self, environment: Environment, is_outside: Callable[[str], bool]) -> None:
        self._is_outside = is_outside
        self._sysroot = environment.sysroot
        self._owners = dict(_owners(environment))
        self._linked: dict[str, Editable] = {}
        self.editables: dict[str, Editable] = {}
        self.stale: dict[str, set[str]] = {}
        self.gone: list[GoneEditable] = []

    def read_egg_link(self, folder: str, name: str) -> None:
        path = os.path.join(folder, name)
        source = egg_link_folder(path, self._sysroot)
        if source is not None:
            editable = self._editable(name.removesuffix(".egg-link"), folder, None, source)
            editable.parts.append(EggLink(path, source))
            self._linked[source] = editable

    def read_pth(self, folder: str, name: str) -> None:
        path = os.path.join(folder, name)
        with open(self._sysroot.real(path), "rb") as file:
            lines = parse_pth(file.read())
        for line in lines:
            match line:
                case ImportLine(code):
                    hook = _hook(folder, code)
                    if hook is not None:
                        self._take(folder, path, code, Hook(hook))
                case PathLine(text):
                    source = self._sysroot.located(text, folder)
                    if source in self._linked:
                        self._linked[source].lines.setdefault(path, set()).add(text)
                    elif os.path.isdir(source) and self._is_outside(source):
                        self._take(folder, path, text, SearchPath(source))
                    elif not self._sysroot.exists(source) and self._is_outside(source):
                        self._note_gone(path, text, source)

    def _note_gone(self, path: str, line: str, source: str) -> None:
        owner = self._owners.get(path)
        if owner is not None and owner.editable:
            self.gone.append(GoneEditable(owner.name, source))
        else:
            self.stale.setdefault(path, set()).add(line)

    def _take(self, folder: str, path: str, line: str, part: EditablePart) -> None:
        owner = self._owners.get(path)
        name = owner.name if owner is not None else os.path.basename(path).removesuffix(".pth")
        url = owner.direct_url if owner is not None else None
        editable = self._editable(name, folder, owner, url.local_path if url is not None else None)
        editable.parts.append(part)
        editable.lines.setdefault(path, set()).add(line)

    def _editable(self, name: str, folder: str, owner: Distribution | None, project: str | None) -> Editable:
        return self.editables.setdefault(name, Editable(name, folder, owner, project))


def _hook(folder: str, code: str) -> str | None:
    """The path of the editable's module that a line imports; None for other lines."""
    match = re.match(r"import\s+(\w*editable\w*)", code)
    path = os.path.join(folder, f"{match[1]}.py") if match else ""
    return path if os.path.isfile(path) else None


def _owners(environment: Environment) -> Iterator[tuple[str, Distribution]]:
    """The distribution that owns each `.pth` file, by the file's path."""
    for distribution in environment.distributions:
        for path in distribution.files.paths:
            if path.endswith(".pth"):
                yield path, distribution

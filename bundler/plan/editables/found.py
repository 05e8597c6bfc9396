"""The editables of an environment, told by the `.pth`, `.start` and `.egg-link` files of its package folders."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from bundler.bundle_paths import lies_in
from bundler.environment import Distribution, Environment
from bundler.files import read_regular
from bundler.machine import os
from bundler.machine.failing import is_dir
from bundler.plan.editables.hooks import read_hook
from bundler.plan.editables.paths import egg_link_folder
from bundler.rewrite.installers import is_editable_hook, is_known_hook
from bundler.rewrite.pth import ImportLine, PathLine, parse_pth
from bundler.rewrite.start import parse_start


@dataclass(frozen=True, slots=True)
class Hook:
    """A module in site-packages that a `.pth` file imports, or a `.start` file calls."""

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
    """None for an egg-link, and for a `.pth` or `.start` file that nobody installed."""
    project: str | None
    """The project's own folder, where that is known."""
    parts: list[EditablePart] = field(default_factory=list)
    lines: dict[str, set[str]] = field(default_factory=dict)
    """Lines that go with the editable, by the `.pth` or `.start` file that they are in."""


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
    lost: tuple[Distribution, ...]
    """Distributions whose `direct_url.json` calls them editable, and to whose project nothing leads."""


def find_editables(environment: Environment, is_outside: Callable[[str], bool]) -> FoundEditables:
    """Look through the package folders. `is_outside` tells whether a place (absolute) does not come along by itself."""
    finder = _Finder(environment, is_outside)
    endings = (".pth", ".egg-link", *([".start"] if environment.interpreter.reads_start_files else []))
    for folder in environment.site_packages:
        # What is no file, as a link that leads nowhere, Python passes over.
        names = [name for name in sorted(os.listdir(folder)) if name.endswith(endings)]
        names = [name for name in names if environment.sysroot.is_file(os.path.join(folder, name))]
        for name in names:
            if name.endswith(".egg-link"):
                finder.read_egg_link(folder, name)
        for name in names:
            if name.endswith(".start"):
                finder.read_start(folder, name)
        for name in names:
            if name.endswith(".pth"):
                finder.read_pth(folder, name, silenced=f"{name.removesuffix('.pth')}.start" in names)
    lost = tuple(finder.lost(environment.distributions))
    return FoundEditables(tuple(finder.editables.values()), finder.stale, tuple(finder.gone), lost)


def project_of(distribution: Distribution) -> str | None:
    """The path of the project that a distribution was installed from, where that was a folder of its machine."""
    place = distribution.direct_url.local_path if distribution.direct_url is not None else None
    if place is None:
        return None
    return distribution.sysroot.path_of(place) if distribution.sysroot.is_name(place) else place


class _Finder:
    """Collects what the files of an environment mean."""

    def __init__(self, environment: Environment, is_outside: Callable[[str], bool]) -> None:
        self._is_outside = is_outside
        self._sysroot = environment.sysroot
        self._owners = dict(_owners(environment))
        self._suffixes = environment.interpreter.extension_suffixes
        self._linked: dict[str, Editable] = {}
        self._hooks: set[str] = set()
        self._claimed: set[str] = set()
        """The metadata of distributions that something of theirs leads on from."""
        self._reached: set[str] = set()
        """Places in the environment that lines of `.pth` files lead to."""
        self._imported: set[str] = set()
        """Modules that editables' own `.pth` and `.start` files import."""
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

    def read_start(self, folder: str, name: str) -> None:
        path = os.path.join(folder, name)
        for entry_point in parse_start(self._read(path)):
            hook = self._hook(folder, path, entry_point.module)
            if hook is not None:
                self._take(folder, path, entry_point.text, Hook(hook))

    def read_pth(self, folder: str, name: str, *, silenced: bool) -> None:
        """Read a file, whose `import` lines are `silenced` where there is a `.start` file of its name."""
        path = os.path.join(folder, name)
        for line in parse_pth(self._read(path)):
            match line:
                case ImportLine(code):
                    hook = self._hook(folder, path, line.module)
                    if hook is not None and (not silenced or hook in self._hooks):
                        self._take(folder, path, code, Hook(hook))
                case PathLine(text):
                    source = self._sysroot.located(text, folder)
                    if source in self._linked:
                        self._linked[source].lines.setdefault(path, set()).add(text)
                    elif is_dir(source) and self._is_outside(source):
                        self._take(folder, path, text, SearchPath(source))
                    elif not self._sysroot.exists(source) and self._is_outside(source):
                        self._note_gone(path, text, source)
                    else:
                        self._reached.add(source)
                        self._claim(path)

    def _hook(self, folder: str, path: str, module: str) -> str | None:
        """The path of the module that a line of the file at `path` names, where it is a hook for an editable install.

        The name decides; in an editable's own file the module may have any name, if it reads as a known one's. What belongs to a
        distribution that is no editable only counts by the whole name: a package may be called `editable_forms`.
        """
        stem = os.path.join(folder, *module.split("."))
        places = (f"{stem}.py", os.path.join(stem, "__init__.py"))
        place = next((place for place in places if module and self._sysroot.is_file(place)), None)
        if place is None:
            return None
        owner = self._owners.get(path)
        if owner is not None and not owner.editable:
            return place if is_known_hook(module) else None
        if is_editable_hook(module):
            return place
        if owner is None:
            return None
        self._imported.add(place)
        return place if read_hook(self._sysroot.real(place), self._suffixes, self._sysroot) is not None else None

    def lost(self, distributions: Iterable[Distribution]) -> Iterator[Distribution]:
        """Of the distributions that call themselves editable, those of which nothing is left but that word."""
        for distribution in distributions:
            if not distribution.editable or self._has_what_it_installed(distribution):
                continue
            if distribution.metadata not in self._claimed:
                project = project_of(distribution)
                if project is None or not any(self._leads_to(project)):
                    yield distribution

    def _has_what_it_installed(self, distribution: Distribution) -> bool:
        """Whether its list names metadata alone (a project without modules), or modules that are there (maturin's own).

        What its `.pth` files import may be a hook of a kind that is not known, and proves nothing.
        """
        files = distribution.files
        if not files.is_there:
            return False
        below = [path for path in files.paths if lies_in(path, distribution.folder)]
        others = [path for path in below if not lies_in(path, distribution.metadata)]
        modules = (path for path in others if path.endswith((".py", *self._suffixes)) and path not in self._imported)
        return not others or any(
            self._sysroot.is_file(path) and not is_editable_hook(os.path.basename(path)) for path in modules
        )

    def _leads_to(self, project: str) -> Iterator[bool]:
        """For all that leads somewhere and is in nobody's list of files: whether it leads to the project's folder, or below it."""
        project = self._sysroot.real(os.path.normpath(project))
        for part in (part for editable in self.editables.values() for part in editable.parts):
            if isinstance(part, Hook):
                yield os.fsencode(project) in self._read(part.path)
            else:
                yield lies_in(self._sysroot.real(part.folder), project)
        yield from (lies_in(self._sysroot.real(place), project) for place in self._reached)

    def _read(self, path: str) -> bytes:
        return read_regular(self._sysroot.real(path))

    def _note_gone(self, path: str, line: str, source: str) -> None:
        owner = self._owners.get(path)
        self._claim(path)
        if owner is not None and owner.editable:
            self.gone.append(GoneEditable(owner.name, source))
        else:
            self.stale.setdefault(path, set()).add(line)

    def _take(self, folder: str, path: str, line: str, part: EditablePart) -> None:
        owner = self._owners.get(path)
        name = owner.name if owner is not None else os.path.splitext(os.path.basename(path))[0]
        editable = self._editable(name, folder, owner, project_of(owner) if owner is not None else None)
        if part not in editable.parts:
            editable.parts.append(part)
        self._claim(path)
        if isinstance(part, Hook):
            self._hooks.add(part.path)
        editable.lines.setdefault(path, set()).add(line)

    def _claim(self, path: str) -> None:
        """Note that something leads on from the distribution that owns the file at `path`."""
        if path in self._owners:
            self._claimed.add(self._owners[path].metadata)

    def _editable(self, name: str, folder: str, owner: Distribution | None, project: str | None) -> Editable:
        return self.editables.setdefault(name, Editable(name, folder, owner, project))


def _owners(environment: Environment) -> Iterator[tuple[str, Distribution]]:
    """The distribution that owns each `.pth` or `.start` file, by the file's path."""
    for distribution in environment.distributions:
        for path in distribution.files.paths:
            if path.endswith((".pth", ".start")):
                yield path, distribution

"""From editables to what takes their place: mounts for the files, paths that go, rows for RECORD."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from bundler.bundle_paths import normal, relative
from bundler.entries import Entry, Layer, Literal, Source
from bundler.environment import Distribution, Environment
from bundler.errors import BundlerError, UnsupportedEditable, raise_all
from bundler.files import read_regular
from bundler.machine import os
from bundler.machine.failing import exists, is_dir, is_file
from bundler.options import EditableMode
from bundler.plan.editables.changed import changed_since_install
from bundler.plan.editables.found import Editable, EditablePart, EggLink, Hook, SearchPath, find_editables, project_of
from bundler.plan.editables.hooks import read_hook
from bundler.plan.editables.mapping import FileMapping
from bundler.plan.editables.reading import files_of
from bundler.plan.mounts import Mount, MountTable
from bundler.plan.origins import PROJECT
from bundler.plan.overlay import Entries, without
from bundler.plan.settings import PlanSettings
from bundler.rewrite.pth import has_imports, rewrite_pth, without_lines
from bundler.rewrite.start import start_file, without_entry_points


@dataclass(frozen=True, slots=True)
class Editables:
    """What takes the place of editable installs."""

    mounts: tuple[Mount, ...]
    """They bring the packages."""
    removed: frozenset[str]
    """Bundle paths that go: `.pth` and `.start` files, and what they import."""
    replaced: Mapping[str, Source | Literal]
    """Other content, by bundle path: of `.pth` and `.start` files that lose lines, and of scripts that ran the project's."""
    added: Mapping[str, tuple[str, ...]]
    """Bundle paths (files and folders) that a RECORD now owns, by the bundle path of its distribution's metadata."""
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    """What was taken from where, for a person."""


def plan_editables(environment: Environment, table: MountTable, settings: PlanSettings) -> Editables:
    """Find the editables of an environment and make them real.

    Raises UnsupportedEditable (several together) for those that cannot be, and for all of them with `--editable error`.
    """

    def is_outside(folder: str) -> bool:
        return table.bundle_path(folder) is None and table.bundle_path(environment.sysroot.real(folder)) is None

    found = find_editables(environment, is_outside)
    if not environment.sysroot.is_host:
        raise_all([_of_another_root(editable) for editable in found.editables if not _is_read(editable, environment)])
    raise_all([_gone(editable.name, editable.place) for editable in found.gone])
    builds = settings.content.editable is EditableMode.BUILD and environment.sysroot.is_host
    lost = () if builds else found.lost
    if not settings.content.allow_incomplete:
        raise_all([_lost(distribution) for distribution in lost])
    if settings.content.editable is EditableMode.ERROR:
        raise_all([_refused(editable) for editable in found.editables])
    maker = _Maker(table, environment, settings)
    maker.warnings += [
        f"{item.name} is an editable install to which nothing leads: its modules stay behind" for item in lost
    ]
    for editable in (*found.editables, *(_unled(distribution) for distribution in found.lost if builds)):
        maker.take(editable)
    raise_all(maker.errors)
    for path, lines in found.stale.items():
        maker.drop(path, lines)
    maker.rewrite_files()
    return Editables(
        tuple(maker.mounts),
        frozenset(maker.removed),
        maker.replaced,
        maker.added,
        tuple(maker.warnings),
        tuple(maker.notes),
    )


def without_editables(entries: Entries, editables: Editables) -> dict[str, Entry]:
    """The entries without what made installs editable; the projects' files are among them already."""
    changed = without(entries, editables.removed)
    for path, content in editables.replaced.items():
        reason = "nothing in it leads to an editable install any more"
        changed[path] = changed[path]._replace(content=content, reason=reason)
    return changed


def _refused(editable: Editable) -> BundlerError:
    place = editable.project or next((part.folder for part in editable.parts if not isinstance(part, Hook)), "")
    return UnsupportedEditable(
        f"{editable.name} is an editable install" + (f" of {place}" if place else ""),
        "install it as a wheel, or pack with --editable copy or --editable build",
    )


def _gone(name: str, place: str) -> BundlerError:
    return UnsupportedEditable(
        f"{name} is an editable install of {place}, which is not there",
        "bring the project back, or install a wheel of it, or uninstall it",
    )


def _lost(distribution: Distribution) -> BundlerError:
    project = project_of(distribution)
    return UnsupportedEditable(
        f"{distribution.name} is an editable install"
        + (f" of {project}" if project else "")
        + " by its direct_url.json, and"
        " nothing in the environment leads to its modules",
        "install it again, or as a wheel; or pack with --editable build, or without them: --allow-incomplete",
    )


def _unled(distribution: Distribution) -> Editable:
    """An editable install that only its metadata tells of: enough to build a wheel."""
    return Editable(distribution.name, distribution.folder, distribution, project_of(distribution))


def _is_read(editable: Editable, environment: Environment) -> bool:
    """Whether all that makes up an editable of another root is read there: what has names in more than one file is not."""
    suffixes = environment.interpreter.extension_suffixes
    return all(
        isinstance(part, SearchPath)
        or (isinstance(part, Hook) and read_hook(part.path, suffixes, environment.sysroot) is not None)
        for part in editable.parts
    )


def _of_another_root(editable: Editable) -> BundlerError:
    return UnsupportedEditable(
        f"{editable.name} is an editable install of a kind that is read only in the root that it is for",
        "pack inside of that root, or install it as a wheel before packing",
    )


class _Maker:
    """Collects what the editables become."""

    def __init__(self, table: MountTable, environment: Environment, settings: PlanSettings) -> None:
        self._table = table
        self._sysroot = environment.sysroot
        self._scheme = environment.scheme
        self._environment = environment
        self._settings = settings
        self._taken: dict[str, str] = {}
        self._lines: dict[str, set[str]] = {}
        self.mounts: list[Mount] = []
        self.removed: set[str] = set()
        self.replaced: dict[str, Source | Literal] = {}
        self.added: dict[str, tuple[str, ...]] = {}
        self.warnings: list[str] = []
        self.notes: list[str] = []
        self.errors: list[BundlerError] = []

    def take(self, editable: Editable) -> None:
        site_packages = self._table.bundle_path(editable.folder)
        if site_packages is None:
            return
        try:
            files = files_of(editable, site_packages, self._environment, self._settings)
        except BundlerError as error:
            self.errors.append(error)
            return
        gone = [mapping.source for mapping in files.mappings if not os.path.lexists(mapping.source)]
        if gone:
            self.errors.append(_gone(editable.name, gone[0]))
            return
        brought = tuple(self._place(editable, site_packages, mapping) for mapping in files.mappings)
        self._remove(editable)
        if editable.distribution is not None:
            metadata = self._table.bundle_path(editable.distribution.metadata) or ""
            self.added[metadata] = (*self.added.get(metadata, ()), *brought)
            if editable.project and (changed := changed_since_install(editable.project, editable.distribution)):
                self.warnings.append(changed)
        names = dict.fromkeys(mapping.path for mapping in files.mappings)
        source = editable.project or ", ".join(
            dict.fromkeys(part.folder for part in editable.parts if not isinstance(part, Hook))
        )
        self.notes.append(f"editable {editable.name} of {source} ({files.back_end}): {', '.join(names)}")

    def drop(self, path: str, lines: Collection[str]) -> None:
        """Leave out lines of a `.pth` file that lead nowhere: in a bundle they would put a place of its host on the path."""
        inside = self._table.bundle_path(path)
        if inside is not None:
            self._lines.setdefault(path, set()).update(lines)
            self.warnings += [f"{inside} names {line}, which is not there: left out" for line in sorted(lines)]

    def rewrite_files(self) -> None:
        """Replace the `.pth` and `.start` files that keep some of their lines, and remove those that keep none."""
        for path, lines in self._lines.items():
            inside = self._table.bundle_path(path)
            if inside is None:
                continue
            data = read_regular(path)
            kept = (
                self._start_file(path, data, lines) if path.endswith(".start") else self._pth_file(inside, data, lines)
            )
            if kept is None:
                self.removed.add(inside)
            else:
                self.replaced[inside] = Literal(kept)

    def _pth_file(self, inside: str, data: bytes, lines: Collection[str]) -> bytes | None:
        kept = without_lines(data, lines)
        map_path = partial(self._map, folder=os.path.dirname(inside))
        mapped = rewrite_pth(kept, map_path, self._sysroot.is_name) if kept is not None else None
        return mapped.data if mapped is not None else kept

    def _start_file(self, path: str, data: bytes, lines: Collection[str]) -> bytes | None:
        """An empty file stays where it silences `import` lines that nobody runs in the source."""
        kept = without_entry_points(data, lines)
        silenced = f"{path.removesuffix('.start')}.pth"
        if kept is None and is_file(silenced):
            left = without_lines(read_regular(silenced), self._lines.get(silenced, ()))
            return start_file() if left is not None and has_imports(left) else None
        return kept

    def _map(self, path: str, folder: str) -> str | None:
        inside = self._table.bundle_path(self._sysroot.located(path, ""))
        return None if inside is None else relative(inside, folder)

    def _place(self, editable: Editable, site_packages: str, mapping: FileMapping) -> str:
        target = os.path.normpath(f"{site_packages}/{mapping.path}")
        if normal(target) != target or not target:
            raise UnsupportedEditable(
                f"{editable.name} is an editable that puts {mapping.path} out of the environment",
                "mend what its build back end wrote, or install it as a wheel before packing",
            )
        if self._scheme.is_script(target):
            self.replaced[target] = Source(mapping.source, os.stat(mapping.source).st_size)
            return target
        first = self._taken.setdefault(target, editable.name)
        if first != editable.name and (not is_dir(mapping.source) or _is_package(mapping.source)):
            self.warnings.append(f"{editable.name} and {first} both bring {mapping.path}")
        origin = f"{PROJECT}{editable.name}/{mapping.path}"
        self.mounts.append(Mount(mapping.source, target, origin, Layer.APPLICATION, mapping.skip))
        return target

    def _remove(self, editable: Editable) -> None:
        for path, lines in editable.lines.items():
            self._lines.setdefault(path, set()).update(lines)
        for path in _files(editable.parts):
            inside = self._table.bundle_path(path)
            if inside is not None:
                self.removed.add(inside)


def _is_package(folder: str) -> bool:
    return exists(os.path.join(folder, "__init__.py"))


def _files(parts: Iterable[EditablePart]) -> Iterator[str]:
    """The files in the environment that make up an editable, but for `.pth` and `.start` files."""
    for part in parts:
        match part:
            case EggLink(path, _):
                yield path
            case Hook(path):
                yield path
                folder, name = os.path.split(path)
                cache = os.path.join(folder, "__pycache__")
                stem = name.removesuffix(".py") + "."
                for compiled in os.listdir(cache) if is_dir(cache) else ():
                    if compiled.startswith(stem):
                        yield os.path.join(cache, compiled)

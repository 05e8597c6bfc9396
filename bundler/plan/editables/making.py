"""From editables to what takes their place: mounts for the files, paths that go, rows for RECORD."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from bundler.bundle_paths import relative
from bundler.entries import Layer, Literal, Source
from bundler.environment import Environment
from bundler.errors import BundlerError, UnsupportedEditable, raise_all
from bundler.options import EditableMode, PlanOptions
from bundler.plan.editables.content import Content, Placement
from bundler.plan.editables.found import Editable, EggLink, Hook, Part, SearchPath, find_editables
from bundler.plan.editables.hooks import read_hook
from bundler.plan.editables.paths import read_egg_link, read_path, read_whole_path
from bundler.plan.mounts import Mount, MountTable
from bundler.rewrite.pth import rewrite_pth, without_lines


@dataclass(frozen=True, slots=True)
class Editables:
    """What takes the place of editable installs.

    `mounts` bring the packages; `removed` are bundle paths that go (`.pth` files and what they import); `replaced` are those that
    get other content (`.pth` files that lose lines, scripts that ran the project's); `added` are, by the bundle path of a
    distribution's metadata, the bundle paths (files and folders) that its RECORD now owns. `notes` tell a person what was taken
    from where.
    """

    mounts: tuple[Mount, ...]
    removed: frozenset[str]
    replaced: Mapping[str, Source | Literal]
    added: Mapping[str, tuple[str, ...]]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]


def plan_editables(environment: Environment, table: MountTable, options: PlanOptions) -> Editables:
    """Find the editables of an environment and make them real.

    Raises UnsupportedEditable (several together) for those that cannot be, and for all of them with `--editable error`.
    """

    def is_outside(folder: str) -> bool:
        return table.bundle_path(folder) is None and table.bundle_path(environment.sysroot.real(folder)) is None

    found = find_editables(environment, is_outside)
    if not environment.sysroot.is_host:
        raise_all([_of_another_root(editable) for editable in found.editables if not _is_paths(editable)])
    if options.editable is EditableMode.ERROR:
        raise_all([_refused(editable) for editable in found.editables])
    maker = _Maker(table, environment, _reader(environment, options))
    for editable in found.editables:
        maker.take(editable)
    raise_all(maker.errors)
    for path, lines in found.stale.items():
        maker.drop(path, lines)
    maker.settle_lines()
    return Editables(
        tuple(maker.mounts),
        frozenset(maker.removed),
        maker.replaced,
        maker.added,
        tuple(maker.warnings),
        tuple(maker.notes),
    )


Reader = Callable[[Editable], Content]


def _reader(environment: Environment, options: PlanOptions) -> Reader:
    """How an editable's content is had: by its back end, or from where it points."""
    suffixes = environment.interpreter.extension_suffixes

    def build(editable: Editable) -> Content:
        if editable.project is None:
            raise UnsupportedEditable(
                f"{editable.name}: nothing in the environment says where the project is",
                "install it again, or pack with --editable copy",
            )
        from bundler.plan.editables.building import Builder

        builder = Builder(environment.python, options.build_folder, options.build_network)
        return builder.build(editable.name, editable.project)

    def copy(editable: Editable) -> Content:
        contents = [_read(part, editable, suffixes) for part in editable.parts]
        placements = tuple(placement for content in contents for placement in content.placements)
        return Content(contents[0].back_end, placements)

    return build if options.editable is EditableMode.BUILD else copy


def _read(part: Part, editable: Editable, suffixes: tuple[str, ...]) -> Content:
    match part:
        case Hook(path):
            content = read_hook(path, suffixes)
            if content is None:
                raise UnsupportedEditable(
                    f"{editable.name} is an editable through an import hook of a kind that bundler does not know ({path})",
                    "pack with --editable build, or install it as a wheel before packing",
                )
            return content
        case EggLink(_, folder):
            return read_egg_link(editable.name, folder, editable.folder)
        case SearchPath(folder) if editable.distribution is None:
            return read_whole_path(folder)
        case SearchPath(folder):
            hooked = any(isinstance(part, Hook) for part in editable.parts)
            return read_path(editable.name, folder, may_be_empty=hooked)


def _refused(editable: Editable) -> BundlerError:
    place = editable.project or next((part.folder for part in editable.parts if not isinstance(part, Hook)), "")
    return UnsupportedEditable(
        f"{editable.name} is an editable install" + (f" of {place}" if place else ""),
        "install it as a wheel, or pack with --editable copy or --editable build",
    )


def _is_paths(editable: Editable) -> bool:
    return all(isinstance(part, SearchPath) for part in editable.parts)


def _of_another_root(editable: Editable) -> BundlerError:
    return UnsupportedEditable(
        f"{editable.name} is an editable install of a kind that is read only in the root that it is for",
        "pack inside of that root, or install it as a wheel before packing",
    )


class _Maker:
    """Collects what the editables become."""

    def __init__(self, table: MountTable, environment: Environment, read: Reader) -> None:
        self._table = table
        self._sysroot = environment.sysroot
        self._scheme = environment.scheme
        self._read = read
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
            content = self._read(editable)
        except BundlerError as error:
            self.errors.append(error)
            return
        brought = tuple(self._place(editable, site_packages, placement) for placement in content.placements)
        self._remove(editable)
        if editable.distribution is not None:
            metadata = self._table.bundle_path(editable.distribution.metadata) or ""
            self.added[metadata] = (*self.added.get(metadata, ()), *brought)
        names = dict.fromkeys(placement.path for placement in content.placements)
        source = editable.project or ", ".join(
            dict.fromkeys(part.folder for part in editable.parts if not isinstance(part, Hook))
        )
        self.notes.append(f"editable {editable.name} of {source} ({content.back_end}): {', '.join(names)}")

    def drop(self, path: str, lines: Collection[str]) -> None:
        """Leave out lines of a `.pth` file that lead nowhere: in a bundle they would put a place of its host on the path."""
        inside = self._table.bundle_path(path)
        if inside is not None:
            self._lines.setdefault(path, set()).update(lines)
            self.warnings += [f"{inside} names {line}, which is not there: left out" for line in sorted(lines)]

    def settle_lines(self) -> None:
        """Replace the `.pth` files that keep some of their lines, and remove those that keep none."""
        for path, lines in self._lines.items():
            with open(path, "rb") as file:
                kept = without_lines(file.read(), lines)
            inside = self._table.bundle_path(path)
            if inside is None:
                continue
            if kept is None:
                self.removed.add(inside)
            else:
                mapped = rewrite_pth(kept, partial(self._map, folder=os.path.dirname(inside)))
                self.replaced[inside] = Literal(mapped.data if mapped is not None else kept)

    def _map(self, path: str, folder: str) -> str | None:
        inside = self._table.bundle_path(self._sysroot.located(path, ""))
        return None if inside is None else relative(inside, folder)

    def _place(self, editable: Editable, site_packages: str, placement: Placement) -> str:
        target = os.path.normpath(f"{site_packages}/{placement.path}")
        if self._scheme.is_script(target):
            self.replaced[target] = Source(placement.source, os.stat(placement.source).st_size)
            return target
        first = self._taken.setdefault(target, editable.name)
        if first != editable.name and (not os.path.isdir(placement.source) or _is_package(placement.source)):
            self.warnings.append(f"{editable.name} and {first} both bring {placement.path}")
        origin = f"project:{editable.name}/{placement.path}"
        self.mounts.append(Mount(placement.source, target, origin, Layer.APPLICATION, placement.skip))
        return target

    def _remove(self, editable: Editable) -> None:
        for path, lines in editable.lines.items():
            self._lines.setdefault(path, set()).update(lines)
        for path in _files(editable.parts):
            inside = self._table.bundle_path(path)
            if inside is not None:
                self.removed.add(inside)


def _is_package(folder: str) -> bool:
    return os.path.exists(os.path.join(folder, "__init__.py"))


def _files(parts: Iterable[Part]) -> Iterator[str]:
    """The files in the environment that make up an editable, but for `.pth` files."""
    for part in parts:
        match part:
            case EggLink(path, _):
                yield path
            case Hook(path):
                yield path
                folder, name = os.path.split(path)
                cache = os.path.join(folder, "__pycache__")
                stem = name.removesuffix(".py") + "."
                for compiled in os.listdir(cache) if os.path.isdir(cache) else ():
                    if compiled.startswith(stem):
                        yield os.path.join(cache, compiled)

"""The plan's PE files: read, completed by what they need, and patched where a name would lead to another DLL (Windows)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from bundler.binaries.pe import Edits, Image, plan_patch
from bundler.entries import Entry, Patched, Source
from bundler.environment import Environment
from bundler.errors import BundlerError, CannotPatch, UnsupportedEnvironment, raise_all
from bundler.files import opened
from bundler.machine import os
from bundler.options import ContentOptions
from bundler.plan.binaries.planned import PlannedBinaries, bundled_entry
from bundler.plan.binaries.windows.unusable import unusable
from bundler.plan.mounts import MountTable
from bundler.systems.libraries import Clash
from bundler.systems.windows.ceiling import find_ceiling
from bundler.systems.windows.closure import Closure, SourceDll, find_closure
from bundler.systems.windows.floor import find_floor
from bundler.systems.windows.policy import redistributable
from bundler.systems.windows.rules import WINDOWS
from bundler.systems.windows.search import Folders, added_folders
from bundler.systems.windows.source_dlls import SourceDlls, read_dll, system_folders

_SMALLEST = 64


def plan_pe(
    entries: Mapping[str, Entry], environment: Environment, mounts: MountTable, options: ContentOptions
) -> PlannedBinaries:
    """Read the PE files among `entries`, find what they need, and plan their patches.

    Raises what makes the bundle differ from its source: an interpreter that cannot be read, a name that does not fit; all together.
    """
    interpreter, scheme = environment.interpreter, environment.scheme
    images = _read_images(entries, scheme.executable)
    if scheme.executable not in images:
        raise UnsupportedEnvironment(f"{interpreter.executable} is no PE executable")
    files = _Files(images, entries, environment, mounts)
    closure = find_closure(
        images,
        scheme.executable,
        files,
        scheme.bundled,
        excluded=frozenset(options.exclude_libs),
        included=_included(options.include_libs, files, images),
    )
    added = tuple(bundled_entry(library, environment) for library in closure.facts.bundled)
    planned = {**entries, **{entry.path: entry for entry in added}}
    everything = {**images, **closure.images}
    version = interpreter.version_info[:2]
    return PlannedBinaries(
        (*added, *_renamed(everything, closure, planned)),
        closure.facts,
        next((path for path in scheme.libpython if path in images), None),
        find_floor(everything, scheme.executable, version),
        (*unusable(entries, images, interpreter, scheme), *_warnings(closure)),
        find_ceiling(everything),
        tuple(
            f"{path} asks for {name} at its first use of it, and it is found nowhere" for path, name in closure.absent
        ),
    )


class _Files:
    """The files of an environment, and what its Windows has; see `closure.SourceFiles`."""

    def __init__(
        self, images: Mapping[str, Image], entries: Mapping[str, Entry], environment: Environment, mounts: MountTable
    ) -> None:
        executable = images[environment.scheme.executable]
        root = environment.sysroot
        self._images = images
        self._entries = entries
        self._environment = environment
        self._mounts = mounts
        self._machine = executable.headers.machine
        windows = [root.path_of(name) for name in system_folders(executable.headers.layout.bits)]
        self._outside = SourceDlls(os.path.dirname(environment.interpreter.executable), windows, self._machine)

    def find(self, name: str) -> SourceDll | None:
        """The DLL of a name beside the source's Python, or else in Windows' own folders."""
        return self._outside.find(name)

    def at(self, name: str) -> SourceDll | None:
        """The DLL at a path, as programs of the source know it, or as it is known here."""
        root = self._environment.sysroot
        path = root.real(root.path_of(name))
        image = read_dll(path, self._machine)
        return SourceDll(path, image) if image is not None else None

    def inside(self, path: str) -> SourceDll:
        """The DLL that is taken for a bundle path."""
        return SourceDll(source_path(self._entries[path]), self._images[path])

    def owner_of(self, path: str) -> str:
        """The distribution whose list has a file; else the package that it lies in."""
        return self._owners.get(path) or self._environment.scheme.package_of(path) or ""

    def added_for(self, path: str) -> tuple[str, ...]:
        """The folders of delvewheel that the same distribution has."""
        return tuple(folder for folder in self._added if self._added[folder] == self.owner_of(path))

    @cached_property
    def _owners(self) -> dict[str, str]:
        owners = {}
        for distribution in self._environment.distributions:
            for file in distribution.files.paths:
                path = self._mounts.bundle_path(file) if file.lower().endswith((".pyd", ".dll", ".exe")) else None
                if path is not None:
                    owners[path] = distribution.name
        return owners

    @cached_property
    def _added(self) -> dict[str, str]:
        """The owners of folders that are added to the search."""
        folders = set(added_folders(self._images))
        found = {}
        for path in self._images:
            folder = os.path.dirname(path)
            if folder in folders:
                found[folder] = self.owner_of(path)
        return found


def _read_images(entries: Mapping[str, Entry], executable: str) -> dict[str, Image]:
    """The headers of every entry that is a PE file for the interpreter's machine; damaged ones are the source's business."""
    images = {}
    for path in sorted(entries):
        content = entries[path].content
        if isinstance(content, Source) and content.size >= _SMALLEST and not WINDOWS.no_binary_suffix.search(path):
            image = read_dll(content.path)
            if image is not None:
                images[path] = image
    program = images.get(executable)
    machine = program.headers.machine if program is not None else None
    return {path: image for path, image in images.items() if image.headers.machine == machine}


def _included(names: Sequence[str], files: _Files, images: Mapping[str, Image]) -> list[SourceDll]:
    """What the user names, but for what the bundle has beside Python anyway. Raises BundlerError for what has no place there."""
    beside = Folders(images)
    found = []
    for name in names:
        by_path = "/" in name or "\\" in name
        dll = files.at(name) if by_path else files.find(name)
        if dll is None:
            raise BundlerError(
                f"--include-lib {name}: there is no such DLL for this machine",
                "give its whole path, or --root C:=DIR, where DIR/Windows/System32 has it",
            )
        other = beside.find("", dll.name)
        if other is None:
            found.append(dll)
        elif files.inside(other).digest() != dll.digest():
            raise BundlerError(f"--include-lib {name}: the environment has another {other} beside Python")
    return found


def _renamed(images: Mapping[str, Image], closure: Closure, entries: Mapping[str, Entry]) -> Iterator[Entry]:
    """Files that ask for DLLs by new names. Those that cannot be changed are raised together."""
    patched: list[Entry] = []
    errors: list[BundlerError] = []
    for path, names in sorted(closure.renames.items()):
        entry = entries[path]
        try:
            with opened(source_path(entry)) as file:
                plan = plan_patch(file, images[path], Edits(names))
        except CannotPatch as error:
            errors.append(error.at(entry.origin))
            continue
        if plan is not None:
            asked = ", ".join(names.values())
            reason = f"asks for {asked}, the DLL that it had in its source; {plan.explanation}"
            patched.append(entry._replace(content=Patched(source_path(entry), plan.patch), reason=reason))
    raise_all(errors)
    yield from patched


def _warnings(closure: Closure) -> Iterator[str]:
    """What the target needs, and what the source gets by chance."""
    packages: dict[str, dict[str, None]] = {}
    for _, name in closure.facts.left_to_host:
        if (package := redistributable(name)) is not None:
            packages.setdefault(package, {})[name] = None
    for package, names in packages.items():
        yield (
            f"not found here: {', '.join(names)}; a target needs the {package}, unless --root C:=DIR says where a Windows is "
            "that has it (DIR/Windows/System32)"
        )
    yield from map(_clash, closure.clashes)


def _clash(clash: Clash) -> str:
    return (
        f"{clash.name} means two different DLLs, {clash.first} and {clash.second}; both come along, and a process that "
        "loads both gets the first"
    )


def source_path(entry: Entry) -> str:
    """The file on this machine that an entry is made of."""
    assert isinstance(entry.content, Source), entry.path
    return entry.content.path

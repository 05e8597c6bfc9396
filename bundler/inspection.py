"""What is in an environment, a bundle or one binary, as JSON-ready facts. Runs nothing but an environment's probe."""

from __future__ import annotations

from typing import NamedTuple

from bundler.binaries.elf.launchers import HEAD_SIZE as HEAD_OF_LAUNCHER
from bundler.binaries.elf.launchers import read_launcher
from bundler.binaries.formats import FORMAT_NAMES, HEAD_SIZE, detect
from bundler.environment import Environment, load_environment
from bundler.environment.redirect import follow_file
from bundler.environment.unpacked import check_folder_or_archive
from bundler.errors import NotAnEnvironment
from bundler.formats import HEAD_SIZE as ARCHIVE_HEAD_SIZE
from bundler.formats import archive_of_content
from bundler.keywords import StrPath
from bundler.machine import os
from bundler.manifest import ChangedFile, Manifest, read_manifest
from bundler.option_kinds import path_of, switch_of
from bundler.platforms import Libc
from bundler.sinks.placement import is_bundle
from bundler.systems import system_named
from bundler.trees import MANIFEST, Kind
from bundler.trees.directory import DirectoryTree
from bundler.trees.manifests import find_manifest

Facts = dict[str, str | int | list[str] | None]


def inspect(path: StrPath, root: StrPath = "/", *, probe: bool = True, run: bool | None = None) -> Facts:
    """The facts of whatever lies at `path`; for an environment, `root` is the directory that it sees as `/`.

    Without `probe` its interpreter is not run; `run` is the former name of that. Raises the errors of reading it, and BadOption for
    a wrong argument.
    """
    path, root = path_of("path", path), path_of("root", root)
    run = switch_of("probe", probe) if run is None else switch_of("run", run)
    place = (follow_file(path) or path) if root == "/" else None
    if place is not None and os.path.isfile(place):
        return _bundle(place) if _is_archive(place) else _binary(place)
    if place is not None and os.path.isdir(place) and is_bundle(place):
        return _bundle(place)
    return _environment(load_environment(path, root, run=run))


def changed_files(path: str) -> tuple[ChangedFile, ...]:
    """The files of a bundle that its pack changed, each with the reason. Raises NotABundle, UnsupportedBundle."""
    check_folder_or_archive(path)
    return read_manifest(find_manifest(path)).changed


def _binary(path: str) -> Facts:
    with open(path, "rb") as file:
        head = file.read(max(HEAD_SIZE, HEAD_OF_LAUNCHER))
        found = detect(head[:HEAD_SIZE])
        if found is None:
            raise NotAnEnvironment(
                f"{path} is no {FORMAT_NAMES} file, and no archive that bundler knows",
                "name an environment, a bundle (a directory or an archive) or a binary",
            )
        facts: Facts = {"kind": "binary", **found.description(file)}
        launcher = read_launcher(head)
        return facts if launcher is None else {**facts, "starts": [word.text for word in launcher.words]}


def _is_archive(path: str) -> bool:
    """Whether a file may be a bundle: an archive, or a script that has one in it."""
    with open(path, "rb") as file:
        return archive_of_content(file.read(ARCHIVE_HEAD_SIZE)) is not None


def _bundle(path: str) -> Facts:
    """What `bundle.json` tells. Of a directory files are counted as they are there now, and none is opened."""
    data = find_manifest(path)
    manifest = read_manifest(data)
    floor = manifest.floor
    extent = _extent_of_directory(path) if os.path.isdir(path) else _extent_told(manifest, len(data))
    return {
        "kind": "bundle",
        "bundler": manifest.bundler,
        "python": manifest.python.version,
        "machine": manifest.machine,
        _floor_name(manifest): floor.text if floor else None,
        **({"floor_of": floor.system, "floor_file": floor.file, "floor_symbol": floor.reason} if floor else {}),
        "executable_stacks": list(manifest.ceiling.executable_stacks),
        "cpu_level": manifest.ceiling.cpu_level.name if manifest.ceiling.cpu_level else None,
        **({"loader": manifest.loader} if manifest.loader else {}),
        **({"host_loader": f"from glibc {manifest.host_libc.text} on"} if manifest.host_libc else {}),
        "size": extent.size,
        "files": extent.files,
        "links": extent.links,
        "changed": len(manifest.changed),
        "distributions": [f"{name} {version}" for name, version in manifest.distributions],
        "bundled_libraries": [f"{fact.path} ({fact.origin})" for fact in manifest.bundled],
        "host_libraries": list(manifest.host_libraries),
        "warnings": list(manifest.warnings),
    }


class _Extent(NamedTuple):
    """How much there is."""

    size: int
    """Bytes of all files, `bundle.json` among them."""
    files: int
    """Without it."""
    links: int


def _extent_told(manifest: Manifest, size: int) -> _Extent:
    """By a `bundle.json` of a size (bytes)."""
    facts = manifest.files.values()
    links = sum(1 for fact in facts if fact.link is not None)
    return _Extent(size + sum(fact.size for fact in facts), len(manifest.files) - links, links)


def _extent_of_directory(path: str) -> _Extent:
    """By the names and sizes in a directory."""
    size = files = links = 0
    for member, known in DirectoryTree(path).scan(lambda _member, _file: 0, lambda _member, known: known):
        size += known
        files += member.kind is Kind.FILE and member.path != MANIFEST
        links += member.kind is Kind.LINK
    return _Extent(size, files, links)


def _floor_name(manifest: Manifest) -> str:
    """What the floor is a release of, as a key: of the kernel where the bundle brings its libc."""
    if manifest.floor is not None:
        return manifest.floor.system.lower()
    if manifest.loader:
        return manifest.system
    libc = next((libc for libc in Libc if libc.value == manifest.libc), None)
    return system_named(manifest.system).floor_name(libc).lower()


def _environment(environment: Environment) -> Facts:
    return {
        "kind": environment.kind.value,
        "root": environment.root,
        "python": environment.interpreter.version,
        "executable": environment.interpreter.executable,
        "base": environment.interpreter.base_prefix,
        "platform": environment.platform.text,
        "read": "by its interpreter" if environment.probed else "from files",
        "distributions": [
            f"{found.name} {found.version}" + (" (editable)" if found.editable else "")
            for found in environment.distributions
        ],
    }

"""What is in an environment, a bundle or one binary, as JSON-ready facts. Runs nothing but an environment's probe."""

from __future__ import annotations

from bundler.binaries.elf.launchers import HEAD_SIZE as HEAD_OF_LAUNCHER
from bundler.binaries.elf.launchers import read_launcher
from bundler.binaries.formats import FORMAT_NAMES, HEAD_SIZE, detect
from bundler.environment import Environment, load_environment
from bundler.environment.redirect import follow_file
from bundler.errors import NotABundle, NotAnEnvironment
from bundler.files import MOST_OF_A_MANIFEST, read_regular
from bundler.keywords import StrPath
from bundler.machine import os
from bundler.manifest import Manifest, read_manifest
from bundler.option_kinds import path_of, switch_of
from bundler.platforms import Libc
from bundler.sinks.placement import is_bundle
from bundler.systems import system_named

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
        return _binary(place)
    if place is not None and os.path.isdir(place) and is_bundle(place):
        return _bundle(place)
    return _environment(load_environment(path, root, run=run))


def _binary(path: str) -> Facts:
    with open(path, "rb") as file:
        head = file.read(max(HEAD_SIZE, HEAD_OF_LAUNCHER))
        found = detect(head[:HEAD_SIZE])
        if found is None:
            raise NotAnEnvironment(
                f"{path} is no {FORMAT_NAMES} file",
                "name an environment, a bundle or a binary; unpack an archive first",
            )
        facts: Facts = {"kind": "binary", **found.description(file)}
        launcher = read_launcher(head)
        return facts if launcher is None else {**facts, "starts": [word.text for word in launcher.words]}


def _bundle(path: str) -> Facts:
    try:
        manifest = read_manifest(read_regular(os.path.join(path, "bundle.json"), MOST_OF_A_MANIFEST))
    except OSError as error:
        raise NotABundle(f"{error.filename} cannot be read: {error.strerror}") from error
    return {
        "kind": "bundle",
        "bundler": manifest.bundler,
        "python": manifest.python.version,
        "machine": manifest.machine,
        _floor_name(manifest): manifest.floor.text if manifest.floor else None,
        "executable_stacks": list(manifest.ceiling.executable_stacks),
        "cpu_level": manifest.ceiling.cpu_level.name if manifest.ceiling.cpu_level else None,
        **({"loader": manifest.loader} if manifest.loader else {}),
        **({"host_loader": f"from glibc {manifest.host_libc.text} on"} if manifest.host_libc else {}),
        "files": sum(1 for fact in manifest.files.values() if fact.link is None),
        "links": sum(1 for fact in manifest.files.values() if fact.link is not None),
        "changed": len(manifest.changed),
        "distributions": [f"{name} {version}" for name, version in manifest.distributions],
        "bundled_libraries": [f"{fact.path} ({fact.origin})" for fact in manifest.bundled],
        "host_libraries": list(manifest.host_libraries),
        "warnings": list(manifest.warnings),
    }


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

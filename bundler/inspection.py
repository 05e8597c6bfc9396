"""What is in an environment, a bundle or one binary, as JSON-ready facts. Runs nothing but an environment's probe."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import BinaryIO

from bundler.binaries.elf import is_elf, read_image, version_needs
from bundler.binaries.macho import Dylib, DylibKind, Slice, is_macho, read_signature, signature_fault
from bundler.binaries.macho import read_image as read_macho
from bundler.environment import Environment, load_environment
from bundler.errors import NotAnEnvironment
from bundler.manifest import Manifest, read_manifest
from bundler.platforms import Libc, OperatingSystem
from bundler.sinks.placement import is_bundle
from bundler.systems import system_of

Facts = dict[str, str | int | list[str] | None]


def inspect(path: str, root: str = "/", *, run: bool = True) -> Facts:
    """The facts of whatever lies at `path`; for an environment, `root` is the directory that it sees as `/`.

    Without `run` its interpreter is not run. Raises the errors of reading it.
    """
    if root == "/" and os.path.isfile(path):
        return _binary(path)
    if root == "/" and os.path.isdir(path) and is_bundle(path):
        return _bundle(path)
    return _environment(load_environment(path, root, run=run))


def _binary(path: str) -> Facts:
    with open(path, "rb") as file:
        head = file.read(8)
        if is_macho(head):
            return _macho(file)
        if not is_elf(head):
            raise NotAnEnvironment(f"{path} is no ELF or Mach-O file", "name an environment, a bundle or a binary")
        image = read_image(file)
        needs = version_needs(file, image)
    return {
        "kind": "binary",
        "machine": image.machine_name,
        "interpreter": image.interpreter,
        "soname": image.soname,
        "needed": list(image.needed),
        "rpath": image.rpath,
        "runpath": image.runpath,
        "versions": [f"{need.library} {need.version}" for need in needs],
    }


def _macho(file: BinaryIO) -> Facts:
    """The facts of a Mach-O file; what differs from slice to slice has the architecture in front."""
    slices = read_macho(file).slices
    several = len(slices) > 1

    def each(of: Callable[[Slice], Iterable[str]]) -> list[str]:
        return [f"{part.architecture}: {text}" if several else text for part in slices for text in of(part)]

    return {
        "kind": "binary",
        "architectures": [part.architecture for part in slices],
        "install_names": each(lambda part: [part.install_name] if part.install_name else []),
        "needed": each(lambda part: [_with_kind(dylib) for dylib in part.dylibs]),
        "rpaths": each(lambda part: part.rpaths),
        "minimum_macos": each(lambda part: [".".join(map(str, part.minimum_os))] if part.minimum_os else []),
        "signatures": each(lambda part: [_signature(file, part)]),
    }


def _with_kind(dylib: Dylib) -> str:
    return dylib.name if dylib.kind is DylibKind.LOAD else f"{dylib.name} ({dylib.kind.name.lower()})"


def _signature(file: BinaryIO, part: Slice) -> str:
    fault = signature_fault(file, part)
    if fault is not None:
        return f"not valid: {fault}"
    signature = read_signature(file, part)
    if signature is None:
        return "none"
    who = f"by {signature.identity}" if signature.identity else "by the linker" if signature.linker_signed else "ad hoc"
    return f"{signature.identifier}, {who}"


def _bundle(path: str) -> Facts:
    with open(os.path.join(path, "bundle.json"), "rb") as file:
        manifest = read_manifest(file.read())
    return {
        "kind": "bundle",
        "bundler": manifest.bundler,
        "python": manifest.python.version,
        "machine": manifest.machine,
        _floor_name(manifest): manifest.floor.text if manifest.floor else None,
        "files": len(manifest.files),
        "changed": len(manifest.changed),
        "distributions": [f"{name} {version}" for name, version in manifest.distributions],
        "bundled_libraries": [f"{fact.path} ({fact.origin})" for fact in manifest.bundled],
        "host_libraries": list(manifest.host_libraries),
        "warnings": list(manifest.warnings),
    }


def _floor_name(manifest: Manifest) -> str:
    """What the floor is a release of, as a key."""
    libc = Libc(manifest.libc) if manifest.libc else None
    return system_of(OperatingSystem(manifest.system)).floor_name(libc).lower()


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

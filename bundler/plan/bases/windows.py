"""The base of an environment under Windows: one folder with everything in it."""

from __future__ import annotations

from collections.abc import Iterator

from bundler.environment import Environment, EnvironmentKind, Interpreter
from bundler.machine import os
from bundler.plan.bases.parts import runtime
from bundler.plan.mounts import Mount
from bundler.scheme import BundleScheme
from bundler.systems.windows.layout import OF_THE_BASE, is_of_the_root, spelled


def base_mounts(interpreter: Interpreter, scheme: BundleScheme) -> Iterator[Mount]:
    """The interpreter's own parts: not its scripts, whose packages stay behind."""
    root, prefix = interpreter.sysroot, interpreter.base_prefix
    stays = {scheme.stdlib: frozenset({"site-packages", "EXTERNALLY-MANAGED"})}
    for name in root.names_in(prefix):
        source, path = os.path.join(prefix, name), spelled(name)
        if path in OF_THE_BASE and root.is_dir(source):
            yield runtime(interpreter, source, path, stays.get(path, frozenset()))
        elif is_of_the_root(name) and root.is_file(source):
            yield runtime(interpreter, source, path)
    yield runtime(interpreter, interpreter.executable, scheme.executable)
    folder, name = os.path.split(interpreter.executable)
    windowed = os.path.join(folder, name.replace("python", "pythonw", 1))  # pythonw3.13t.exe
    if root.is_file(windowed):
        yield runtime(interpreter, windowed, scheme.executable.replace("python", "pythonw", 1))


def copies_of_the_base(environment: Environment) -> frozenset[str]:
    """Bundle paths of what virtualenv may copy beside the `python.exe` of an environment: DLLs, the embeddable's modules."""
    if environment.kind is not EnvironmentKind.VENV:
        return frozenset()
    root, scripts = environment.sysroot, environment.scheme.scripts
    of_the_base = {name.lower() for name in root.names_in(environment.interpreter.base_prefix)}
    names = root.names_in(root.real(os.path.join(environment.root, scripts)))
    return frozenset(f"{scripts}/{name}" for name in names if is_of_the_root(name) and name.lower() in of_the_base)

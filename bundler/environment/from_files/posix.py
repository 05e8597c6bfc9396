"""The facts of an interpreter from files alone: what the probe tells, where nothing may or can be run.

What Python works out at its start is worked out here in the same way: the prefix from `home` and the place of the standard
library (Modules/getpath.py); the rest from `build-details.json`, from `_sysconfigdata*.py`, which is read as a literal and never
executed, and from `patchlevel.h`.
"""

from __future__ import annotations

import ast
import mmap
import re
from collections.abc import Iterator, Mapping

from bundler.environment.build_details import BuildDetails, read_build_details
from bundler.environment.discovery import LocatedEnvironment
from bundler.environment.executable import real_executable
from bundler.environment.facts import Interpreter, VersionInfo
from bundler.environment.standard_library import (
    LIBRARY_FOLDERS,
    StandardLibrary,
    check_libpython,
    find_standard_library,
)
from bundler.environment.variables import CONFIGURATION_VARIABLES
from bundler.errors import InterpreterFailed
from bundler.files import opened, read_regular
from bundler.machine import os
from bundler.machine.failing import unless_failing
from bundler.parsing import parse_literal, parse_python
from bundler.sysroot import Sysroot

_VERSION = re.compile(
    r"(?P<major>\d{1,5})\.(?P<minor>\d{1,5})\.(?P<micro>\d{1,5})(?:(?P<level>a|b|rc)(?P<serial>\d{1,5}))?\+?"
)
_LEVELS = {"a": "alpha", "b": "beta", "rc": "candidate", None: "final"}


def read_interpreter(located: LocatedEnvironment) -> Interpreter:
    """The facts of the base interpreter of an environment.

    Raises BaseInterpreterMissing where there is no standard library, UnsupportedEnvironment for another implementation than
    CPython or a version before 3.8, InterpreterFailed where its configuration or its version cannot be read.
    """
    root = located.sysroot
    library = find_standard_library(located)
    prefix, stdlib = library.prefix, library.stdlib
    data = _read_configuration(library, located)
    variables = {key: str(data[key]) for key in CONFIGURATION_VARIABLES if data.get(key) is not None}
    flags = str(data.get("ABIFLAGS") or "")
    thread = "t" if variables.get("Py_GIL_DISABLED") == "1" else ""
    short = f"3.{library.minor}"
    details = read_build_details(stdlib, flags, root)
    executable = real_executable(
        root, prefix, (f"python{variables.get('LDVERSION', short)}", f"python{short}"), [located.python]
    )
    check_libpython(located, executable, library)
    include = root.real(os.path.join(prefix, "include", f"python{short}{flags}"))
    interpreter = Interpreter(
        version_info=VersionInfo(3, library.minor, 0, "final", 0),
        executable=executable,
        base_prefix=prefix,
        platlibdir=library.name,
        abiflags=flags,
        stdlib=stdlib,
        platstdlib=_platform_library(library, variables, root),
        include=include,
        dist_packages=b"dist-packages" in _read(root.real(os.path.join(stdlib, "site.py"))),
        extension_suffixes=(details.extension_suffixes if details is not None else ())
        or _extension_suffixes(library.minor, variables, data, thread),
        cache_tag=f"cpython-3{library.minor}",
        variables=variables,
        sysroot=root,
    )
    return interpreter.with_version(_told_version(interpreter, details) or _version(interpreter, located))


def _platform_library(library: StandardLibrary, variables: Mapping[str, str], root: Sysroot) -> str:
    """Where `lib-dynload` lies: beside the rest, or below the other of `lib` and `lib64`."""
    if not root.is_dir(os.path.join(library.stdlib, "lib-dynload")):
        for name in LIBRARY_FOLDERS:
            other = os.path.join(library.prefix, name, os.path.basename(library.stdlib))
            if root.is_dir(os.path.join(other, "lib-dynload")):
                return root.real(other)
    return library.stdlib


def _read_configuration(library: StandardLibrary, located: LocatedEnvironment) -> Mapping[str, object]:
    """The content of `_sysconfigdata*.py`; Debian has one under each of two names, and one more for its debug build."""
    root = located.sysroot
    names = [
        name.removesuffix(".py")
        for name in root.names_in(library.stdlib)
        if re.fullmatch(r"_sysconfigdata_t?_\S*\.py", name)
    ]
    if not names and any(name.endswith(".pyc") for name in root.names_in(library.stdlib)):
        raise InterpreterFailed(
            f"{library.stdlib} has compiled modules alone: how this Python was built is not to be read without running it",
            "pack it where it runs, without --no-probe or --root; or install the sources of its standard library",
        )
    if not names:
        raise InterpreterFailed(
            f"{library.stdlib} has no _sysconfigdata file, so nothing tells how this Python was built",
            "Debian has it in libpython3.X-stdlib; is it a CPython?",
        )
    # Debian asks for the name without the system's; upstream knows no other than the one with it.
    debian = [name for name in names if not name.startswith(("_sysconfigdata__linux", "_sysconfigdata_t_linux"))]
    is_debian = b"dist-packages" in _read(root.real(os.path.join(library.stdlib, "site.py")))
    name = (debian if is_debian and debian else names)[0]
    path = root.real(os.path.join(library.stdlib, name + ".py"))
    return read_sysconfigdata(_read(path), path)


def read_sysconfigdata(data: bytes, path: str) -> Mapping[str, object]:
    """The dictionary `build_time_vars` of a `_sysconfigdata*.py` (called `path` in errors), without values that are no literals.

    Nothing is executed. Raises InterpreterFailed where the file cannot be parsed or has no such dictionary.
    """
    try:
        module = parse_python(data)
    except ValueError as error:
        raise InterpreterFailed(f"{path} is not valid Python: {error}") from error
    for statement in module.body:
        if not isinstance(statement, ast.Assign) or not isinstance(statement.value, ast.Dict):
            continue
        if any(isinstance(target, ast.Name) and target.id == "build_time_vars" for target in statement.targets):
            return dict(_literals(statement.value))
    raise InterpreterFailed(f"{path} has no dictionary build_time_vars")


def _literals(table: ast.Dict) -> Iterator[tuple[str, object]]:
    for key, value in zip(table.keys, table.values, strict=True):
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            try:
                yield key.value, parse_literal(value)
            except ValueError:
                continue


def _extension_suffixes(
    minor: int, variables: Mapping[str, str], data: Mapping[str, object], thread: str
) -> tuple[str, ...]:
    """As Python/dynload_shlib.c lists them.

    Up to 3.14 free-threaded builds look for abi3 as well. From 3.15 on a stable ABI's may carry the machine, and abi3t, which every
    build loads, is the only one of free-threaded builds.
    """
    suffixes = [variables.get("EXT_SUFFIX", ".so")]
    if alternative := data.get("ALT_SOABI"):
        suffixes.append(f".{str(alternative).strip('.')}.so")
    if minor < 15:
        return (*suffixes, ".abi3.so", ".so")
    machine = data.get("SOABI_PLATFORM")
    for stable in ("abi3t",) if thread else ("abi3", "abi3t"):
        suffixes += [f".{stable}-{machine}.so"] if machine else []
        suffixes.append(f".{stable}.so")
    return (*suffixes, ".so")


def _told_version(interpreter: Interpreter, details: BuildDetails | None) -> VersionInfo | None:
    """The exact version by `build-details.json`, where it speaks of this interpreter."""
    version = details.version_info if details is not None else None
    return version if version is not None and version[:2] == interpreter.version_info[:2] else None


def _version(interpreter: Interpreter, located: LocatedEnvironment) -> VersionInfo:
    """The exact version: from the headers, else from the text in the interpreter itself, else from `pyvenv.cfg`."""
    for text in _version_texts(interpreter, located):
        match = _VERSION.fullmatch(text)
        if match is not None and f"{match['major']}.{match['minor']}" == interpreter.short_version:
            return VersionInfo(
                int(match["major"]),
                int(match["minor"]),
                int(match["micro"]),
                _LEVELS[match["level"]],
                int(match["serial"] or 0),
            )
    raise InterpreterFailed(
        f"the exact version of {interpreter.executable} is not found in any file",
        "install its headers (patchlevel.h), or pack where it can be run",
    )


def _version_texts(interpreter: Interpreter, located: LocatedEnvironment) -> Iterator[str]:
    root = located.sysroot
    header = _read(root.real(os.path.join(interpreter.include, "patchlevel.h"))).decode("utf-8", "replace")
    if match := re.search(r'#define\s+PY_VERSION\s+"([^"]+)"', header):
        yield match[1]
    libraries = [
        os.path.join(folder, name) for folder in interpreter.library_directories for name in interpreter.library_names
    ]
    for path in (interpreter.executable, *(root.real(library) for library in libraries)):
        yield from _version_in(path, interpreter.short_version)
    yield located.config.get("version_info", "").removesuffix(".final.0")
    yield located.config.get("version", "")


def _version_in(path: str, short: str) -> list[str]:
    """PY_VERSION in a binary, where one version `X.Y.Z` of this `X.Y` ends a C string (linkers merge equal ends)."""
    pattern = re.compile(rb"(?<![\d.])(" + re.escape(short).encode() + rb"\.\d{1,3}(?:(?:a|b|rc)\d{1,2})?\+?)\0")
    try:
        with opened(path) as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            found = {match[1].decode() for match in pattern.finditer(data)}
    except (OSError, ValueError) as error:
        unless_failing(error, path)
        return []
    return list(found) if len(found) == 1 else []


def _read(path: str) -> bytes:
    try:
        return read_regular(path)
    except OSError as error:
        unless_failing(error, path)
        return b""

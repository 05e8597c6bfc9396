"""The facts of an interpreter from files alone: what the probe tells, where nothing may or can be run.

What Python works out at its start is worked out here in the same way: the prefix from `home` and the place of the standard
library (Modules/getpath.py), the rest from `_sysconfigdata*.py`, which is read as a literal and never executed, and
`patchlevel.h` (reference/interpreters.md 1.0, 2.1).
"""

from __future__ import annotations

import ast
import mmap
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bundler.environment.discovery import Place
from bundler.environment.executable import real_executable
from bundler.environment.facts import Interpreter
from bundler.errors import BaseInterpreterMissing, InterpreterFailed, UnsupportedEnvironment
from bundler.platforms import OperatingSystem
from bundler.sysroot import Sysroot

_LIBRARIES = ("lib", "lib64")
_LANDMARK = "os.py"
_PYTHON = re.compile(r"python3\.(?P<minor>\d+)(?P<flags>t?d?)")
_VERSION = re.compile(r"(?P<major>\d+)\.(?P<minor>\d+)\.(?P<micro>\d+)(?:(?P<level>a|b|rc)(?P<serial>\d+))?\+?")
_LEVELS = {"a": "alpha", "b": "beta", "rc": "candidate", None: "final"}
VersionInfo = tuple[int, int, int, str, int]
# The variables that are asked for, as in the probe's script.
_VARIABLES = (
    "BINDIR", "EXT_SUFFIX", "INSTSONAME", "LDLIBRARY", "LDVERSION", "LIBDIR", "LIBPC", "LIBPL", "MULTIARCH",
    "PYTHONFRAMEWORK", "PYTHON_BUILD_STANDALONE", "Py_DEBUG", "Py_ENABLE_SHARED", "Py_GIL_DISABLED", "WHEEL_PKG_DIR",
)  # fmt: skip


def read_interpreter(place: Place) -> Interpreter:
    """The facts of the base interpreter of the environment at `place`.

    Raises BaseInterpreterMissing where there is no standard library, UnsupportedEnvironment for another implementation than
    CPython or a version before 3.8, InterpreterFailed where its configuration or its version cannot be read.
    """
    root = place.sysroot
    library = _find_library(place)
    prefix, stdlib = library.prefix, library.stdlib
    name, data = _read_configuration(library, place)
    variables = {key: str(data[key]) for key in _VARIABLES if data.get(key) is not None}
    flags = str(data.get("ABIFLAGS") or "")
    thread = "t" if variables.get("Py_GIL_DISABLED") == "1" else ""
    short = f"3.{library.minor}"
    multiarch = variables.get("MULTIARCH", "")
    executable = real_executable(
        root, prefix, (f"python{variables.get('LDVERSION', short)}", f"python{short}"), place.python
    )
    include = root.real(os.path.join(prefix, "include", f"python{short}{flags}"))
    interpreter = Interpreter(
        version_info=(3, library.minor, 0, "final", 0),
        executable=executable,
        base_prefix=prefix,
        platlibdir=library.name,
        abiflags=flags,
        stdlib=stdlib,
        platstdlib=_platform_library(library, variables, root),
        include=include,
        makefile=root.real(
            os.path.join(stdlib, f"config-{short}{flags}" + (f"-{multiarch}" if multiarch else ""), "Makefile")
        ),
        dist_packages=b"dist-packages" in _read(root.real(os.path.join(stdlib, "site.py"))),
        sysconfigdata=name,
        extension_suffixes=_extension_suffixes(variables, data, thread),
        cache_tag=f"cpython-3{library.minor}",
        platform=_platform_text(place, data),
        variables=variables,
        sysroot=root,
    )
    return interpreter.with_version(_version(interpreter, place))


@dataclass(frozen=True, slots=True)
class _Library:
    """A standard library that was found: paths with all links followed; `name` is the folder's, `lib` or `lib64`."""

    prefix: str
    name: str
    stdlib: str
    minor: int


def _find_library(place: Place) -> _Library:
    """The base's standard library: the nearest one of the right version above its executable."""
    minor = _minor_version(place)
    starts = list(dict.fromkeys(_starts(place)))
    for start in starts:
        found = _search_up(start, place.sysroot, minor)
        if found is not None:
            if found.minor < 8:
                raise UnsupportedEnvironment(f"{place.python} is Python 3.{found.minor}; bundler packs 3.8 and later")
            return found
    wanted = f"python3.{minor}" if minor else "python3.*"
    raise BaseInterpreterMissing(
        f"no standard library (lib/{wanted}/os.py) lies above "
        + " or ".join(place.sysroot.name_of(start) for start in starts),
        "is the environment's base Python in the root that --root names?"
        if not place.sysroot.is_host
        else "the environment's base Python is gone, or it is no CPython",
    )


def _starts(place: Place) -> Iterator[str]:
    """Where the search begins, in Python's order: `home`, then the folder of the executable behind all links."""
    root = place.sysroot
    if home := place.config.get("home"):
        folder = root.path_of(home)
        yield folder
        for name in _python_names(folder, root):
            yield os.path.dirname(root.real(os.path.join(folder, name)))
    yield os.path.dirname(root.real(place.python))
    yield os.path.dirname(place.python)


def _python_names(folder: str, root: Sysroot) -> list[str]:
    found = root.names_in(folder)
    return [
        name for name in ("python3", "python", *found) if name in found and re.fullmatch(r"python(3(\.\d+)?)?", name)
    ]


def _minor_version(place: Place) -> int | None:
    """X of 3.X, where names or `pyvenv.cfg` tell."""
    root = place.sysroot
    paths = [root.real(place.python)]
    if home := place.config.get("home"):
        folder = root.path_of(home)
        paths += [root.real(os.path.join(folder, name)) for name in ("python3", "python")]
    for path in paths:
        if match := _PYTHON.fullmatch(os.path.basename(path)):
            return int(match["minor"])
    for key in ("version_info", "version"):
        if match := re.match(r"3\.(\d+)", place.config.get(key, "")):
            return int(match[1])
    names = [name for name in root.names_in(os.path.join(place.root, "lib")) if _PYTHON.fullmatch(name)]
    return int(names[0].partition(".")[2].rstrip("td")) if len(names) == 1 else None


def _search_up(start: str, root: Sysroot, minor: int | None) -> _Library | None:
    """The nearest folder at or above `start` with a standard library below `lib` or `lib64`."""
    folder = start
    while True:
        for name in _LIBRARIES:
            library = os.path.join(folder, name)
            for python in root.names_in(library):
                match = _PYTHON.fullmatch(python)
                if match is None or minor not in (None, int(match["minor"])):
                    continue
                stdlib = os.path.join(library, python)
                if root.is_file(os.path.join(stdlib, _LANDMARK)):
                    return _Library(root.real(folder), name, root.real(stdlib), int(match["minor"]))
        if folder in ("/", root.path) or not root.holds(folder):
            return None
        folder = os.path.dirname(folder)


def _platform_library(library: _Library, variables: Mapping[str, str], root: Sysroot) -> str:
    """Where `lib-dynload` lies: beside the rest, or below the other of `lib` and `lib64`."""
    if not root.is_dir(os.path.join(library.stdlib, "lib-dynload")):
        for name in _LIBRARIES:
            other = os.path.join(library.prefix, name, os.path.basename(library.stdlib))
            if root.is_dir(os.path.join(other, "lib-dynload")):
                return root.real(other)
    return library.stdlib


def _read_configuration(library: _Library, place: Place) -> tuple[str, Mapping[str, object]]:
    """Name and content of `_sysconfigdata*.py`; Debian has one under each of two names, and one more for its debug build."""
    root = place.sysroot
    names = [
        name.removesuffix(".py")
        for name in root.names_in(library.stdlib)
        if re.fullmatch(r"_sysconfigdata_t?_\S*\.py", name)
    ]
    if not names:
        raise InterpreterFailed(
            f"{library.stdlib} has no _sysconfigdata file, so nothing tells how this Python was built",
            "Debian has it in libpython3.X-stdlib; is it a CPython?",
        )
    # Debian asks for the name without the system's; upstream knows no other than the one with it.
    debian = [name for name in names if not name.startswith(("_sysconfigdata__linux", "_sysconfigdata_t_linux"))]
    name = (
        debian if b"dist-packages" in _read(root.real(os.path.join(library.stdlib, "site.py"))) else names or names
    )[0]
    path = root.real(os.path.join(library.stdlib, name + ".py"))
    return name, read_sysconfigdata(_read(path), path)


def read_sysconfigdata(data: bytes, path: str) -> Mapping[str, object]:
    """The dictionary `build_time_vars` of a `_sysconfigdata*.py` (called `path` in errors), without values that are no literals.

    Nothing is executed. Raises InterpreterFailed where the file cannot be parsed or has no such dictionary.
    """
    try:
        module = ast.parse(data)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
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
                yield key.value, ast.literal_eval(value)
            except (ValueError, TypeError, RecursionError, MemoryError):
                continue


def _extension_suffixes(variables: Mapping[str, str], data: Mapping[str, object], thread: str) -> tuple[str, ...]:
    """As Python/dynload_shlib.c lists them; a free-threaded build has no stable ABI."""
    suffixes = [variables.get("EXT_SUFFIX", ".so")]
    if alternative := data.get("ALT_SOABI"):
        suffixes.append(f".{str(alternative).strip('.')}.so")
    if not thread:
        suffixes.append(".abi3.so")
    return (*suffixes, ".so")


def _platform_text(place: Place, data: Mapping[str, object]) -> str:
    """As `sysconfig.get_platform()` says it there (Lib/sysconfig.py, Lib/_osx_support.py)."""
    names = place.platform.machine_names
    if place.platform.system is OperatingSystem.MACOS:
        target = data.get("MACOSX_DEPLOYMENT_TARGET") or "10.9"
        return f"macosx-{target}-{'universal2' if len(names) > 1 else names[0]}"
    return f"{place.platform.system.value}-{names[0]}"


def _version(interpreter: Interpreter, place: Place) -> VersionInfo:
    """The exact version: from the headers, else from the text in the interpreter itself, else from `pyvenv.cfg`."""
    for text in _version_texts(interpreter, place):
        match = _VERSION.fullmatch(text)
        if match is not None and f"{match['major']}.{match['minor']}" == interpreter.short_version:
            numbers = int(match["major"]), int(match["minor"]), int(match["micro"])
            return (*numbers, _LEVELS[match["level"]], int(match["serial"] or 0))
    raise InterpreterFailed(
        f"the exact version of {interpreter.executable} is not found in any file",
        "install its headers (patchlevel.h), or pack where it can be run",
    )


def _version_texts(interpreter: Interpreter, place: Place) -> Iterator[str]:
    root = place.sysroot
    header = _read(root.real(os.path.join(interpreter.include, "patchlevel.h"))).decode("utf-8", "replace")
    if match := re.search(r'#define\s+PY_VERSION\s+"([^"]+)"', header):
        yield match[1]
    libraries = [
        os.path.join(folder, name) for folder in interpreter.library_directories for name in interpreter.library_names
    ]
    for path in (interpreter.executable, *(root.real(library) for library in libraries)):
        yield from _version_in(path, interpreter.short_version)
    yield place.config.get("version_info", "").removesuffix(".final.0")
    yield place.config.get("version", "")


def _version_in(path: str, short: str) -> list[str]:
    """PY_VERSION in a binary, where one version `X.Y.Z` of this `X.Y` ends a C string (linkers merge equal ends)."""
    pattern = re.compile(rb"(?<![\d.])(" + re.escape(short).encode() + rb"\.\d{1,3}(?:(?:a|b|rc)\d{1,2})?\+?)\0")
    try:
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            found = {match[1].decode() for match in pattern.finditer(data)}
    except (OSError, ValueError):
        return []
    return list(found) if len(found) == 1 else []


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""

"""The facts of a Windows interpreter: from `home` of `pyvenv.cfg`, the DLL that holds Python, and the folders beside it."""

from __future__ import annotations

import re

from bundler.environment.claims import Claim, Release, check_claims, claims_of_config
from bundler.environment.discovery import LocatedEnvironment
from bundler.environment.facts import EnvironmentKind, Interpreter, VersionInfo
from bundler.errors import BaseInterpreterMissing, InterpreterFailed, UnsupportedEnvironment
from bundler.files import read_regular
from bundler.machine import os
from bundler.machine.failing import unless_failing
from bundler.sysroot import Sysroot
from bundler.systems.windows.layout import (
    PythonDll,
    executable_names,
    extension_suffixes,
    is_embeddable,
    python_dlls,
    version_of_dll,
)

_VERSION = re.compile(r"3\.(?P<minor>\d{1,5})\.(?P<micro>\d{1,5})(?:(?P<level>a|b|rc)(?P<serial>\d{1,5}))?\+?")
_LEVELS = {"a": "alpha", "b": "beta", "rc": "candidate", None: "final"}
_PATCHLEVEL = re.compile(r'#define\s+PY_VERSION\s+"([^"]+)"')


def read_interpreter(located: LocatedEnvironment) -> Interpreter:
    """The facts of the base interpreter of an environment.

    Raises BaseInterpreterMissing where the folder that `home` names has no Python, ContradictoryEnvironment where it has another
    one than the environment says, UnsupportedEnvironment for one before 3.8, InterpreterFailed where nothing tells its version.
    """
    root = located.sysroot
    prefix = _prefix(located)
    dll = _dll(located, prefix)
    if dll.minor < 8:
        raise UnsupportedEnvironment(f"{prefix} is Python 3.{dll.minor}; bundler packs 3.8 and later")
    names = executable_names(dll)
    executable = next((path for name in names if root.is_file(path := os.path.join(prefix, name))), None)
    if executable is None:
        raise BaseInterpreterMissing(f"{prefix} has {dll.name}, and no {names[0]}", "is the installation whole?")
    (machine,) = located.platform.machines
    suffixes = extension_suffixes(dll, machine.name_on(located.platform.system))
    variables = {"EXT_SUFFIX": suffixes[0]} | ({"Py_GIL_DISABLED": "1"} if dll.free_threaded else {})
    stdlib = os.path.join(prefix, "Lib")
    if is_embeddable(root, prefix) and not root.is_file(os.path.join(prefix, f"python3{dll.minor}.zip")):
        raise BaseInterpreterMissing(f"{prefix} has no standard library: neither Lib nor python3{dll.minor}.zip")
    return Interpreter(
        version_info=_version(prefix, dll, located),
        executable=root.real(executable),
        base_prefix=prefix,
        platlibdir="Lib",
        abiflags="",
        stdlib=root.real(stdlib),
        platstdlib=root.real(stdlib),
        include=root.real(os.path.join(prefix, "include")),
        dist_packages=False,
        extension_suffixes=suffixes,
        cache_tag=f"cpython-3{dll.minor}",
        variables=variables,
        sysroot=root,
    )


def _prefix(located: LocatedEnvironment) -> str:
    """The folder of the base: `home`, or the installation itself."""
    root = located.sysroot
    if located.kind is not EnvironmentKind.VENV:
        return root.real(located.root)
    home = located.config["home"]
    folder = root.real(root.located(home, located.root))
    if not python_dlls(root, folder):
        raise BaseInterpreterMissing(
            f"the base Python of {located.root} is not there: pyvenv.cfg says home = {home}, which would be {folder}",
            _how_to_name_the_drive(located.root, home, root),
        )
    return folder


def _how_to_name_the_drive(environment: str, home: str, root: Sysroot) -> str:
    """What to do where `home` is not found: one drive may be named, of several the folder that they lie in."""
    drive = home[:2].upper() if root.is_name(home) else "C:"
    own = root.name_of(environment)[:2]
    if root.is_name(root.name_of(environment)) and own != drive:
        return f"--root DIR finds the drives {own} and {drive} as DIR/{own} and DIR/{drive}"
    return f"--root {drive}=DIR says which folder here is drive {drive} of the machine that the environment was made on"


def _dll(located: LocatedEnvironment, prefix: str) -> PythonDll:
    """The DLL of the release that the environment speaks of: one folder may hold a free-threaded build beside the usual one."""
    found = python_dlls(located.sysroot, prefix)
    if not found:
        hint = "is the installation whole?"
        if located.sysroot.exists(os.path.join(located.root, "pyvenv.cfg")):
            hint = "its pyvenv.cfg has no line `home = ...`: write the folder of the base Python there"
        raise BaseInterpreterMissing(f"{prefix} has python.exe, and no pythonXY.dll beside it", hint)
    claims = list(claims_of_config(located.root, located.config))
    for dll in sorted(found, key=lambda each: each.free_threaded != _asks_for_threads(located)):
        told = Claim(Release(dll.minor), f"{prefix} has {dll.name}")
        if all(claim.release.minor == dll.minor for claim in claims):
            return dll
    check_claims([*claims, told], [])
    return found[0]


def _asks_for_threads(located: LocatedEnvironment) -> bool:
    """Whether the environment was made with the free-threaded build, by its base's executable."""
    keys = ("executable", "base-executable")
    return any(re.search(r"python3\.\d+t\.exe$", located.config.get(key, ""), re.IGNORECASE) for key in keys)


def _version(prefix: str, dll: PythonDll, located: LocatedEnvironment) -> VersionInfo:
    """The exact version: from the DLL's version resource, else from the headers, else from `pyvenv.cfg`."""
    header = _text(located.sysroot.real(os.path.join(prefix, "include", "patchlevel.h")))
    told = _PATCHLEVEL.search(header)
    texts = [version_of_dll(os.path.join(prefix, dll.name)), told[1] if told else ""]
    texts += [located.config.get("version_info", "").removesuffix(".final.0"), located.config.get("version", "")]
    for text in texts:
        match = _VERSION.fullmatch(text)
        if match is not None and int(match["minor"]) == dll.minor:
            return VersionInfo(3, dll.minor, int(match["micro"]), _LEVELS[match["level"]], int(match["serial"] or 0))
    raise InterpreterFailed(
        f"the exact version of {dll.name} in {prefix} is not found in any file", "is it the DLL of an official build?"
    )


def _text(path: str) -> str:
    try:
        return read_regular(path).decode("utf-8", "replace")
    except OSError as error:
        unless_failing(error, path)
        return ""

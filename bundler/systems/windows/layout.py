"""How an installation of Python on Windows is laid out: python.org's, nuget's, python-build-standalone's and the embeddable one.

The root holds `python.exe` and `pythonXY.dll`; everything else is found from there (CPython: PC/layout, Modules/getpath.py).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from bundler.binaries.pe import read_image
from bundler.binaries.pe.version_resource import read_version
from bundler.bundle_paths import parents
from bundler.errors import BinaryFormatError
from bundler.files import opened
from bundler.machine import os
from bundler.machine.failing import unless_failing
from bundler.scheme import BundleScheme
from bundler.sysroot import Sysroot
from bundler.systems.system import Activation, PythonNames

PYTHONS = ("Scripts/python.exe", "python.exe")
"""Where the Python of an environment lies, and that of an installation."""
FOLDERS = ("DLLs", "Lib", "Scripts", "include", "libs", "share", "tcl")
"""The folders of an installation, as a bundle spells them. An environment may spell them in another case (`Include`)."""
OF_THE_BASE = ("DLLs", "Lib", "include", "libs", "tcl")
"""Those of them that are Python's own."""

_PYTHON_DLL = re.compile(r"python3(?P<minor>\d{1,5})(?P<threads>t?)\.dll", re.IGNORECASE)
_LEVELS = {10: "a", 11: "b", 12: "rc"}
_OF_THE_ROOT = re.compile(r"pythonw?\.exe|.*\.(dll|pyd|cat|_pth)|python3\d+\.zip|license(\.txt)?", re.IGNORECASE)

WINDOWS_ACTIVATION = Activation(
    names=(
        "activate",
        "activate.bat",
        "deactivate.bat",
        "activate.fish",
        "activate.nu",
        "Activate.ps1",
        "activate.xsh",
    ),
    scripts="Scripts",
    python="python.exe",
    folders=("", "Scripts"),
)
"""cmd has two: what is a function elsewhere is a file there. `activate` is for the bash of Git and MSYS2."""


def windows_scheme(python: PythonNames) -> BundleScheme:
    """The layout of a bundle: that of python.org's installer. DLLs of the machine lie beside `python.exe`, for all searches."""
    short = python.python_name.removeprefix("python").replace(".", "")
    return BundleScheme(
        executable="python.exe",
        stdlib="Lib",
        dynload="DLLs",
        stdlib_zip=f"python{short.rstrip('t')}.zip",
        site_packages="Lib/site-packages",
        system_site="Lib/system-site",
        include="include",
        scripts="Scripts",
        libraries="",
        bundled="",
        share="share",
        libpython=(f"python{short}.dll",),
    )


def spelled(name: str) -> str:
    """The name of a folder of an installation as a bundle spells it; other names stay as they are."""
    return next((folder for folder in FOLDERS if folder.lower() == name.lower()), name)


def is_of_the_root(name: str) -> bool:
    """Whether a file at the top of an installation is a part of its Python."""
    return _OF_THE_ROOT.fullmatch(name) is not None


class PythonDll(NamedTuple):
    """The DLL that holds Python, by its name."""

    name: str
    minor: int
    free_threaded: bool


def python_dlls(root: Sysroot, prefix: str) -> list[PythonDll]:
    """The `pythonXY.dll` in the folder `prefix`; `python3.dll` only leads to one of these."""
    found = ((name, _PYTHON_DLL.fullmatch(name)) for name in root.names_in(prefix))
    return [PythonDll(name, int(match["minor"]), bool(match["threads"])) for name, match in found if match]


def version_of_dll(path: str) -> str:
    """What the version resource of `pythonXY.dll` says: `3.12.9`, `3.13.0rc2`; "" where it says nothing.

    The third number is 1000 for each micro release, 10 for the level, and the serial (CPython: PC/python_ver_rc.h).
    """
    try:
        with opened(path) as file:
            version = read_version(file, read_image(file).headers)
    except (OSError, BinaryFormatError) as error:
        unless_failing(error, path)
        return ""
    if version is None:
        return ""
    major, minor, field, _ = version.file
    micro, rest = divmod(field, 1000)
    level, serial = divmod(rest, 10)
    suffix = _LEVELS.get(level)
    return f"{major}.{minor}.{micro}" + (f"{suffix}{serial}" if suffix else "")


def executable_names(dll: PythonDll) -> tuple[str, ...]:
    """Programs that start the Python of a DLL, the likeliest first: one folder may hold one of each kind."""
    name = f"python3.{dll.minor}"
    return (f"{name}t.exe", "python.exe") if dll.free_threaded else ("python.exe", f"{name}.exe")


def extension_suffixes(dll: PythonDll, machine: str) -> tuple[str, ...]:
    """As Python/dynload_win.c lists them; `machine` as Windows calls it (`AMD64`)."""
    tag = {"AMD64": "win_amd64", "ARM64": "win_arm64", "ARM": "win_arm32"}.get(machine, "win32")
    return (f".cp3{dll.minor}{'t' if dll.free_threaded else ''}-{tag}.pyd", ".pyd")


def is_embeddable(root: Sysroot, prefix: str) -> bool:
    """Whether the standard library is the zip beside `python.exe` alone."""
    return not root.is_file(os.path.join(prefix, "Lib", "os.py"))


def is_of_python(path: str, scheme: BundleScheme) -> bool:
    """Whether python.org's installer puts files at a bundle path."""
    folder, _, name = path.partition("/")
    if not name:
        return folder in OF_THE_BASE or is_of_the_root(folder)
    return folder in OF_THE_BASE and not any(scheme.is_package_folder(above) for above in (path, *parents(path)))

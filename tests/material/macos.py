"""Whole installations for macOS, put together on any machine from real parts: freeze-core's wheel for macOS has python.org's
library, a program, the extension modules and their libraries; the standard library is that of a Python at hand.

Install names are given back to what each installer writes.
"""

from __future__ import annotations

import io
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from bundler.binaries.macho import Edits, is_macho, plan_patch, read_image
from tests.material.interpreters import Python
from tests.material.wheels import unpack

FREEZE_CORE = ("freeze-core==0.8.1", "macosx_10_13_universal2")
VERSION = "3.13"
RELEASE = "3.13.15"
_LEFT_OUT = shutil.ignore_patterns(
    "test", "tests", "__pycache__", "idlelib", "turtledemo", "*.a", "site-packages", "lib-dynload", "config-*", "ensurepip",
    "_sysconfigdata*", "_pyrepl", "tkinter", "lib2to3", "pydoc_data",
)  # fmt: skip
_LIBRARIES = ("libssl.3.dylib", "libcrypto.3.dylib", "libncurses.6.dylib", "libpanel.6.dylib")


@dataclass(frozen=True)
class Mac:
    """A root directory of a Mac: the base's prefix and a venv, as names inside."""

    root: Path
    prefix: str
    venv: str

    def path(self, name: str) -> Path:
        """The path of a name inside."""
        return self.root / name.lstrip("/")


class Parts:
    """What installations are made of."""

    def __init__(self, python: Python, where: Path) -> None:
        if python.version != VERSION:
            pytest.skip(f"needs the standard library of Python {VERSION}")
        self.wheel = unpack(*FREEZE_CORE, where / "freeze-core", VERSION) / "freeze_core"
        self.stdlib = Path(python.prefix) / "lib" / f"python{VERSION}"
        self.program = next(self.wheel.glob("bases/console-*-darwin"))
        self.libpython = self.wheel / "bases/lib/Python"

    def base(self, root: Path, prefix: str, libraries: str, variables: dict[str, object]) -> None:
        """The standard library, modules (which ask for libraries by absolute names below `libraries`) and headers."""
        place = root / prefix.lstrip("/")
        stdlib = place / f"lib/python{VERSION}"
        shutil.copytree(self.stdlib, stdlib, ignore=_LEFT_OUT, symlinks=True)
        (stdlib / "lib-dynload").mkdir()
        (stdlib / "site-packages").mkdir()
        names = {f"@loader_path/../bases/lib/{name}": f"{libraries}/{name}" for name in _LIBRARIES}
        for module in sorted((self.wheel / "lib").glob("*.so")):
            if not module.name.startswith(("_tkinter", "_test", "xx", "_ctypes_test")):
                rewrite(module, stdlib / "lib-dynload" / module.name, Edits(dylibs=names))
        for name in _LIBRARIES:
            target = root / libraries.lstrip("/") / name
            target.parent.mkdir(parents=True, exist_ok=True)
            near = {f"@loader_path/{other}": f"{libraries}/{other}" for other in _LIBRARIES}
            edits = Edits(install_name=f"{libraries}/{name}", dylibs=near)
            rewrite(self.wheel / "bases/lib" / name, target, edits)
        known: dict[str, object] = {
            "ABIFLAGS": "",
            "EXT_SUFFIX": f".cpython-{VERSION.replace('.', '')}-darwin.so",
            "LDVERSION": VERSION,
        }
        known |= {"BINDIR": f"{prefix}/bin", "LIBDIR": f"{prefix}/lib", "prefix": prefix, "MULTIARCH": "darwin"}
        known |= {"MACOSX_DEPLOYMENT_TARGET": "10.13", **variables}
        (stdlib / "_sysconfigdata__darwin_darwin.py").write_text(f"build_time_vars = {known!r}\n")
        include = place / f"include/python{VERSION}"
        include.mkdir(parents=True)
        (include / "patchlevel.h").write_text(f'#define PY_VERSION "{RELEASE}"\n')
        (include / "pyconfig.h").write_text("/* macOS */\n")

    def python_program(self, target: Path, library: str, rpath: str = "") -> None:
        """The program, which asks for Python's library by a name."""
        target.parent.mkdir(parents=True, exist_ok=True)
        edits = Edits(
            dylibs={"@loader_path/lib/Python": library},
            remove_rpaths=frozenset({"@loader_path/lib"}),
            add_rpaths=(rpath,) if rpath else (),
        )
        rewrite(self.program, target, edits)


def rewrite(source: Path, target: Path, edits: Edits) -> None:
    """A copy of a Mach-O file with edits done."""
    data = source.read_bytes()
    plan = plan_patch(io.BytesIO(data), read_image(io.BytesIO(data)), edits)
    target.write_bytes(b"".join(plan.patch.read(io.BytesIO(data))) if plan is not None else data)
    target.chmod(0o755)


def framework(
    parts: Parts, root: Path, prefix: str = f"/Library/Frameworks/Python.framework/Versions/{VERSION}"
) -> Mac:
    """Like python.org's installer: a framework with absolute names, a stub in bin and the program in Python.app."""
    library = f"{prefix}/Python"
    parts.base(root, prefix, f"{prefix}/lib", {"PYTHONFRAMEWORK": "Python", "Py_ENABLE_SHARED": 0})
    place = root / prefix.lstrip("/")
    rewrite(parts.libpython, place / "Python", Edits(install_name=library))
    parts.python_program(place / f"bin/python{VERSION}", library)
    (place / "bin/python3").symlink_to(f"python{VERSION}")
    parts.python_program(place / "Resources/Python.app/Contents/MacOS/Python", library)
    for seal in ("_CodeSignature", "Resources/Python.app/Contents/_CodeSignature"):
        (place / seal).mkdir(parents=True)
        (place / seal / "CodeResources").write_text("<plist/>")
    (place.parent / "Current").symlink_to(VERSION)
    return _with_venv(root, prefix, f"{prefix}/bin")


def homebrew(parts: Parts, root: Path) -> Mac:
    """Like Homebrew: a framework in the Cellar behind links, libraries of other formulae, a sitecustomize of its own."""
    cellar = f"/opt/homebrew/Cellar/python@{VERSION}/{RELEASE}"
    prefix = f"{cellar}/Frameworks/Python.framework/Versions/{VERSION}"
    library = f"{prefix}/Python"
    openssl = root / "opt/homebrew/opt/openssl@3"
    (root / "opt/homebrew/Cellar/openssl@3/3.5.1/lib").mkdir(parents=True)
    openssl.parent.mkdir(parents=True)
    openssl.symlink_to("../Cellar/openssl@3/3.5.1")
    parts.base(root, prefix, "/opt/homebrew/opt/openssl@3/lib", {"PYTHONFRAMEWORK": "Python"})
    place = root / prefix.lstrip("/")
    rewrite(parts.libpython, place / "Python", Edits(install_name=f"/opt/homebrew/opt/python@{VERSION}/x/Python"))
    parts.python_program(place / f"bin/python{VERSION}", library)
    parts.python_program(place / "Resources/Python.app/Contents/MacOS/Python", library)
    packages = root / f"opt/homebrew/lib/python{VERSION}/site-packages"
    packages.mkdir(parents=True)
    (packages / "sitecustomize.py").write_text("raise SystemExit('this is the one of Homebrew')\n")
    (place / f"lib/python{VERSION}/site-packages").rmdir()
    below = os.path.relpath(packages, place / f"lib/python{VERSION}")
    (place / f"lib/python{VERSION}/site-packages").symlink_to(below)
    (place / f"lib/python{VERSION}/EXTERNALLY-MANAGED").write_text("[externally-managed]\n")
    shown = root / f"opt/homebrew/opt/python@{VERSION}"
    shown.symlink_to(f"../Cellar/python@{VERSION}/{RELEASE}")
    (root / cellar.lstrip("/") / "bin").mkdir()
    stub = f"../Frameworks/Python.framework/Versions/{VERSION}/bin/python{VERSION}"
    (root / cellar.lstrip("/") / f"bin/python{VERSION}").symlink_to(stub)
    return _with_venv(root, prefix, f"/opt/homebrew/opt/python@{VERSION}/bin")


def standalone(parts: Parts, root: Path) -> Mac:
    """Like `uv python install`: libpython beside the program, which has a search path; its id is absolute."""
    prefix = f"/Users/me/.local/share/uv/python/cpython-{RELEASE}-macos-aarch64-none"
    name = f"libpython{VERSION}.dylib"
    variables: dict[str, object] = {"PYTHON_BUILD_STANDALONE": 1, "Py_ENABLE_SHARED": 1, "INSTSONAME": name}
    parts.base(root, prefix, f"{prefix}/lib", {**variables, "LDLIBRARY": name})
    place = root / prefix.lstrip("/")
    # uv's absolute name is longer than this header's room; what counts is that it is absolute.
    rewrite(parts.libpython, place / "lib" / name, Edits(install_name=f"/Users/me/.local/share/uv/lib/{name}"))
    parts.python_program(place / f"bin/python{VERSION}", f"@rpath/{name}", "@executable_path/../lib")
    (place / "bin/python3").symlink_to(f"python{VERSION}")
    return _with_venv(root, prefix, f"{prefix}/bin")


def _with_venv(root: Path, prefix: str, home: str) -> Mac:
    """A venv over a base, with nothing in it."""
    venv = "/Users/me/work/.venv"
    place = root / venv.lstrip("/")
    (place / "bin").mkdir(parents=True)
    (place / f"lib/python{VERSION}/site-packages").mkdir(parents=True)
    (place / "pyvenv.cfg").write_text(f"home = {home}\ninclude-system-site-packages = false\nversion = {RELEASE}\n")
    (place / "bin/python").symlink_to(f"{home}/python{VERSION}")
    (place / "bin/python3").symlink_to("python")
    return Mac(root, prefix, venv)


def install(mac: Mac, requirement: str, platform: str) -> None:
    """Put a wheel into the venv, as an installer would but for its scripts."""
    unpack(requirement, platform, mac.path(mac.venv) / f"lib/python{VERSION}/site-packages", VERSION)


def add_script(mac: Mac, name: str, text: str) -> None:
    """A console script of the venv, with the shebang that installers write."""
    path = mac.path(mac.venv) / "bin" / name
    path.write_text(f"#!{mac.venv}/bin/python\n{text}")
    path.chmod(0o755)


def binaries_below(folder: Path) -> list[Path]:
    """All Mach-O files below a folder."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                if is_macho(file.read(8)):
                    found.append(path)
    return found

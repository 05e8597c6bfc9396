"""Cases of Windows' search for DLLs, laid out on the disk around a real Python, and what Wine's loader makes of them."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from bundler.binaries.pe import Image, read_image
from bundler.binaries.pe.edits import folded
from bundler.systems.windows.search import Asking, resolve_all
from tests.material.windows import Wine, embeddable

PYTHON = "python.exe"
LOADER = """\
import ctypes
import importlib.machinery
import importlib.util
import json
import os
import sys

asked = json.loads(sys.argv[1])
kernel32 = ctypes.WinDLL("kernel32")
kernel32.GetModuleHandleW.restype = ctypes.c_void_p
kernel32.GetModuleFileNameW.argtypes = (ctypes.c_void_p, ctypes.c_wchar_p, ctypes.c_uint)
os.environ["PATH"] = os.pathsep.join([*asked["path"], os.environ["PATH"]])
kept = [os.add_dll_directory(folder) for folder in asked["added"]]
kept += [ctypes.WinDLL(path) for path in asked["before"]]
try:
    name = os.path.basename(asked["open"]).partition(".")[0]
    loader = importlib.machinery.ExtensionFileLoader(name, asked["open"])
    importlib.util.module_from_spec(importlib.util.spec_from_file_location(name, asked["open"], loader=loader))
except ImportError:
    pass  # without code it is no module, but loaded; where a DLL is lacking it is not
for name in asked["plainly"]:
    kernel32.LoadLibraryW(name)


def place_of(name):
    handle = kernel32.GetModuleHandleW(name)
    buffer = ctypes.create_unicode_buffer(1000)
    return buffer.value if handle and kernel32.GetModuleFileNameW(handle, buffer, 1000) else None


print(json.dumps({name: place_of(name) for name in asked["names"]}))
"""
"""Imports a module as Python does, and says where the DLLs are that its process has."""


@dataclass(frozen=True)
class Added:
    """Packages of which the folders alone are known that they add; see `search.Packages`."""

    folders: tuple[str, ...] = ()

    def owner_of(self, path: str) -> str:
        return ""

    def added_for(self, path: str) -> tuple[str, ...]:
        return self.folders


@dataclass(frozen=True)
class Case:
    """Files by bundle path, beside Python's own; a module that is opened; and where its DLLs come from, by name."""

    files: Mapping[str, bytes]
    opened: str
    found: Mapping[str, str | None]
    """Bundle paths; None for what is not found in the bundle."""
    added: tuple[str, ...] = ()
    on_path: tuple[str, ...] = ()
    """Folders of the variable PATH."""
    plainly: tuple[str, ...] = ()
    """Names that LoadLibrary is asked for, as delay-load code does it."""
    before: tuple[str, ...] = ()
    """What the process has loaded by its whole path before."""

    def by_rules(self) -> dict[str, str | None]:
        """What the rules say of the names in `found`."""
        images = {path: read_image(io.BytesIO(data)) for path, data in self.files.items()} | python_images()
        told: dict[str, str | None] = {}
        for lookup in resolve_all(images, PYTHON, Added(self.added)):
            if lookup.search.folders[:1] == (os.path.dirname(self.opened),) and lookup.asking is not Asking.DELAYED:
                told.setdefault(folded(lookup.name), lookup.found)
        return {name: told[name] for name in self.found}

    def by_loader(self, wine: Wine, folder: Path) -> dict[str, str | None]:
        """What Wine's loader does, as the files are spelled here. Names that it does not find in the folder are None."""
        root = Path(shutil.copytree(embeddable(), folder / "a python"))
        for path, data in self.files.items():
            place = root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        return self.in_place(wine, root)

    def in_place(self, wine: Wine, root: Path) -> dict[str, str | None]:
        """The same in a folder where all of it lies already."""
        asked = {
            "open": windows_path(root / self.opened),
            "added": [windows_path(root / each) for each in self.added],
            "path": [windows_path(root / each) for each in self.on_path],
            "before": [windows_path(root / each) for each in self.before],
            "plainly": self.plainly,
            "names": list(self.found),
        }
        done = wine.run([root / PYTHON, "-c", LOADER, json.dumps(asked)], root)
        assert done.returncode == 0, done.stderr[-1000:]
        paths = cast(dict[str, "str | None"], json.loads(done.stdout))
        here = {windows_path(file).lower(): str(file.relative_to(root)) for file in root.rglob("*")}
        return {name: here.get(path.lower()) if path is not None else None for name, path in paths.items()}


def windows_path(path: Path) -> str:
    """A path of this machine, as Wine calls it."""
    return "Z:" + str(path).replace("/", "\\")


def python_images() -> dict[str, Image]:
    """The program of the embeddable Python, and the DLLs beside it."""
    images = {}
    for path in sorted(embeddable().iterdir()):
        if path.suffix in (".dll", ".exe"):
            with open(path, "rb") as file:
                images[path.name] = read_image(file)
    return images

"""The DLLs of a source that are no files of its environment: beside its Python, and in Windows' own folders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bundler.binaries.pe import Image, is_pe, read_image
from bundler.binaries.pe.edits import folded
from bundler.errors import BinaryFormatError
from bundler.files import opened
from bundler.machine import os
from bundler.machine.failing import unless_failing
from bundler.systems.windows.closure import SourceDll

_HEAD = 128
_WINE = b"Wine "
"""What Wine writes behind the DOS header (`Wine builtin DLL`, `Wine placeholder DLL`): no Windows has such a file."""
_WINE_PLACE = 64

_FOLDERS = {64: ("System32",), 32: ("SysWOW64", "System32")}
"""Of Windows' own DLLs: programs of 32 bits get another folder than they name, where the system has 64."""


def system_folders(bits: int) -> tuple[str, ...]:
    """The names of the folders in which Windows' own DLLs lie for programs of so many bits."""
    return tuple(f"C:\\Windows\\{folder}" for folder in _FOLDERS[bits])


def read_dll(path: str, machine: int | None = None) -> Image | None:
    """The headers of the PE file at a path, if it is one, is sound, and is built for a machine (any: None); else None."""
    try:
        with opened(path) as file:
            if not is_pe(file.read(64)):
                return None
            image = read_image(file)
    except (OSError, BinaryFormatError) as error:
        unless_failing(error, path)
        return None
    return image if machine is None or image.headers.machine == machine else None


class SourceDlls:
    """What `closure.SourceFiles.find` looks into: the folder beside Python, then Windows' own."""

    def __init__(self, beside: str, windows: Iterable[str], machine: int) -> None:
        self._machine = machine
        self._files = [(folder, of_windows, _listed(folder)) for folder, of_windows in _marked(beside, windows)]
        self._found: dict[str, SourceDll | None] = {}

    def find(self, name: str) -> SourceDll | None:
        """The first DLL of a name that is built for the machine, in the order of the folders; None where there is none."""
        if folded(name) not in self._found:
            self._found[folded(name)] = next(self._all(folded(name)), None)
        return self._found[folded(name)]

    def _all(self, name: str) -> Iterator[SourceDll]:
        for folder, of_windows, names in self._files:
            if name not in names:
                continue
            path = os.path.realpath(os.path.join(folder, names[name]))
            image = None if _is_wines(path) else read_dll(path, self._machine)
            if image is not None:
                yield SourceDll(path, image, of_windows)


def _marked(beside: str, windows: Iterable[str]) -> Iterator[tuple[str, bool]]:
    yield beside, False
    for folder in windows:
        yield folder, True


def _listed(folder: str) -> dict[str, str]:
    """The names in a folder, by what Windows compares; none where there is no folder."""
    try:
        return {folded(name): name for name in sorted(os.listdir(folder), reverse=True)}
    except OSError as error:
        unless_failing(error, folder)
        return {}


def _is_wines(path: str) -> bool:
    try:
        with opened(path) as file:
            return file.read(_HEAD)[_WINE_PLACE:].startswith(_WINE)
    except OSError as error:
        unless_failing(error, path)
        return False

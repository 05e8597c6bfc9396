"""Files that only Python would load, and that it cannot: damaged, or built for another machine than `python.exe`.

The source has them, too, hence they are told and no error. Where no Python for Windows runs, nothing else would tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bundler.binaries.pe import Image
from bundler.binaries.pe.machines import platform_of
from bundler.entries import Entry, Source
from bundler.environment import Interpreter
from bundler.scheme import BundleScheme
from bundler.systems.windows.source_dlls import read_dll

_SHOWN = 3


def unusable(
    entries: Mapping[str, Entry], images: Mapping[str, Image], interpreter: Interpreter, scheme: BundleScheme
) -> Iterator[str]:
    """Warnings on Python's DLLs and the extension modules among `entries` that are not among `images`, those for the machine."""
    program = images[scheme.executable]
    found: dict[str, list[str]] = {}
    for path, entry in entries.items():
        is_loaded = path in scheme.libpython or _is_module(path, interpreter.extension_suffixes)
        if path in images or not is_loaded or not isinstance(entry.content, Source):
            continue
        image = read_dll(entry.content.path)
        if image is None:
            found.setdefault("no sound PE file", []).append(path)
        elif image.headers.machine != program.headers.machine:
            found.setdefault(f"built for {_machine(image)}", []).append(path)
    for why, paths in sorted(found.items()):
        more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
        names = ", ".join(sorted(paths)[:_SHOWN]) + more
        them = "it" if len(paths) == 1 else "them"
        yield f"{names}: {why}; this Python, which is for {_machine(program)}, cannot load {them}"


def _is_module(path: str, suffixes: Sequence[str]) -> bool:
    """Whether this Python would import a file. One for another (`m.cp39-win32.pyd`) has a suffix too many."""
    name = path.rpartition("/")[2]
    return any(name.lower().endswith(suffix) and "." not in name[: -len(suffix)] for suffix in suffixes)


def _machine(image: Image) -> str:
    return platform_of(image.headers).machine_names[0]

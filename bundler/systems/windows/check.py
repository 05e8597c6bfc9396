"""A bundle of Windows: each name of a DLL leads to a file of the bundle or to Windows' own, and no text leads out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bundler.binaries.pe import Image
from bundler.binaries.pe.edits import folded
from bundler.faults import Fault, FaultKind, Findings
from bundler.systems.libraries import NeededBy, is_listed
from bundler.systems.system import BundleView
from bundler.systems.windows.launchers import STARTS_PYTHON, read_launcher, starts
from bundler.systems.windows.policy import stays_with_windows
from bundler.systems.windows.search import Asking, Folders, added_folders, resolve_all

_DAMAGED = "take the bundle again from where it came from, or pack again"
_PATH = re.compile(r"[\\/:]")
_PYTHON_OF_SCRIPT = re.compile(rb'#![ \t]*"?((?:[A-Za-z]:|\\\\)[^"\r\n]*?pythonw?(?:\.exe)?)["\s]', re.IGNORECASE)
"""A first line that names Python by its whole path."""


def check_pe_files(bundle: BundleView) -> Findings:
    """Faults of PE files, and notes on DLLs that the source does not find either.

    Files for another machine than Python's are data. A DLL's signature and checksum are nothing that Windows asks for.
    """
    images = {path: image for path, image in bundle.images.items() if isinstance(image, Image)}
    executable = bundle.scheme.executable
    if executable not in images:
        return Findings([Fault(FaultKind.LIBRARY, executable, "is no PE file", _DAMAGED)], [])
    machine = images[executable].headers.machine
    images = {path: image for path, image in images.items() if image.headers.machine == machine}
    faults, notes = _names(bundle, images)
    return Findings([*faults, *_search_paths(bundle), *_launchers(bundle)], notes)


@dataclass(frozen=True, slots=True)
class _Packages:
    """See `search.Packages`: what a name leads to elsewhere in the bundle is looked at in the end."""

    added: tuple[str, ...]

    def owner_of(self, path: str) -> str:
        """Nobody is known."""
        return ""

    def added_for(self, path: str) -> tuple[str, ...]:
        """All of delvewheel's."""
        return self.added


def _names(bundle: BundleView, images: Mapping[str, Image]) -> Findings:
    """What the names of DLLs lead to. Each folder of delvewheel's counts as added, for nobody says which package adds it."""
    folders = Folders(images)
    executable = bundle.scheme.executable
    not_found = set[NeededBy]()
    for lookup in resolve_all(images, executable, _Packages(added_folders(images))):
        name = folded(lookup.name)
        is_settled = lookup.found is not None or stays_with_windows(name) is not None
        if not is_settled and lookup.asking is Asking.AT_ONCE and not is_listed(name, bundle.host_libraries):
            not_found.add(NeededBy(lookup.requester, name))
    faults, notes = [], []
    for need in sorted(not_found):
        path, name = need
        if need in bundle.missing:
            notes.append(f"{path} needs {name}, which the source does not find either")
        elif _PATH.search(name) is not None:
            message = f"asks for {name}, which is a place and no name"
            faults.append(Fault(FaultKind.SEARCH_PATH, path, message, f"bundler patch --replace-needed {path}"))
        elif path == executable or not folders.named(name):
            where = "beside it" if path == executable else "in the bundle"
            hint = f"--include-lib {name} takes it along, --exclude-lib {name} leaves it to Windows"
            faults.append(Fault(FaultKind.LIBRARY, path, f"needs {name}, which is not found {where}", hint))
    return Findings(faults, notes)


def _search_paths(bundle: BundleView) -> Iterator[Fault]:
    """Lines of `pythonXY._pth` that lead out of the bundle: each is a place on `sys.path` (CPython: getpath.py)."""
    for path, text in bundle.texts.items():
        if "/" in path or not path.lower().endswith("._pth"):
            continue
        for line in text.decode("utf-8", "surrogateescape").splitlines():
            place = line.partition("#")[0].strip()
            if _leads_out(place):
                hint = "install what lies there into the environment and pack again, or remove the line"
                yield Fault(FaultKind.CONFIGURATION, path, f"puts {place} on sys.path", hint)


def _launchers(bundle: BundleView) -> Iterator[Fault]:
    """Scripts that another Python than the bundle's would run. What stands in for a Python is no script."""
    for path, data in bundle.scripts.items():
        launcher = read_launcher(data)
        named = _PYTHON_OF_SCRIPT.match(data)
        if launcher is not None and launcher.kind not in STARTS_PYTHON:
            if not starts(launcher, path.rpartition("/")[0], bundle.scheme.executable):
                yield Fault(
                    FaultKind.SCRIPT,
                    path,
                    f"is run by {launcher.python or 'an unknown launcher'}",
                    "bundler fix BUNDLE mends it",
                )
        elif named is not None:
            place = named[1].decode("utf-8", "surrogateescape")
            yield Fault(FaultKind.SCRIPT, path, f"is run by {place}", "bundler fix BUNDLE mends it")


def _leads_out(place: str) -> bool:
    """Whether a path that counts from the bundle's top leads out of it."""
    if re.match(r"[A-Za-z]:|[\\/]", place):
        return True
    depth = 0
    for part in re.split(r"[\\/]", place):
        depth += {"": 0, ".": 0, "..": -1}.get(part, 1)
        if depth < 0:
            return True
    return False

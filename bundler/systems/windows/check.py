"""A bundle of Windows: each name of a DLL leads to a file of the bundle or to Windows' own, and no text leads out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from bundler.binaries.pe import Image
from bundler.binaries.pe.edits import folded
from bundler.faults import Fault, FaultKind, Findings
from bundler.systems.bundle_view import BundleView
from bundler.systems.libraries import NeededBy, is_listed
from bundler.systems.unfit import too_new
from bundler.systems.windows.floor import demands
from bundler.systems.windows.launchers import read_launcher, starts
from bundler.systems.windows.launchers.relocating import relocate
from bundler.systems.windows.policy import stays_with_windows
from bundler.systems.windows.search import AllAdded, Asking, Folders, added_folders, resolve_all
from bundler.systems.windows.survey import images_for_python
from bundler.target import Target

_DAMAGED = "take the bundle again from where it came from, or pack again"
_PATH = re.compile(r"[\\/:]")


def check_pe_files(bundle: BundleView, target: Target | None = None) -> Findings:
    """Faults of PE files, and notes on DLLs that the source does not find either; with a `target` also what is too new for it.

    Files for another machine than Python's are data. A DLL's signature and checksum are nothing that Windows asks for.
    """
    images = images_for_python(bundle)
    executable = bundle.scheme.executable
    if executable not in images:
        return Findings([Fault(FaultKind.LIBRARY, executable, "is no PE file", _DAMAGED)], [])
    faults, notes = _names(bundle, images)
    scripts = _scripts(bundle)
    unfit = too_new(demands(images, executable, bundle.python), bundle, target) if target is not None else ()
    return Findings([*faults, *_search_paths(bundle), *scripts.faults, *unfit], [*notes, *scripts.notes])


def _names(bundle: BundleView, images: Mapping[str, Image]) -> Findings:
    """What the names of DLLs lead to. Each folder of delvewheel's counts as added, for nobody says which package adds it."""
    folders = Folders(images)
    executable = bundle.scheme.executable
    not_found = set[NeededBy]()
    for lookup in resolve_all(images, executable, AllAdded(added_folders(images))):
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


def _scripts(bundle: BundleView) -> Findings:
    """Scripts that another Python would run: faults of what can be mended, notes on what the pack could not change either."""
    faults, notes = [], []
    for path, data in bundle.scripts.items():
        launcher = read_launcher(data)
        if launcher is not None and starts(launcher, path.rpartition("/")[0], bundle.scheme.executable):
            continue
        found = relocate(path, data, bundle.scheme, bundle.scripts.get)
        if found is not None and found.data is not None:
            message = f"is run by {_python_of(data)}"
            faults.append(Fault(FaultKind.SCRIPT, path, message, "bundler fix BUNDLE mends it"))
        elif found is not None:
            notes.append(f"{path} {found.reason}: it will not run in the bundle")
    return Findings(faults, notes)


def _python_of(data: bytes) -> str:
    """What starts a script, as it is written: in a launcher, or in the first line."""
    launcher = read_launcher(data)
    if launcher is not None:
        return launcher.python
    return data.partition(b"\n")[0].removeprefix(b"#!").decode("utf-8", "surrogateescape").strip()


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

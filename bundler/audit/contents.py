"""Whether the files of a bundle agree with `bundle.json`, and which still hold a path of the source: one read of each."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bundler.audit.faults import Fault, FaultKind, LeakReport
from bundler.audit.tree import BundleTree

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Contents:
    """The outcome: faults, what came after the pack, and leaks where prefixes were looked for."""

    faults: tuple[Fault, ...]
    added: tuple[str, ...]
    notes: tuple[str, ...]
    leaks: LeakReport


@dataclass(frozen=True, slots=True)
class _Read:
    path: str
    sha256: str
    size: int
    leak: str | None


def audit_contents(tree: BundleTree, *, strict: bool, prefixes: Sequence[str] = ()) -> Contents:
    """Compare every file with the manifest, and look for `prefixes` (paths of the source) in each.

    What an installer or Python added or removed later is told apart: a note, and a fault only with `strict`.
    """
    known = tree.manifest.files
    needles = [os.fsencode(prefix) for prefix in prefixes]
    with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="hash") as pool:
        reads = list(pool.map(lambda path: _read(tree, path, needles), sorted(tree.files & known.keys())))
    added = tuple(sorted((tree.files | tree.links) - known.keys()))
    changes = [*_changed(tree, reads), *_missing(tree)]
    later = bool(_uninstalled(tree))
    faults = [change for change in changes if strict or not (later and _installers_own(tree, change.path))]
    notes = [f"{change.path}: {change.message}, by an installer" for change in changes if change not in faults]
    if strict:
        faults += [Fault(FaultKind.ADDED, path, "was added after the pack") for path in added]
    leaks = {kind: tuple(read.path for read in reads if read.leak == kind) for kind in ("text", "pyc", "binary")}
    return Contents(tuple(faults), added, tuple(notes), LeakReport(leaks["text"], leaks["pyc"], leaks["binary"]))


def _read(tree: BundleTree, path: str, needles: Sequence[bytes]) -> _Read:
    hasher = hashlib.sha256()
    size = 0
    found = False
    head = tail = b""
    overlap = max((len(needle) for needle in needles), default=1) - 1
    with open(tree.path(path), "rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            hasher.update(chunk)
            head = head or chunk[:1024]
            size += len(chunk)
            if needles and not found:
                window = tail + chunk
                found = any(needle in window for needle in needles)
                tail = window[-overlap:] if overlap else b""
    kind = None
    if found:
        kind = "pyc" if path.endswith(".pyc") else "binary" if b"\0" in head else "text"
    return _Read(path, hasher.hexdigest(), size, kind)


def _changed(tree: BundleTree, reads: Sequence[_Read]) -> Iterator[Fault]:
    for read in reads:
        fact = tree.manifest.files[read.path]
        if fact.link is not None:
            yield Fault(FaultKind.CONTENT, read.path, "is a file and was a link")
        elif read.size != fact.size:
            yield Fault(FaultKind.CONTENT, read.path, f"has {read.size} bytes instead of {fact.size}")
        elif read.sha256 != fact.sha256:
            yield Fault(FaultKind.CONTENT, read.path, "has other content than when it was packed")


def _missing(tree: BundleTree) -> Iterator[Fault]:
    for path, fact in tree.manifest.files.items():
        if fact.link is not None and path in tree.links:
            target = os.readlink(tree.path(path))
            if target != fact.link:
                yield Fault(FaultKind.CONTENT, path, f"leads to {target} instead of {fact.link}")
        elif path not in tree.files:
            yield Fault(FaultKind.CONTENT, path, "is missing")


def _uninstalled(tree: BundleTree) -> list[str]:
    """RECORD files that are gone: distributions that an installer removed or replaced after the pack."""
    return [path for path in tree.manifest.files if path.endswith(".dist-info/RECORD") and path not in tree.files]


def _installers_own(tree: BundleTree, path: str) -> bool:
    """Whether an installer may change the path: packages, scripts, data; never the runtime."""
    python = tree.manifest.python
    if path.startswith(tuple(folder + "/" for folder in python.site_packages)):
        return True
    runtime = ("lib/", "lib64/", "include/", os.path.dirname(python.executable) + "/python", "pyvenv.cfg")
    return not path.startswith(runtime)

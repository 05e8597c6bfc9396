"""Whether the files of a bundle agree with `bundle.json`, and which still hold a path of the source."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

from bundler.audit.reports import LeakReport
from bundler.audit.tree import BundleTree
from bundler.bundle_paths import lies_in
from bundler.faults import Fault, FaultKind

_INTERPRETER = re.compile(r"python\d*(\.\d+)?[td]*")


@dataclass(frozen=True, slots=True)
class Contents:
    """The outcome: faults, what came after the pack, and leaks where prefixes were looked for."""

    faults: tuple[Fault, ...]
    added: tuple[str, ...]
    notes: tuple[str, ...]
    leaks: LeakReport


def audit_contents(tree: BundleTree, *, strict: bool) -> Contents:
    """Compare every file with the manifest.

    What an installer or Python added or removed later is told apart: a note, and a fault only with `strict`.
    """
    known = tree.manifest.files
    added = tuple(sorted((tree.files.keys() | tree.links.keys()) - known.keys()))
    changes = [*_changed(tree), *_missing(tree)]
    later = bool(_uninstalled(tree))
    faults = [change for change in changes if strict or not (later and _installers_own(tree, change.path))]
    notes = [f"{change.path}: {change.message}, by an installer" for change in changes if change not in faults]
    faults += [Fault(FaultKind.CONTENT, path, "is a pipe, socket or device") for path in sorted(tree.others)]
    if strict:
        faults += [Fault(FaultKind.ADDED, path, "was added after the pack") for path in added]
    return Contents(tuple(faults), added, tuple(notes), _leaks(tree))


def came_later(tree: BundleTree, path: str) -> bool:
    """Whether an installer added or replaced the file at a bundle path after the pack; the runtime is nobody's to replace."""
    if path not in tree.files or path == tree.manifest.python.executable:
        return False
    return path not in tree.manifest.files or (_installers_own(tree, path) and not tree.is_as_packed(path))


def _leaks(tree: BundleTree) -> LeakReport:
    known = tree.manifest.files
    paths: dict[str, list[str]] = {"text": [], "pyc": [], "binary": []}
    for path, seen in sorted(tree.files.items()):
        if seen.leak is not None and path in known:
            paths[seen.leak].append(path)
    return LeakReport(tuple(paths["text"]), tuple(paths["pyc"]), tuple(paths["binary"]))


def _changed(tree: BundleTree) -> Iterator[Fault]:
    for path, seen in sorted(tree.files.items()):
        fact = tree.manifest.files.get(path)
        if fact is None:
            continue
        if fact.link is not None:
            yield Fault(FaultKind.CONTENT, path, "is a file and was a link")
        elif seen.size != fact.size:
            yield Fault(FaultKind.CONTENT, path, f"has {seen.size} bytes instead of {fact.size}")
        elif seen.sha256 != fact.sha256:
            yield Fault(FaultKind.CONTENT, path, "has other content than when it was packed")


def _missing(tree: BundleTree) -> Iterator[Fault]:
    for path, fact in tree.manifest.files.items():
        if fact.link is not None and path in tree.links:
            target = tree.links[path]
            if target != fact.link:
                yield Fault(FaultKind.CONTENT, path, f"leads to {target} instead of {fact.link}")
        elif path not in tree.files and path not in tree.others:
            yield Fault(FaultKind.CONTENT, path, "is missing")


def _uninstalled(tree: BundleTree) -> list[str]:
    """RECORD files that are gone: distributions that an installer removed or replaced after the pack."""
    return [path for path in tree.manifest.files if path.endswith(".dist-info/RECORD") and path not in tree.files]


def _installers_own(tree: BundleTree, path: str) -> bool:
    """Whether an installer may change the path: packages, and what they brought elsewhere; never the runtime."""
    python = tree.manifest.python
    if path.startswith(tuple(folder + "/" for folder in python.site_packages)):
        return True
    scheme = python.scheme
    folders = (scheme.stdlib, scheme.bundled, scheme.include)
    runtime = path == "pyvenv.cfg" or scheme.is_libpython(path) or any(lies_in(path, folder) for folder in folders)
    interpreter = scheme.is_script(path) and _INTERPRETER.fullmatch(os.path.basename(path)) is not None
    return tree.manifest.files[path].origin.startswith("env:") and not runtime and not interpreter

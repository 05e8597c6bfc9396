"""Whether the files of a bundle agree with `bundle.json`, what was added, and which still hold a path of the source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bundler.audit.installed import Installed
from bundler.audit.landmarks import ZIP_HINT
from bundler.audit.leaks import Leak
from bundler.audit.reports import LeakReport
from bundler.audit.texts import leading_out, runs_code
from bundler.audit.tree import BundleTree
from bundler.bundle_paths import lies_in
from bundler.faults import Fault, FaultKind
from bundler.systems import System

_DAMAGED = "take the bundle again from where it came from, or pack again"
_NOT_ASKED_FOR = "remove it, unless you know who put it there and what for"
_CUSTOMIZING = ("sitecustomize", "usercustomize")


@dataclass(frozen=True, slots=True)
class Contents:
    """The outcome: faults, what came after the pack, and leaks where prefixes were looked for."""

    faults: tuple[Fault, ...]
    added: tuple[str, ...]
    notes: tuple[str, ...]
    leaks: LeakReport


def audit_contents(tree: BundleTree, system: System, *, strict: bool) -> Contents:
    """Compare every file with the manifest.

    What an installer or Python added or removed later is told apart: a note, and a fault only with `strict`. In an archive nobody
    installs anything: there every difference is a fault.
    """
    installed = Installed(tree)
    added = tuple(sorted((tree.files.keys() | tree.links.keys()) - tree.manifest.files.keys()))
    faults, notes = [], []
    for change, excused in (*_changed(tree, system, installed), *_missing(tree, installed)):
        if excused and not strict:
            notes.append(f"{change.path}: {change.message}, by an installer")
        elif change.path == tree.manifest.python.scheme.stdlib_zip:
            faults.append(replace(change, hint=ZIP_HINT))
        else:
            faults.append(change)
    faults += [
        Fault(FaultKind.CONTENT, path, "is a pipe, socket or device", _NOT_ASKED_FOR) for path in sorted(tree.others)
    ]
    faults += [
        Fault(FaultKind.CONTENT, path, "is a path of bundle.json that leads out of the bundle", _DAMAGED)
        for path in tree.manifest.leading_out()
    ]
    if strict or tree.in_archive:
        faults += [Fault(FaultKind.ADDED, path, "was added after the pack", _NOT_ASKED_FOR) for path in added]
    else:
        faults += _dangerous(tree, system, installed, added)
    return Contents(tuple(faults), added, tuple(notes), _leaks(tree))


def _changed(tree: BundleTree, system: System, installed: Installed) -> Iterator[tuple[Fault, bool]]:
    """Files that differ, and whether an installer replaced them. Modes count where the bundle's system has them."""
    for path, seen in sorted(tree.files.items()):
        fact = tree.manifest.files.get(path)
        if fact is None:
            continue
        message = None
        if fact.link is not None:
            message = "is a file and was a link"
        elif seen.size != fact.size:
            message = f"has {seen.size} bytes instead of {fact.size}"
        elif seen.sha256 != fact.sha256:
            message = "has other content than when it was packed"
        elif system.started_suffixes is None and (lost := fact.mode & ~seen.mode & 0o700):
            message = f"lost permissions: its owner may not {_verbs(lost)} it"
            yield Fault(FaultKind.CONTENT, path, message, f"chmod u+{_letters(lost)} {path}"), False
            continue
        if message is not None:
            yield Fault(FaultKind.CONTENT, path, message, _DAMAGED), installed.replaced(path)


def _verbs(bits: int) -> str:
    """What permission bits of an owner allow, in words."""
    words = [word for bit, word in ((0o400, "read"), (0o200, "write"), (0o100, "execute")) if bits & bit]
    return " or ".join(words)


def _letters(bits: int) -> str:
    """The same bits as chmod's letters."""
    return "".join(letter for bit, letter in ((0o400, "r"), (0o200, "w"), (0o100, "x")) if bits & bit)


def _missing(tree: BundleTree, installed: Installed) -> Iterator[tuple[Fault, bool]]:
    """What is not there, or leads elsewhere, and whether an installer may have done it."""
    for path, fact in tree.manifest.files.items():
        if fact.link is not None and path in tree.links:
            target = tree.links[path]
            if target != fact.link:
                yield Fault(FaultKind.CONTENT, path, f"leads to {target} instead of {fact.link}", _DAMAGED), False
        elif path not in tree.files and path not in tree.others:
            yield Fault(FaultKind.CONTENT, path, "is missing", _DAMAGED), installed.removed(path)


def _dangerous(tree: BundleTree, system: System, installed: Installed, added: tuple[str, ...]) -> Iterator[Fault]:
    """Of what was added, what changes the bundle by being there."""
    python = tree.manifest.python
    bundled = python.scheme.bundled
    for path in added:
        folder, _, name = path.rpartition("/")
        if system.shadows(path, python.scheme) and (
            (bundled and lies_in(path, bundled)) or not installed.replaced(path)
        ):
            message = "was added where the loader prefers it to a library of the bundle"
            yield Fault(FaultKind.ADDED, path, message, _NOT_ASKED_FOR)
        elif folder in (*python.site_packages, python.stdlib) and name.partition(".")[0] in _CUSTOMIZING:
            if not installed.replaced(path):
                yield Fault(FaultKind.ADDED, path, "was added, and Python runs it at each start", _NOT_ASKED_FOR)
        elif folder in python.site_packages and name.endswith((".pth", ".start")) and path in tree.files:
            found = list(leading_out(tree, path))
            if not found and runs_code(tree, path) and not installed.replaced(path):
                found = ["is run by Python at each start"]
            for what in found:
                yield Fault(FaultKind.ADDED, path, f"was added, and {what}", _NOT_ASKED_FOR)


def _leaks(tree: BundleTree) -> LeakReport:
    known = tree.manifest.files
    paths: dict[Leak, list[str]] = {kind: [] for kind in Leak}
    for path, seen in sorted(tree.files.items()):
        if seen.leak is not None and path in known:
            paths[seen.leak].append(path)
    return LeakReport(tuple(paths[Leak.TEXT]), tuple(paths[Leak.PYC]), tuple(paths[Leak.BINARY]))

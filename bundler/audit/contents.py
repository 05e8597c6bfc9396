"""Whether the files of a bundle agree with `bundle.json`, and what was added."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from bundler.audit.additions import audit_additions
from bundler.audit.installed import Installed
from bundler.audit.landmarks import ZIP_HINT
from bundler.audit.pycs import audit_pycs
from bundler.audit.tree import BundleTree
from bundler.faults import Fault, FaultKind
from bundler.formats import SIGNATURE
from bundler.systems import System
from bundler.trees import Kind

_DAMAGED = "take the bundle again from where it came from, or pack again"
_NOT_ASKED_FOR = "remove it, unless you know who put it there and what for"
_TWICE = "pack again: which of them is unpacked depends on the program that does it"


@dataclass(frozen=True, slots=True)
class Contents:
    """The outcome: faults, and what came after the pack."""

    faults: tuple[Fault, ...]
    added: tuple[str, ...]
    notes: tuple[str, ...]


def audit_contents(tree: BundleTree, system: System, *, strict: bool, exactly: bool = False) -> Contents:
    """Compare every file with the manifest.

    What an installer or Python added, changed or removed later is told apart: a note, and a fault only with `strict`; what was
    changed or removed also where the files must be `exactly` those. In an archive nobody installs anything: there every difference
    is a fault. What signs the bundle is none.
    """
    installed = Installed(tree)
    signature = {SIGNATURE} & tree.files.keys()
    added = tuple(sorted((tree.files.keys() | tree.links.keys()) - tree.manifest.files.keys() - signature))
    faults, notes = [], []
    for change, excused in (*_changed(tree, system, installed), *_missing(tree, installed)):
        if excused and not (strict or exactly):
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
    faults += (*_closed(tree), *_twice(tree), *_unholdable(tree, system), *audit_pycs(tree))
    if strict or tree.in_archive:
        faults += [Fault(FaultKind.ADDED, path, "was added after the pack", _NOT_ASKED_FOR) for path in added]
    else:
        faults += audit_additions(tree, system, installed, added)
    return Contents(tuple(faults), added, tuple(notes))


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
            here = "a link" if path in tree.links else "a folder" if path in tree.folders else ""
            was = "a link" if fact.link is not None else "a file"
            message = f"is {here} and was {was}" if here else "is missing"
            yield Fault(FaultKind.CONTENT, path, message, _DAMAGED), installed.removed(path)
    for path in tree.manifest.empty_folders:
        if path not in tree.folders:
            hint = f"mkdir {path}, or pack again; what copied the bundle loses empty folders"
            yield (
                Fault(FaultKind.CONTENT, path, "is missing: a folder in which nothing lies", hint),
                installed.removed(path),
            )


def _closed(tree: BundleTree) -> Iterator[Fault]:
    """Folders that not even their owner may look into."""
    for member in tree.members:
        if member.kind is Kind.DIRECTORY and (lost := 0o500 & ~member.mode):
            message = f"lost permissions: its owner may not {_verbs(lost)} it"
            yield Fault(FaultKind.CONTENT, member.path, message, f"chmod u+{_letters(lost)} {member.path}")


def _twice(tree: BundleTree) -> Iterator[Fault]:
    """What an archive has more than once. A folder may stand there again, as in the layers of an image."""
    folders = {member.path for member in tree.members if member.kind is Kind.DIRECTORY}
    counted = Counter(member.path for member in tree.members if member.kind is not Kind.DIRECTORY)
    for path, count in sorted(counted.items()):
        if count > 1 or path in folders:
            yield Fault(FaultKind.CONTENT, path, "is in the archive more than once", _TWICE)


def _unholdable(tree: BundleTree, system: System) -> Iterator[Fault]:
    """What the bundle's system has no two files of, or none at all: one of them is lost where the bundle is unpacked."""
    for error in system.check_names([*tree.files, *tree.links]).errors:
        yield Fault(FaultKind.CONTENT, "", error.message, error.hint or _DAMAGED)

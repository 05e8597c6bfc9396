"""Who may change a bundle, and whether it gives rights to those who run it. The rule is in `bundler.permissions`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bundler.audit.tree import BundleTree
from bundler.faults import Fault, FaultKind, Findings
from bundler.machine import HAS_DRIVES, os
from bundler.permissions import has_set_id, is_open_to_all
from bundler.systems import System
from bundler.trees import Kind, Member

_ROOT = 0
_NAMED = 3
_TOP = "the bundle's own folder"


def audit_permissions(tree: BundleTree, system: System) -> Findings:
    """Faults of modes and owners, and notes where they say nothing: for links, and on systems without modes."""
    members = [member for member in _with_top(tree) if member.kind is not Kind.LINK]
    if HAS_DRIVES or system.started_suffixes is not None:
        return Findings([], [])
    faults, notes = list(_set_id(members)), list[str]()
    open_to_all = [member.path for member in members if is_open_to_all(member.mode)]
    if open_to_all and _has_no_modes(members):
        notes.append("its file system gives all files the same mode, by which anybody may write to them")
    elif open_to_all:
        message = f"anybody may write to {_some(open_to_all)}: what they hold runs with the rights of others"
        hint = "chmod -R o-w BUNDLE" if not tree.in_archive else "pack again: a pack takes that permission away"
        faults.append(Fault(FaultKind.PERMISSION, "", message, hint))
    owners = _owned_by_others(members, _ROOT if tree.in_archive else _owner_of_top(tree))
    for owner, paths in owners.items():
        if tree.in_archive:
            unpacked = "unpacked by root with its owners (tar does so)"
            notes.append(
                f"{unpacked} user {owner} owns {_some(paths)}, and may change what others run: tar --no-same-owner"
            )
        else:
            message = f"user {owner} owns {_some(paths)}, and may change what others run: the bundle is another user's"
            faults.append(Fault(FaultKind.PERMISSION, "", message, "chown -R --reference=BUNDLE BUNDLE"))
    return Findings(faults, notes)


def _with_top(tree: BundleTree) -> Iterator[Member]:
    """What is in a bundle, and the folder that it lies in, which is named in words."""
    yield from tree.members
    if not tree.in_archive and os.path.isdir(tree.root):
        facts = os.stat(tree.root)
        yield Member(_TOP, Kind.DIRECTORY, facts.st_mode & 0o7777, owner=facts.st_uid)


def _owner_of_top(tree: BundleTree) -> int | None:
    return os.stat(tree.root).st_uid if os.path.isdir(tree.root) else None


def _set_id(members: Sequence[Member]) -> Iterator[Fault]:
    """Programs that give their owner's rights to whoever runs them."""
    for member in members:
        if member.kind is Kind.FILE and has_set_id(member.mode):
            message = "has a set-id bit: whoever runs it gets the rights of its owner or group"
            yield Fault(FaultKind.PERMISSION, member.path, message, f"chmod u-s,g-s {member.path}")


def _has_no_modes(members: Sequence[Member]) -> bool:
    """Whether modes say nothing, as on a file system without them: all files have one, and all folders have one."""
    modes = {kind: {member.mode for member in members if member.kind is kind} for kind in (Kind.FILE, Kind.DIRECTORY)}
    return all(len(found) == 1 for found in modes.values())


def _owned_by_others(members: Sequence[Member], owner: int | None) -> dict[int, list[str]]:
    """Paths by the user whose they are, where that is neither root nor the `owner`."""
    found: dict[int, list[str]] = {}
    for member in members:
        if owner is not None and member.owner is not None and member.owner not in (_ROOT, owner):
            found.setdefault(member.owner, []).append(member.path)
    return found


def _some(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    return ", ".join(sorted(paths)[:_NAMED]) + more

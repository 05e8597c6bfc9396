"""Who may change a bundle, and whose rights it gives to others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bundler.audit.permissions import audit_permissions
from bundler.audit.tree import BundleTree
from bundler.faults import FaultKind, Findings
from bundler.manifest.model import Manifest, PythonFacts
from bundler.systems import System
from bundler.systems.linux.rules import LINUX
from bundler.systems.windows.rules import WINDOWS
from bundler.trees import Kind, Member
from tests.material.schemes import POSIX_312

TOOL = Member("bin/tool", Kind.FILE, 0o755, owner=0)
PLAIN = (Member("bin", Kind.DIRECTORY, 0o755, owner=0), TOOL, Member("bin/link", Kind.LINK, 0o777, "tool", owner=0))


def audit(*members: Member, root: Path | None = None, system: System = LINUX) -> Findings:
    python = PythonFacts("3.12.1", POSIX_312, None, (), (".so",))
    manifest = Manifest("1", python, "x86_64", None, (), {})
    tree = BundleTree(
        str(root) if root is not None else "/nowhere/at/all",
        manifest,
        {},
        {},
        frozenset(),
        frozenset(),
        in_archive=root is None,
        members=(*PLAIN, *members),
    )
    return audit_permissions(tree, system)


def test_plain_modes_and_root_s_files_are_right(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    assert audit() == audit(root=tmp_path) == Findings([], [])


@pytest.mark.parametrize("mode", [0o4755, 0o2755, 0o6711])
def test_a_program_that_gives_rights_is_a_fault_of_its_own(mode: int) -> None:
    (fault,) = audit(Member("bin/su", Kind.FILE, mode)).faults
    assert (fault.kind, fault.path) == (FaultKind.PERMISSION, "bin/su")
    assert fault.hint == "chmod u-s,g-s bin/su"


def test_a_folder_with_that_bit_gives_its_group_and_no_rights() -> None:
    assert audit(Member("lib", Kind.DIRECTORY, 0o2755)) == Findings([], [])


def test_what_anybody_may_write_to_is_one_fault_that_names_some(tmp_path: Path) -> None:
    open_files = [Member(f"lib/{name}.py", Kind.FILE, 0o666) for name in "abcde"]
    (fault,) = audit(*open_files, Member("lib", Kind.DIRECTORY, 0o777), root=tmp_path).faults
    assert fault.message.startswith("anybody may write to lib, lib/a.py, lib/b.py and 3 more")
    assert fault.hint == "chmod -R o-w BUNDLE"
    tmp_path.chmod(0o777)
    assert "the bundle's own folder" in audit(root=tmp_path).faults[0].message
    assert "pack again" in audit(*open_files).faults[0].hint, "nothing else mends an archive"


@pytest.mark.parametrize(("mode", "fault"), [(0o664, False), (0o775, False), (0o602, True), (0o1777, True)])
def test_its_group_may_write_to_it_and_nobody_may_add_to_it(mode: int, fault: bool) -> None:
    assert bool(audit(Member("lib/x", Kind.DIRECTORY, mode)).faults) is fault


def test_a_file_system_that_has_no_modes_is_told_and_no_fault(tmp_path: Path) -> None:
    """As drvfs, or exFAT that was mounted for all."""
    tmp_path.chmod(0o777)
    python = PythonFacts("3.12.1", POSIX_312, None, (), (".so",))
    members = (Member("bin", Kind.DIRECTORY, 0o777), Member("bin/python", Kind.FILE, 0o777))
    tree = BundleTree(
        str(tmp_path),
        Manifest("1", python, "x86_64", None, (), {}),
        {},
        {},
        frozenset(),
        frozenset(),
        members=members,
    )
    found = audit_permissions(tree, LINUX)
    assert not found.faults and "the same mode" in found.notes[0]


def test_files_of_another_user_are_a_fault_in_a_folder_and_a_note_in_an_archive(tmp_path: Path) -> None:
    own = os.stat(tmp_path).st_uid
    other = own + 1
    assert audit(Member("x", Kind.FILE, 0o644, owner=own), root=tmp_path) == Findings([], [])
    (fault,) = audit(Member("x", Kind.FILE, 0o644, owner=other), root=tmp_path).faults
    assert f"user {other} owns x" in fault.message and fault.hint == "chown -R --reference=BUNDLE BUNDLE"
    found = audit(Member("x", Kind.FILE, 0o644, owner=1000))
    assert not found.faults and "user 1000 owns x" in found.notes[0] and "--no-same-owner" in found.notes[0]


def test_a_user_s_own_bundle_is_his_and_root_s(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to give a folder to another user")
    os.chown(tmp_path, 1234, -1)
    assert audit(Member("x", Kind.FILE, 0o644, owner=1234), root=tmp_path) == Findings([], [])
    assert audit(Member("x", Kind.FILE, 0o644, owner=1235), root=tmp_path).faults


def test_on_a_system_without_modes_they_say_nothing() -> None:
    assert audit(Member("bin/su", Kind.FILE, 0o6777), system=WINDOWS) == Findings([], [])

"""A changed binary is read once more by another reader, and all that nobody asked for is as in its source."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from bundler.audit.second_reading import audit_changed_binaries, in_folder
from bundler.audit.seen_files import SeenFile
from bundler.audit.tree import BundleTree
from bundler.binaries.elf import Edits, plan_patch, read_image
from bundler.entries import Patched
from bundler.faults import FaultKind
from bundler.manifest.model import ChangedFile, FileFact, Manifest, PythonFacts
from tests.binaries.elf.programs import compile_c
from tests.material.schemes import POSIX_312

PATH = "lib/bundled/libit.so"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return compile_c(
        "int it(void) { return 42; }",
        tmp_path / "source.so",
        "-shared",
        "-Wl,-soname,libit.so",
        "-Wl,--no-as-needed",
        "-lm",
    )


def patched(source: Path) -> bytes:
    return made_of(source).patch.apply(source.read_bytes())


def made_of(source: Path) -> Patched:
    """What a plan says of a file that was made of a source."""
    with open(source, "rb") as file:
        plan = plan_patch(file, read_image(file), Edits(rpath="$ORIGIN/../lib"))
    assert plan is not None
    return Patched(str(source), plan.patch)


def bundle(folder: Path, data: bytes) -> BundleTree:
    """A bundle whose only file is a library that a pack changed."""
    (folder / PATH).parent.mkdir(parents=True, exist_ok=True)
    (folder / PATH).write_bytes(data)
    with open(folder / PATH, "rb") as file:
        image = read_image(file)
    digest = hashlib.sha256(data).hexdigest()
    manifest = Manifest(
        "1",
        PythonFacts("3.12.1", POSIX_312, None, (), ()),
        "x86_64",
        None,
        (),
        {PATH: FileFact(digest, len(data))},
        (ChangedFile(PATH, "host:/x", "patched"),),
    )
    files = {PATH: SeenFile(digest, len(data), image=image)}
    return BundleTree(str(folder), manifest, files, {}, frozenset(), frozenset())


def test_a_patched_library_has_no_fault(tmp_path: Path, source: Path) -> None:
    tree = bundle(tmp_path / "app", patched(source))
    assert list(audit_changed_binaries(tree, in_folder(tree.root), {PATH: made_of(source)})) == []


def flipped_code(data: bytes) -> bytes:
    """One byte of the only function is another one."""
    at = data.index((42).to_bytes(4, "little"))
    return data[:at] + b"\x2b" + data[at + 1 :]


def other_needed(data: bytes) -> bytes:
    """The library asks for another one than its source did."""
    return data.replace(b"libm.so.6", b"libz.so.1")


@pytest.mark.parametrize("change", [flipped_code, other_needed])
def test_what_nobody_asked_for_is_a_fault_where_the_source_is_at_hand(
    tmp_path: Path, source: Path, change: Callable[[bytes], bytes]
) -> None:
    tree = bundle(tmp_path / "app", change(patched(source)))
    faults = list(audit_changed_binaries(tree, in_folder(tree.root), {PATH: made_of(source)}))
    assert faults and {(fault.kind, fault.path) for fault in faults} == {(FaultKind.READERS, PATH)}


def test_two_readers_that_disagree_are_a_fault_with_both_readings(tmp_path: Path, source: Path) -> None:
    tree = bundle(tmp_path / "app", patched(source))
    (tmp_path / "app" / PATH).write_bytes(other_needed(patched(source)))  # what the first reader read was otherwise
    (fault, *_) = audit_changed_binaries(tree, in_folder(tree.root))
    assert "libm.so.6" in fault.message and "libz.so.1" in fault.message

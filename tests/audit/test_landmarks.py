"""Where Python finds its own parts is where the bundle has them: what is lacking, and what comes before, is a fault."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bundler.audit.contents import audit_contents
from bundler.audit.landmarks import audit_landmarks
from bundler.audit.seen_files import SeenFile
from bundler.audit.tree import BundleTree
from bundler.manifest.model import FileFact, Manifest, PythonFacts
from bundler.systems.linux.rules import LINUX
from bundler.systems.windows.rules import WINDOWS
from tests.material.schemes import POSIX_312, WINDOWS_312

ZIP = POSIX_312.stdlib_zip
EMPTY = SeenFile("e3b0", 0)


def bundle(*added: str, version: str = "3.12.1", without: tuple[str, ...] = (), listed: bool = True) -> BundleTree:
    """A bundle with its landmarks, to which files were added, and from which some were taken away."""
    python = PythonFacts(version, POSIX_312, None, (POSIX_312.site_packages,), (".so",))
    files = {"bin/python3.12": SeenFile("00", 1, 0o755), ZIP: EMPTY, f"{POSIX_312.dynload}/math.so": SeenFile("00", 1)}
    facts = {"bin/python3.12": FileFact("00", 1, origin="base:", mode=0o755)}
    facts[f"{POSIX_312.dynload}/math.so"] = FileFact("00", 1, origin="base:")
    facts |= {ZIP: FileFact("e3b0", 0, origin="bundler")} if listed else {}
    files |= {path: SeenFile("00", 1) for path in added}
    there = {path: seen for path, seen in files.items() if path not in without}
    folders = frozenset(path.rpartition("/")[0] for path in there)
    links = {"bin/python": "python3.12"}
    facts["bin/python"] = FileFact(link="python3.12", origin="bundler")
    return BundleTree("/bundle", Manifest("1", python, "x86_64", None, (), facts), there, links, folders, frozenset())


def faults(tree: BundleTree) -> list[str]:
    return [fault.path for fault in (*audit_landmarks(tree, LINUX), *audit_contents(tree, LINUX, strict=False).faults)]


def test_a_bundle_with_its_landmarks_has_no_fault() -> None:
    assert faults(bundle()) == []
    assert faults(bundle(listed=False)) == []  # put there by its user, after the hint
    assert faults(bundle("share/pybuilddir.txt", "pyvenv.cfg", "bin/app._pth", "lib/other.zip")) == []


@pytest.mark.parametrize("listed", [True, False])
def test_a_bundle_without_the_zip_is_told_what_to_do(listed: bool) -> None:
    tree = bundle(without=(ZIP,), listed=listed)
    (fault,) = (*audit_landmarks(tree, LINUX), *audit_contents(tree, LINUX, strict=False).faults)
    assert fault.path == ZIP
    assert "is missing" in fault.message
    assert "pack again" in fault.hint


def test_before_3_11_no_zip_is_needed() -> None:
    assert faults(bundle(version="3.10.13", without=(ZIP,), listed=False)) == []
    assert faults(bundle(version="3.9.2", without=(ZIP,), listed=False)) == []


@pytest.mark.parametrize("listed", [True, False])
def test_another_zip_than_the_packed_one_is_told_what_to_do(listed: bool) -> None:
    tree = bundle(listed=listed)
    tree = replace(tree, files={**tree.files, ZIP: SeenFile("11", 500)})
    (fault,) = (*audit_landmarks(tree, LINUX), *audit_contents(tree, LINUX, strict=False).faults)
    assert fault.path == ZIP
    assert "standard library" in fault.message + fault.hint


def test_an_installer_s_record_does_not_excuse_another_zip() -> None:
    tree = bundle()
    site = POSIX_312.site_packages
    record = SeenFile("00", 1, text=b"../../../lib/python312.zip,,\n")
    facts = {**tree.manifest.files, ZIP: FileFact("e3b0", 0, origin=f"env:{ZIP}")}
    files = {**tree.files, ZIP: SeenFile("11", 500), f"{site}/evil-1.dist-info/RECORD": record}
    tree = replace(tree, files=files, manifest=replace(tree.manifest, files=facts))
    assert faults(tree) == [ZIP]


def test_without_a_folder_of_extension_modules_one_above_counts() -> None:
    assert faults(bundle(without=(f"{POSIX_312.dynload}/math.so",)))[0] == POSIX_312.dynload


@pytest.mark.parametrize(
    "path",
    [
        "bin/lib/python312.zip", "lib/lib/python312.zip", "bin/lib/python3.12/os.py", "bin/lib/python3.12/os.pyc",
        "bin/lib/python3.12/lib-dynload", "bin/pybuilddir.txt", "bin/Modules/Setup.local", "bin/pyvenv.cfg",
        "bin/python3.12._pth", "bin/python._pth", "lib/libpython3.12.so.1.0._pth",
    ],
)  # fmt: skip
def test_what_comes_before_the_bundle_s_own_is_a_fault(path: str) -> None:
    assert faults(bundle(path)) == [path]


def test_the_folders_between_may_be_links() -> None:
    tree = bundle()
    tree = replace(tree, links={**tree.links, "bin/lib": "../lib"}, folders=tree.folders | {"lib"})
    assert "bin/lib/python312.zip" in faults(tree)


def windows_bundle(root: str, *, in_archive: bool = False) -> BundleTree:
    """A bundle for Windows in the folder `root`, where nothing is read."""
    python = PythonFacts("3.12.1", WINDOWS_312, None, (WINDOWS_312.site_packages,), (".pyd",))
    facts = {path: FileFact("00", 1, origin="base:") for path in ("python.exe", "python312.dll", "Lib/os.py")}
    files = {path: SeenFile("00", 1) for path in facts}
    manifest = Manifest("1", python, "AMD64", None, (), facts, system="win32")
    return BundleTree(root, manifest, files, {}, frozenset({"", "Lib"}), frozenset(), in_archive=in_archive)


def test_on_windows_python_does_not_look_above_for_its_library() -> None:
    assert [*audit_landmarks(windows_bundle("/somewhere/app"), WINDOWS)] == []


def test_on_windows_a_bundle_in_the_folder_of_an_environment_is_led_astray(tmp_path: Path) -> None:
    tree = windows_bundle(str(tmp_path / "app"))
    assert [*audit_landmarks(tree, WINDOWS)] == []
    (tmp_path / "pyvenv.cfg").write_text("home = C:\\Python312\n")
    (fault,) = audit_landmarks(tree, WINDOWS)
    assert str(tmp_path) in fault.message + fault.hint
    assert [*audit_landmarks(replace(tree, in_archive=True), WINDOWS)] == []
    assert [*audit_landmarks(replace(bundle(), root=str(tmp_path / "app")), LINUX)] == []  # it has its own there

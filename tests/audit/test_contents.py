"""What an installer took away or changed after the pack is told apart from what nobody may touch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from bundler.audit.contents import audit_contents
from bundler.audit.seen_files import SeenFile
from bundler.audit.tree import BundleTree
from bundler.manifest.model import FileFact, Manifest, PythonFacts
from bundler.systems.linux.rules import LINUX
from bundler.systems.windows.rules import WINDOWS
from tests.material.schemes import POSIX_312

SITE = "lib/python3.12/site-packages"
RECORD = f"{SITE}/app-1.dist-info/RECORD"


def missing_after_an_uninstall(path: str, origin: str, *, uninstalled: bool = True) -> list[str]:
    """The paths that are faults in a bundle where `path` is missing, and a distribution's RECORD is gone, or not."""
    python = PythonFacts("3.12.1", POSIX_312, None, (SITE,), (".so",))
    files = {path: FileFact("00", 1, origin=origin)}
    if uninstalled:
        files[RECORD] = FileFact("00", 1, origin=f"env:{RECORD}")
    manifest = Manifest("1", python, "x86_64", None, (), files)
    tree = BundleTree("/bundle", manifest, {}, {}, frozenset(), frozenset())
    return [fault.path for fault in audit_contents(tree, LINUX, strict=False).faults]


@pytest.mark.parametrize(
    "path",
    [
        f"{SITE}/app.py", "bin/app", "bin/python-app", "share/app/data", "etc/app.ini", "lib/pkgconfig/app.pc",
        "lib/cmake/app/app.cmake", "include/site/python3.12/greenlet/greenlet.h",
    ],
)  # fmt: skip
def test_all_files_of_a_distribution_may_go_with_it(path: str) -> None:
    assert missing_after_an_uninstall(path, f"env:{path}") == []
    assert missing_after_an_uninstall(path, f"env:{path}", uninstalled=False) == [path]


@pytest.mark.parametrize(
    ("path", "origin"),
    [
        ("lib/python3.12/abc.py", "base:lib/python3.12/abc.py"),
        ("lib/bundled/libz.so.1", "host:/lib/libz.so.1"),
        ("bin/pydoc3.12", "base:bin/pydoc3.12"),
        ("bin/activate", "bundler"),
        # of an installation, which is packed as a whole
        ("lib/python3.12/abc.py", "env:lib/python3.12/abc.py"),
        ("lib/libpython3.12.so.1.0", "env:lib/libpython3.12.so.1.0"),
        ("include/python3.12/Python.h", "env:include/python3.12/Python.h"),
        ("bin/python3.12", "env:bin/python3.12"),
    ],
)
def test_the_runtime_is_nobody_s_to_take_away(path: str, origin: str) -> None:
    assert missing_after_an_uninstall(path, origin) == [path]


def bundle(added: Mapping[str, SeenFile] = {}, *, in_archive: bool = False, version: str = "3.12.1") -> BundleTree:
    """A bundle of one file, a script, to which files were added."""
    python = PythonFacts(version, POSIX_312, None, (SITE,), (".so",))
    files = {"bin/app": SeenFile("00", 1, mode=0o755), **added}
    manifest = Manifest("1", python, "x86_64", None, (), {"bin/app": FileFact("00", 1, origin="env:", mode=0o755)})
    return BundleTree("/bundle", manifest, files, {}, frozenset(), frozenset(), in_archive)


def faults(tree: BundleTree) -> list[tuple[str, str]]:
    return [(fault.path, fault.message) for fault in audit_contents(tree, LINUX, strict=False).faults]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("lib/bundled/glibc-hwcaps/x86-64-v3/libz.so.1", None),
        ("lib/bundled/tls/libz.so.1", None),
        ("lib/bundled/libnew.so", None),
        ("lib/x86_64/libpython3.12.so.1.0", None),
        (f"{SITE}/pkg.libs/glibc-hwcaps/x86-64-v2/libfoo.so.1", None),
        (f"{SITE}/sitecustomize.py", None),
        ("lib/python3.12/usercustomize.py", None),
        (f"{SITE}/evil.pth", "/opt/elsewhere\n"),
        (f"{SITE}/evil.pth", "import evil\n"),
        (f"{SITE}/evil.pth", "../../../../elsewhere\n"),
    ],
)
def test_what_was_added_and_changes_what_runs_is_a_fault(path: str, text: str | None) -> None:
    seen = SeenFile("00", 1, text=text.encode() if text is not None else None)
    assert [found for found, _ in faults(bundle({path: seen}))] == [path]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (f"{SITE}/new/module.py", None),
        (f"{SITE}/new/x86_64.txt", None),
        (f"{SITE}/inside.pth", "./new\n# a comment\n"),
        ("lib/python3.12/__pycache__/os.cpython-312.pyc", None),
    ],
)
def test_what_else_was_added_is_only_counted(path: str, text: str | None) -> None:
    seen = SeenFile("00", 1, text=text.encode() if text is not None else None)
    assert faults(bundle({path: seen})) == []
    assert [found for found, _ in faults(bundle({path: seen}, in_archive=True))] == [path]


def test_an_entry_point_that_was_added_is_a_fault_where_the_version_reads_it() -> None:
    seen = {f"{SITE}/evil.start": SeenFile("00", 1, text=b"\xef\xbb\xbfevil:run\n")}
    assert faults(bundle(seen, version="3.14.2")) == []
    assert faults(bundle(seen, version="3.15.0rc1")) == [
        (f"{SITE}/evil.start", "was added, and is run by Python at each start")
    ]


def test_two_names_that_windows_takes_for_one_are_a_fault() -> None:
    tree = bundle({"lib/a.py": SeenFile("00", 1), "lib/A.py": SeenFile("00", 1)})
    assert faults(tree) == []
    (fault,) = audit_contents(tree, WINDOWS, strict=False).faults
    assert "lib/A.py" in fault.message and fault.hint


def test_lost_permissions_are_a_fault_and_more_of_them_are_none() -> None:
    for mode, lost in ((0o644, "execute"), (0o455, "write or execute"), (0o700, None), (0o777, None)):
        tree = bundle()
        tree = replace(tree, files={"bin/app": replace(tree.files["bin/app"], mode=mode)})
        expected = [] if lost is None else [("bin/app", f"lost permissions: its owner may not {lost} it")]
        assert faults(tree) == expected

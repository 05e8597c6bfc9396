"""What an installer took away or changed after the pack is told apart from what nobody may touch."""

from __future__ import annotations

import pytest

from bundler.audit.contents import audit_contents
from bundler.audit.tree import BundleTree
from bundler.manifest.model import FileFact, Manifest, PythonFacts
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
    return [fault.path for fault in audit_contents(tree, strict=False).faults]


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

"""What an installer brought after the pack is told apart; nobody replaces the runtime, least of all the program that is run."""

from __future__ import annotations

from bundler.audit.contents import came_later
from bundler.audit.tree import BundleTree, SeenFile
from bundler.manifest.model import FileFact, Manifest, PythonFacts
from tests.material.schemes import POSIX_312

PACKAGES = "lib/python3.12/site-packages"
PACKED = ("a.so", "replaced.so", "missing.so")
MODULE = "lib/python3.12/lib-dynload/_ssl.so"
LATER = (f"{PACKAGES}/replaced.so", f"{PACKAGES}/added.so", "share/added.so")


def test_files_that_an_installer_added_or_replaced_came_later_and_the_runtime_never_did() -> None:
    python = PythonFacts("3.12.1", POSIX_312, None, (PACKAGES,), ())
    facts = {f"{PACKAGES}/{name}": FileFact("1", origin="env:x") for name in PACKED} | {
        MODULE: FileFact("1", origin="base:x")
    }
    seen = {name: SeenFile("2", 0) for name in (*LATER, MODULE, "bin/python3.12")} | {
        f"{PACKAGES}/a.so": SeenFile("1", 0)
    }
    manifest = Manifest("1", python, "x86_64", None, (), facts)
    tree = BundleTree("/bundle", manifest, seen, {}, frozenset(), frozenset())
    names = (*seen, f"{PACKAGES}/missing.so", "/outside/program")
    assert sorted(name for name in names if came_later(tree, name)) == sorted(LATER)

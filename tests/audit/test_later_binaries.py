"""What came after the pack is told apart, but for the program that is to be run."""

from __future__ import annotations

from bundler.audit import came_later
from bundler.audit.tree import BundleTree, SeenFile
from bundler.manifest.model import FileFact, Manifest, PythonFacts


def test_files_that_were_added_or_replaced_came_later_and_the_interpreter_never_did() -> None:
    python = PythonFacts("3.12.1", "bin/python3.12", "lib/python3.12", (), ())
    facts = {"packed": FileFact("1"), "replaced": FileFact("1"), "missing": FileFact("1")}
    seen = {name: SeenFile("1" if name == "packed" else "2", 0) for name in ("packed", "replaced", "added")}
    manifest = Manifest("1", python, "x86_64", None, None, None, (), facts)
    tree = BundleTree("/bundle", manifest, {**seen, "bin/python3.12": SeenFile("2", 0)}, {}, frozenset(), frozenset())
    names = ("packed", "replaced", "added", "missing", "/outside/program", "bin/python3.12")
    assert [name for name in names if came_later(tree, name)] == ["replaced", "added"]

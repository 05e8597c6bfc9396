"""What of a bundle is held in memory has a bound."""

from __future__ import annotations

import json

import pytest

from bundler.audit.tree import look_through
from bundler.entries import Entry, Layer, Literal
from bundler.errors import NotABundle
from bundler.trees.planned import PlannedTree


def tree(**files: bytes) -> PlannedTree:
    return PlannedTree(Entry(path, Literal(data), 0o644, 0, Layer.RUNTIME, "env:") for path, data in files.items())


MANIFEST = {"bundler": "1", "schema": 1}


def test_a_manifest_that_tells_more_than_the_bundle_has_is_none() -> None:
    """Three bytes become a hundred in memory: `[],`."""
    usual = json.dumps(
        MANIFEST | {"files": {f"f{number}": {"size": 1, "mode": "755"} for number in range(1000)}}
    ).encode()
    assert look_through(tree(**{"bundle.json": usual})) is not None
    many = json.dumps(MANIFEST | {"x": [[]] * 100_000}).encode()
    with pytest.raises(NotABundle, match="values for 1 files and links, which is no manifest"):
        look_through(tree(**{"bundle.json": many, "file": b""}))


@pytest.mark.parametrize("name", ["RECORD", "x.pth", "pyvenv.cfg"])
def test_a_text_that_is_larger_than_any_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr("bundler.audit.seen_files.MOST_OF_A_TEXT", 100)
    manifest = json.dumps(MANIFEST | {"warnings": ["x" * 100]}).encode()
    assert look_through(tree(**{"bundle.json": manifest, name: bytes(100), "other": bytes(101)})) is not None
    with pytest.raises(NotABundle, match=f"{name} has more than 0 MiB"):
        look_through(tree(**{"bundle.json": manifest, name: bytes(101)}))

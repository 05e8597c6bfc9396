"""A stage holds what was asked for last, whatever it held before, and is gone with its pack."""

from __future__ import annotations

import os
from pathlib import Path

from bundler.entries import Directory, Entry, Layer, Link, Literal
from bundler.sinks.directories.stage import Stage


def entry(path: str, content: Directory | Link | Literal, mode: int = 0o644) -> Entry:
    return Entry(path, content, mode, 0, Layer.PACKAGES, "env:")


def tree(root: str) -> dict[str, str]:
    """The files and links below a folder, with what they hold."""
    found = {}
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder, name)
            found[str(path.relative_to(root))] = os.readlink(path) if path.is_symlink() else path.read_text()
    return found


def test_what_is_written_next_takes_the_place_of_what_was_there(tmp_path: Path) -> None:
    folder = entry("lib", Directory(), 0o555)
    kept, old, new = entry("lib/kept", Literal(b"kept")), Literal(b"old"), Literal(b"new")
    with Stage(str(tmp_path / "app.tar"), threads=1) as stage:
        first = stage.write(
            [folder, kept, entry("lib/changed", old), entry("lib/gone", old), entry("lib/link", Link("kept"))]
        )
        inode = os.stat(f"{first}/lib/kept").st_ino
        later = [
            folder,
            kept,
            entry("lib/changed", new),
            entry("lib/link", Link("changed")),
            entry("more", Directory()),
        ]
        assert stage.write([*later, entry("more/file", new)]) == first
        assert tree(first) == {"lib/kept": "kept", "lib/changed": "new", "lib/link": "changed", "more/file": "new"}
        assert os.stat(f"{first}/lib/kept").st_ino == inode
        stage.clear()
        assert os.listdir(tmp_path) == []
        assert tree(stage.write([folder, kept])) == {"lib/kept": "kept"}
    assert os.listdir(tmp_path) == []

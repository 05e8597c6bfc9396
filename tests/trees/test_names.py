"""A name in an archive, which anybody may have written, leads to one place below a folder, or is refused."""

from __future__ import annotations

import pytest

from bundler.trees import names
from bundler.trees.names import member_of
from bundler.trees.tree import Kind, Member


@pytest.mark.parametrize("name", [r"..\..\x", r"Lib\x.py", "C:x", "C:/x", "file.txt:stream"])
def test_windows_extracts_no_name_that_it_would_read_as_another_path(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert member_of(name, Kind.FILE, 0o644) == Member(name, Kind.FILE, 0o644), "elsewhere it is a file's name"
    monkeypatch.setattr(names, "HAS_DRIVES", True)
    with pytest.raises(ValueError, match="which no file of this system can have"):
        member_of(name, Kind.FILE, 0o644)
    assert member_of("Lib/./x.py", Kind.FILE, 0o644) == Member("Lib/x.py", Kind.FILE, 0o644)

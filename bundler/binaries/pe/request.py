"""The words of `bundler patch` as edits of a PE file."""

from __future__ import annotations

from bundler.binaries.pe.edits import Edits, folded
from bundler.binaries.request import Request
from bundler.errors import ConflictingEdits


def edits_of(request: Request) -> Edits:
    """The edits that do `request`. Raises ConflictingEdits where one DLL shall get two names."""
    names: dict[str, str] = {}
    for old, new in request.replace_needed:
        if names.setdefault(folded(old), new) != new:
            raise ConflictingEdits(f"{old} shall become {names[folded(old)]} and {new}", "leave one of them out")
    return Edits(dlls=names)

"""Where a system's observer stands: a module of its own that another Python runs."""

from __future__ import annotations

from bundler.machine import os


def observer_source(folder: str) -> str:
    """The text of `mapped_libraries.py` in a system's folder."""
    with open(os.path.join(folder, "mapped_libraries.py"), encoding="utf-8") as file:
        return file.read()

"""Where a system's observer stands: a module of its own that another Python runs."""

from __future__ import annotations

from bundler.files import opened
from bundler.machine import os


def observer_source(folder: str) -> str:
    """The text of `mapped_libraries.py` in a system's folder."""
    with opened(os.path.join(folder, "mapped_libraries.py")) as file:
        return file.read().decode()

"""Text that goes into bundles, as real files: shell where it is shell, Python where it is Python."""

from __future__ import annotations

from bundler.files import opened
from bundler.machine import os


def read_template(name: str) -> str:
    """The text of the template file `name` beside this module."""
    with opened(os.path.join(os.path.dirname(__file__), name)) as file:
        return file.read().decode()

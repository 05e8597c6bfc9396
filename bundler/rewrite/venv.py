"""The standard library's `venv`: `python -m venv --copies` gives the copied interpreter its libraries, too.

A bundle's interpreter finds libpython and `lib/bundled` from its own place; a copy elsewhere would find the host's, or none.
"""

from __future__ import annotations

from bundler.rewrite import Rewritten
from bundler.rewrite.templates import read_template


def rewrite_venv(data: bytes) -> Rewritten | None:
    """`venv/__init__.py` with an addition at its end; None where it has none of the names that this needs, or the addition."""
    ending = read_template("venv_ending").encode()
    if b"\nclass EnvBuilder" not in data or b"def setup_python(" not in data or ending in data:
        return None
    return Rewritten(data + ending, "environments with a copied interpreter get its libraries")

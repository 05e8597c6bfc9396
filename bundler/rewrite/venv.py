"""The standard library's `venv`: environments made by a bundle work, by `--copies` and through a link from outside, too.

A bundle's interpreter finds libpython and `lib/bundled` from its own place; a copy elsewhere would find the host's, or none. An
environment that took the folder of a link for the interpreter's would find nothing there; other installations then fall back to
the prefix that they were compiled for.
"""

from __future__ import annotations

from bundler.rewrite import Rewritten
from bundler.rewrite.templates import read_template


def rewrite_venv(data: bytes) -> Rewritten | None:
    """`venv/__init__.py` with an addition at its end; None where it has none of the names that this needs, or the addition."""
    ending = read_template("venv_ending").encode()
    if b"\nclass EnvBuilder" not in data or b"def setup_python(" not in data or ending in data:
        return None
    return Rewritten(data + ending, "environments find the bundle, and a copied interpreter its libraries")

"""What installers write before a script's body: one module a writer, which recognises its own heads and decides nothing.

A new writer is a module, and a line in the tuple. What else installers leave stands in `rewrite.installers`.
"""

from __future__ import annotations

from collections.abc import Callable

from bundler.rewrite.launchers import sh_exec, shebang, uv
from bundler.rewrite.launchers.head import PYTHON_NAME, Head, Unnamed

__all__ = ["LAUNCHERS", "PYTHON_NAME", "Head", "Unnamed", "read_heads"]

LAUNCHERS: tuple[Callable[[bytes], tuple[Head, ...]], ...] = (
    shebang.recognise,
    sh_exec.recognise,
    uv.recognise,
)


def read_heads(data: bytes) -> tuple[Head, ...]:
    """Every way to read what stands before a script's body, the likeliest first; none for what no installer of Python wrote."""
    return tuple(head for recognise in LAUNCHERS for head in recognise(data))

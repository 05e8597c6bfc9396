"""uv's scripts that compute the interpreter's path in sh.

After `uv venv --relocatable` they find it from their own place. Behind a coding cookie uv writes the path with `printf %b`, byte
for byte in octal: that is the environment's, too.
"""

from __future__ import annotations

from bundler.rewrite.launchers.head import Head, Unnamed
from bundler.rewrite.launchers.sh_exec import read_exec_lines


def recognise(data: bytes) -> tuple[Head, ...]:
    """The head with a command in the interpreter's place."""
    lines = read_exec_lines(data)
    if lines is None or "$(" not in lines.interpreter:
        return ()
    return (Head(Unnamed.OWN, lines.arguments, lines.length),)

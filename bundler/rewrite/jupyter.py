"""Jupyter's `kernel.json`: the command that starts a kernel (jupyter_client, "Kernel specs").

`python` as the first word means the Python that Jupyter runs on: the bundle's, where the kernel lies in the bundle.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable

from bundler.rewrite import Rewritten

_PYTHON = re.compile(r"python(\d+(\.\d+)?)?t?d?")


def rewrite_kernel(data: bytes, is_ours: Callable[[str], bool]) -> Rewritten | None:
    """The file with `python` for an absolute path of a Python that `is_ours`; None where it names none."""
    try:
        kernel = json.loads(data)
    except ValueError:
        return None
    argv = kernel.get("argv") if isinstance(kernel, dict) else None
    if not isinstance(argv, list) or not argv:
        return None
    program = argv[0]
    if not isinstance(program, str) or not program.startswith("/"):
        return None
    if not _PYTHON.fullmatch(os.path.basename(program)) or not is_ours(program):
        return None
    new = json.dumps(kernel | {"argv": ["python", *argv[1:]]}, indent=1) + "\n"
    return Rewritten(new.encode("utf-8", "surrogateescape"), "the kernel runs on the bundle's Python")

"""Jupyter's `kernel.json`: the command that starts a kernel (jupyter_client, "Kernel specs").

`python` as the first word means the Python that Jupyter runs on: the bundle's, where the kernel lies in the bundle. In any word
`{resource_dir}` is the folder of the file. Values of `env` know variables alone, so what names the bundle there is set by a shell.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import TypeGuard

from bundler.parsing import parse_json
from bundler.rewrite import Rewritten
from bundler.rewrite.whole_paths import occurrences

_PYTHON = re.compile(r"python(\d+(\.\d+)?)?t?d?(\.exe)?", re.IGNORECASE)
_SPECIAL = re.compile(r"\$(?:(?P<name>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)\}|\$)?|[\\\"`{]")
"""What a shell, Jupyter (in words) or `string.Template` (in values) would not take for text."""


def rewrite_kernel(
    data: bytes, is_ours: Callable[[str], bool], prefixes: Sequence[str], to_root: str
) -> Rewritten | None:
    """The file with the bundle's place for that of the environment; None where it does not name it.

    `is_ours` tells whole paths of its Pythons, `prefixes` are its folders (absolute), `to_root` is the way from the file's folder
    to the bundle.
    """
    try:
        value = parse_json(data)
    except ValueError:
        return None
    kernel: dict[str, object] = value if isinstance(value, dict) else {}
    argv, told = kernel.get("argv"), kernel.get("env", {})
    if not _are_texts(argv) or not argv or not isinstance(told, dict) or not _are_texts([*told.values()]):
        return None
    env: dict[str, str] = told
    root = f"{{resource_dir}}/{to_root}"
    words = [_replaced(word, prefixes, root) for word in argv]
    program = argv[0]
    is_python = _PYTHON.fullmatch(re.split(r"[\\/]", program)[-1]) and is_ours(program)
    placed = [name for name, value in env.items() if any(occurrences(value, prefixes))]
    if placed:
        if is_python or _PYTHON.fullmatch(program):  # only the first word of all has that meaning
            words[0] = f"{root}/bin/python"
        exports = (f'export {name}="{_in_double_quotes(env[name], prefixes)}"; ' for name in placed)
        words = ["/bin/sh", "-c", "".join(exports) + 'exec "$@"', root, *words]
        kernel["env"] = {name: value for name, value in env.items() if name not in placed}
    elif is_python:
        words[0] = "python"
    if words == argv:
        return None
    new = json.dumps(kernel | {"argv": words}, indent=1) + "\n"
    return Rewritten(new.encode("utf-8", "surrogateescape"), "the kernel runs on the bundle's Python and programs")


def _replaced(text: str, prefixes: Sequence[str], root: str, quoted: Callable[[str], str] = lambda piece: piece) -> str:
    """The text with `root` for each prefix, and what is between them `quoted`."""
    pieces, done = [], 0
    for match in occurrences(text, prefixes):
        pieces += [quoted(text[done : match.start()]), root]
        done = match.end()
    return "".join(pieces) + quoted(text[done:])


def _in_double_quotes(value: str, prefixes: Sequence[str]) -> str:
    """A value as a shell whose `$0` is the bundle reads it between double quotes, and Jupyter leaves it."""

    def escaped(match: re.Match[str]) -> str:
        if match[0] == "{":
            return '{""'
        name = match["name"] or match["braced"]
        return f"${{{name}-}}" if name else "\\" + match[0][0]

    return _replaced(value, prefixes, "$0", lambda piece: _SPECIAL.sub(escaped, piece))


def _are_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)

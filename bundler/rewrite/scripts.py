"""Scripts: a shebang that names a place becomes a header in sh that finds the bundle's Python beside the script.

The header is valid Python, too: one string literal, which sh reads as commands. It needs no `realpath`, forks only to follow a
link, leaves the working directory alone, and unsets the variables that tell Python where its own parts are, which is never right
for a bundle (docs/design.md).

That literal becomes the module's docstring. A script that has a docstring of its own, or declares another encoding than UTF-8,
would not survive it: its body goes to a side file, byte for byte but for the first line, and what remains in its
place compiles and runs that body as `__main__`, so that `__doc__`, `__file__`, `sys.argv[0]` and the encoding are as before.

With a launcher there is no header: see `native_scripts`.
"""

from __future__ import annotations

import io
import shlex
import tokenize
from collections.abc import Callable
from dataclasses import dataclass

from bundler.machine import os
from bundler.rewrite.launchers import PYTHON_NAME, Head, Unnamed, read_heads
from bundler.rewrite.native_scripts import NativeStart, is_archive, start_script, takes_a_file
from bundler.rewrite.templates import read_template

_OUR_MARK = b"__bundler_script=$0\n"
_BEFORE_CODE = (tokenize.ENCODING, tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT)
_REASON = "shebang made relocatable"
_NATIVE_REASON = "a launcher starts its text, which is in a side file"
_SIDE_MARK = b"\n_bundler_side = "
_SIDE_FILES = "libexec/bundler"
ISOLATED = ("-E", "-s")
"""The interpreter's arguments that leave out PYTHON* and the user's site. Not `-I`: a script may import what lies beside it."""


@dataclass(frozen=True, slots=True)
class RewrittenScript:
    """A new script, the reason, and the content of its side file where it has one."""

    data: bytes
    reason: str
    side_data: bytes | None = None


def has_header(reason: str) -> bool:
    """Whether a script that was changed for a `reason` begins with our header."""
    return reason.startswith(_REASON)


def runs_side_file(beginning: bytes) -> bool:
    """Whether a script that begins so has its body in a side file."""
    return _SIDE_MARK in beginning


def side_file_path(path: str) -> str:
    """Where the side file of the script at a bundle path lies (a bundle path)."""
    return f"{_SIDE_FILES}/{path}"


def rewrite_script(
    data: bytes,
    *,
    is_ours: Callable[[str], bool],
    to_bin: str,
    side_file: str,
    any_python: bool = False,
    isolated: bool = False,
    native: NativeStart | None = None,
) -> RewrittenScript | None:
    """The script as it must be in the bundle; None where it holds wherever it is, or is none of Python's.

    `is_ours` tells whether the interpreter of a shebang belongs to the environment or its base. `to_bin` is the way from the
    script's folder to the bundle's `bin`, `side_file` the way from it to where a side file would lie. With `any_python`
    every Python in a shebang means the bundle's (`/usr/bin/env python`, `/usr/bin/python3`). `isolated` adds ISOLATED to
    the interpreter's arguments. With `native` a launcher takes the header's place, where Python's arguments allow it.
    """
    head = _head_to_replace(data, is_ours, any_python)
    if head is None:
        return None
    body = data[head.length :]
    python = "python" if to_bin in ("", ".") else f"{to_bin}/python"
    arguments = (*(ISOLATED if isolated else ()), *head.arguments)
    displaced = _displaces(body, data)
    # One line in place of the header, as its author wrote it, whatever an installer made of it; a coding cookie stays the second.
    _, *more = data[: head.length].splitlines(keepends=True)
    apart = b"".join([b"#\n", *(line for line in more if line.startswith(b"#"))]) + body
    if native is not None and takes_a_file(head.arguments):
        program, side = start_script(native, python, arguments, body, apart, first_lines_matter=displaced)
        return RewrittenScript(program, _NATIVE_REASON, side)
    header = _header(python, arguments)
    if not displaced:
        return RewrittenScript(header + body, _REASON)
    launcher = read_template("side_launcher").replace("@SIDE@", repr(side_file)).encode("utf-8", "surrogateescape")
    return RewrittenScript(header + launcher, f"{_REASON}, its body in a side file", apart)


def _head_to_replace(data: bytes, is_ours: Callable[[str], bool], any_python: bool) -> Head | None:
    """The head that a script shall lose: one that means the environment's Python, and does not find it by itself."""
    if _OUR_MARK in data[:200]:
        return None
    # An argument that is no text cannot stand in a header, which is Python.
    heads = [head for head in read_heads(data) if "".join(head.arguments).isprintable()]
    for head in heads:
        if head.interpreter is Unnamed.OWN or (isinstance(head.interpreter, str) and is_ours(head.interpreter)):
            return head
    return next((head for head in heads if _is_any_python(head)), None) if any_python else None


def _is_any_python(head: Head) -> bool:
    """Whether a head means a Python, whichever that is."""
    if isinstance(head.interpreter, Unnamed):
        return True
    return not head.guessed and PYTHON_NAME.fullmatch(os.path.basename(head.interpreter)) is not None


def _header(python: str, arguments: tuple[str, ...]) -> bytes:
    """The header for a script from whose folder `python` leads to the interpreter."""
    words = "".join(f"{shlex.quote(argument)} " for argument in arguments)
    return read_template("script_header").replace("@PYTHON@", python).replace("@ARGUMENTS@", words).encode()


def _displaces(body: bytes, data: bytes) -> bool:
    """Whether a string literal before the body would change what the body means."""
    if is_archive(body):
        return False
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        body.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError):
        return True
    if encoding not in ("utf-8", "utf-8-sig") and not body.isascii():
        return True
    return _begins_with_literal(body)


def _begins_with_literal(body: bytes) -> bool:
    """Whether the first statement starts with a string, as a docstring does.

    Only the first token is read: what follows may be in the syntax of a newer Python than this one.
    """
    try:
        for token in tokenize.tokenize(io.BytesIO(body).readline):
            if token.type not in _BEFORE_CODE:
                return token.type == tokenize.STRING or token.string == "("
    except (SyntaxError, tokenize.TokenError):
        return True
    return False

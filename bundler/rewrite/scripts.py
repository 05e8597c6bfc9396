"""Scripts: a shebang that names a place becomes a header in sh that finds the bundle's Python beside the script.

The header is valid Python, too: one string literal, which sh reads as commands. It needs no `realpath`, forks only to follow a
link, leaves the working directory alone, and unsets PYTHONHOME, which is never right for a bundle (reference: interpreters 3).

That literal becomes the module's docstring. A script that has a docstring of its own, or declares another encoding than UTF-8,
would not survive it: its body goes to a side file, byte for byte but for the first line, and what remains in its
place compiles and runs that body as `__main__`, so that `__doc__`, `__file__`, `sys.argv[0]` and the encoding are as before.
"""

from __future__ import annotations

import ast
import io
import os
import re
import shlex
import tokenize
from collections.abc import Callable
from dataclasses import dataclass

from bundler.rewrite.templates import read_template

_PYTHON = re.compile(r"pythonw?(3(\.\d+)?)?t?d?")
_PYTHON_WORD = re.compile(rf"/{_PYTHON.pattern}(?!\S)")
_ENV = re.compile(r"#!\s*/usr/bin/env(?:\s+-S)?\s+python(?:3(?:\.\d+)?)?(?P<rest>\s.*)?")
_EXEC = re.compile(r"'''exec' (?P<interpreter>.+?)(?P<arguments>( -\S+)*) \"\$0\" \"\$@\"")
_OUR_MARK = b"__bundler_script=$0\n"
_BEFORE_CODE = (tokenize.ENCODING, tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT)
_REASON = "shebang made relocatable"
_DEVELOPED = re.compile(
    rb"^# EASY-INSTALL-DEV-SCRIPT: .*?^__file__ = (?P<path>[\"'].*[\"'])$", re.MULTILINE | re.DOTALL
)
_SIDE_FILES = "libexec/bundler"
ISOLATED = ("-E", "-s")
"""The interpreter's arguments that leave out PYTHON* and the user's site. Not `-I`: a script may import what lies beside it."""


@dataclass(frozen=True, slots=True)
class RewrittenScript:
    """A new script, the reason, and the content of its side file where it has one."""

    data: bytes
    reason: str
    side_data: bytes | None = None


def side_file_path(path: str) -> str:
    """Where the side file of the script at a bundle path lies (a bundle path)."""
    return f"{_SIDE_FILES}/{path}"


@dataclass(frozen=True, slots=True)
class _Head:
    """What stands before a script's body: the interpreter's arguments, and the length in bytes."""

    arguments: tuple[str, ...]
    length: int


def rewrite_script(
    data: bytes,
    *,
    is_ours: Callable[[str], bool],
    to_bin: str,
    side_file: str,
    any_python: bool = False,
    isolated: bool = False,
) -> RewrittenScript | None:
    """The script as it must be in the bundle; None where it holds wherever it is, or is none of Python's.

    `is_ours` tells whether the interpreter of a shebang belongs to the environment or its base. `to_bin` is the way from the
    script's folder to the bundle's `bin`, `side_file` the way from it to where a side file would lie. With `any_python`
    every Python in a shebang means the bundle's (`/usr/bin/env python`, `/usr/bin/python3`). `isolated` adds ISOLATED to
    the interpreter's arguments.
    """
    head = _read_head(data, is_ours, any_python)
    if head is None:
        return None
    body = data[head.length :]
    header = _header(to_bin, (*(ISOLATED if isolated else ()), *head.arguments))
    if not _displaces(body, data):
        return RewrittenScript(header + body, _REASON)
    launcher = read_template("side_launcher").replace("@SIDE@", repr(side_file)).encode("utf-8", "surrogateescape")
    # The header's lines stay as comments, so that a coding cookie and line numbers keep their lines.
    lines = data[: head.length].splitlines(keepends=True)
    comments = b"".join(line if line.startswith(b"#") and not line.startswith(b"#!") else b"#\n" for line in lines)
    return RewrittenScript(header + launcher, f"{_REASON}, its body in a side file", comments + body)


def developed_script(data: bytes) -> str | None:
    """The path of the script that one written by `setup.py develop` runs; None for any other."""
    match = _DEVELOPED.search(data[:4096])
    try:
        path = ast.literal_eval(match["path"].decode("utf-8", "surrogateescape")) if match else None
    except (ValueError, SyntaxError):
        return None
    return path if isinstance(path, str) else None


def _read_head(data: bytes, is_ours: Callable[[str], bool], any_python: bool) -> _Head | None:
    """Recognise what pip, uv, virtualenv, distlib and setuptools write before a script."""
    if not data.startswith(b"#!") or _OUR_MARK in data[:200]:
        return None
    first, _, rest = data.partition(b"\n")
    line = first.decode("utf-8", "surrogateescape").rstrip("\r").rstrip()
    length = len(first) + 1
    if re.fullmatch(r"#!\s*/bin/sh", line):
        return _read_exec_head(rest, length, is_ours, any_python)
    if env := _ENV.fullmatch(line):
        return _Head(_words(env["rest"] or ""), length) if any_python else None
    for name in _PYTHON_WORD.finditer(line):
        # pip writes a path with spaces as it is; no kernel can run it, but what it means is clear.
        if is_ours(line[2 : name.end()].strip()):
            return _Head(_words(line[name.end() :]), length)
    interpreter, *arguments = line[2:].split(maxsplit=1) or [""]
    if not _PYTHON.fullmatch(os.path.basename(interpreter)):
        return None
    if any_python or "/" not in interpreter or is_ours(interpreter):
        return _Head(_words(*arguments), length)
    return None


def _read_exec_head(rest: bytes, length: int, is_ours: Callable[[str], bool], any_python: bool) -> _Head | None:
    """The form for long paths and paths with spaces: `'''exec' "/path/python" "$0" "$@"`, then `' '''`.

    uv puts a coding cookie before it, and then writes the path with `printf %b`, byte for byte in octal.
    """
    if rest.startswith(b"#"):
        comment, _, rest = rest.partition(b"\n")
        length += len(comment) + 1
    second, _, after = rest.partition(b"\n")
    third = after.partition(b"\n")[0]
    match = _EXEC.fullmatch(second.decode("utf-8", "surrogateescape").strip())
    if match is None or third.strip() != b"' '''":
        return None
    # uv finds the interpreter from $0, or spells it: then it is the environment's.
    if "$(" not in match["interpreter"]:
        try:
            interpreter = "".join(shlex.split(match["interpreter"]))
        except ValueError:  # a quote that is not closed: no shell reads it either
            return None
        if not is_ours(interpreter) and not (any_python and _PYTHON.fullmatch(os.path.basename(interpreter))):
            return None
    return _Head(_words(match["arguments"]), length + len(second) + len(third) + 2)


def _words(text: str = "") -> tuple[str, ...]:
    return tuple(text.split())


def _header(to_bin: str, arguments: tuple[str, ...]) -> bytes:
    """The header for a script from whose folder `to_bin` leads to the interpreter's."""
    python = "python" if to_bin in ("", ".") else f"{to_bin}/python"
    words = "".join(f"{shlex.quote(argument)} " for argument in arguments)
    return read_template("script_header").replace("@PYTHON@", python).replace("@ARGUMENTS@", words).encode()


def _displaces(body: bytes, data: bytes) -> bool:
    """Whether a string literal before the body would change what the body means."""
    if body.startswith(b"PK\x03\x04") or b"\0" in body[:1024]:
        return False  # a zip archive behind a shebang: Python reads it from its end
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

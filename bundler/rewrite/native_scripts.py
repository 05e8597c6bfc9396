"""Scripts that a program starts, in place of a header in sh: no shell is needed, and none takes its time.

The launcher (`binaries.elf.launchers`) lies where the script was, the script's text in a side file, and Python is given that. How
the launcher was called it is told by `-X bundler=…`, which Python leaves to whoever asks (`sys._xoptions`): the first line of the
text, in place of the shebang, takes `sys.argv[0]` and `__file__` from there, and puts the launcher's own folder on `sys.path`. In
a text with a docstring or imports from `__future__` it stands behind these, in the same line. So every line keeps its number.

Behind the launcher lies a small zip archive, for a Python that is given the launcher itself: `python bin/app`, programs that
start themselves anew (`os.execv(sys.executable, [sys.executable, *sys.argv])`), processes of `multiprocessing`. It runs the side
file. Scripts in another encoding than UTF-8 are always started by way of it, and a script that is an archive by itself takes its
place.
"""

from __future__ import annotations

import io
import re
import tokenize
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bundler.binaries.elf.launchers import Launcher, Word, WordKind
from bundler.bundle_paths import relative
from bundler.machine import os
from bundler.rewrite.templates import read_template

_NO_FILE = re.compile(r"-[bBdEhiIOPqRsSuvV?]*[cmx]")
_BETWEEN_STATEMENTS = (tokenize.ENCODING, tokenize.COMMENT, tokenize.NL, tokenize.ENDMARKER)
_BEGINNING_OF_TIME = (1980, 1, 1, 0, 0, 0)  # of zip's


@dataclass(frozen=True, slots=True)
class NativeStart:
    """A script that gets a launcher: bundle paths of its own, and of its side file."""

    launcher: Launcher
    path: str
    side: str


def takes_a_file(arguments: Sequence[str]) -> bool:
    """Whether the interpreter runs a file with these arguments, from its first line on (not `-c`, `-m`, `-x`)."""
    return not any(_NO_FILE.match(argument) for argument in arguments)


def start_script(
    native: NativeStart, python: str, arguments: Sequence[str], body: bytes, apart: bytes, *, first_lines_matter: bool
) -> tuple[bytes, bytes | None]:
    """The launcher of a script, and its side file where it has one.

    `python` is the way to the interpreter from the script's folder, `body` what follows the script's head, `apart` the same with
    comments in the head's place. `first_lines_matter` where nothing may stand before them.
    """
    if is_archive(body):
        return _start_itself(native, python, arguments, body), None
    line = _line(native)
    text = _with_line(apart, line)
    if text is None and first_lines_matter:
        return _start_itself(native, python, arguments, _archive(native)), apart
    return _start_side_file(native, python, arguments) + _archive(native), text or line + b"\n" + body


def start_program(launcher: Launcher, program: str, arguments: Sequence[str]) -> bytes:
    """The program that starts another one, at a path from its own folder, with arguments in front of its user's."""
    return launcher.program((Word(WordKind.PATH, program), *(Word(WordKind.TEXT, argument) for argument in arguments)))


def is_archive(body: bytes) -> bool:
    """Whether what follows a script's head is a zip archive: Python reads it from its end."""
    return body.startswith(b"PK\x03\x04") or b"\0" in body[:1024]


def _start_side_file(native: NativeStart, python: str, arguments: Sequence[str]) -> bytes:
    """The program that starts a script's side file."""
    words = (
        Word(WordKind.PATH, python),
        Word(WordKind.CALLED, "-Xbundler="),
        *(Word(WordKind.TEXT, argument) for argument in arguments),
        Word(WordKind.PATH, relative(native.side, os.path.dirname(native.path))),
    )
    return native.launcher.program(words)


def _start_itself(native: NativeStart, python: str, arguments: Sequence[str], archive: bytes) -> bytes:
    """The program that gives itself to Python, which runs the archive behind it."""
    texts = (Word(WordKind.TEXT, argument) for argument in arguments)
    return native.launcher.program((Word(WordKind.PATH, python), *texts, Word(WordKind.CALLED))) + archive


def _line(native: NativeStart) -> bytes:
    """What a side file says first: simple statements, in one line without its end."""
    side, folder = os.path.dirname(native.side), os.path.dirname(native.path)
    values = {"@FILE@": f"/{native.side}", "@SIDE@": f"/{side}", "@FOLDER@": f"/{folder}" if folder else ""}
    text = read_template("native_line").rstrip("\n")
    for name, value in values.items():
        text = text.replace(name, ascii(value))
    return text.encode()


def _with_line(text: bytes, line: bytes) -> bytes | None:
    """A text with `line` behind its docstring and its imports from `__future__`; None for one that is not known to have any."""
    if not _is_utf8(text):
        return None
    end = None
    for statement in _first_statements(text):
        is_docstring = end is None and all(token.type == tokenize.STRING for token in statement)
        if not is_docstring and [token.string for token in statement[:2]] != ["from", "__future__"]:
            break
        end = statement[-1].end
    if end is None:
        return None
    row, column = end
    lines = io.BytesIO(text).readlines()
    changed = lines[row - 1].decode()
    lines[row - 1] = f"{changed[:column]}; {line.decode()}{changed[column:]}".encode()
    return b"".join(lines)


def _is_utf8(text: bytes) -> bool:
    """Whether Python reads the text as UTF-8, and no mark stands before it."""
    try:
        return tokenize.detect_encoding(io.BytesIO(text).readline)[0] == "utf-8"
    except SyntaxError:
        return False


def _first_statements(text: bytes) -> Iterator[list[tokenize.TokenInfo]]:
    """The tokens of each simple statement, as far as the text is in a syntax that this Python knows."""
    statement: list[tokenize.TokenInfo] = []
    try:
        for token in tokenize.tokenize(io.BytesIO(text).readline):
            if token.type == tokenize.NEWLINE or (token.type == tokenize.OP and token.string == ";"):
                if statement:
                    yield statement
                statement = []
            elif token.type not in _BETWEEN_STATEMENTS:
                statement.append(token)
    except (SyntaxError, tokenize.TokenError):
        return


def _archive(native: NativeStart) -> bytes:
    """The archive behind a launcher: it runs the side file."""
    side = relative(native.side, os.path.dirname(native.path))
    text = read_template("native_archive").replace("@SIDE@", ascii(side))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        member = zipfile.ZipInfo("__main__.py", _BEGINNING_OF_TIME)
        member.create_system, member.external_attr = 3, 0o644 << 16
        archive.writestr(member, text)
    return file.getvalue()

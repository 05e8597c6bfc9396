"""The start command of a bundle as a batch file, which finds the bundle by its own place (`%~dp0`) and passes the exit status on.

What it starts gets the batch file as its `sys.argv[0]`, like a script, and no module of the folder that it is started in:
`-c` puts that first on `sys.path`, as "". cmd asks whether to end a batch file that Ctrl+C interrupts.
"""

from __future__ import annotations

from collections.abc import Sequence

from bundler.errors import BadOption

NAME = "start.cmd"
_FUNCTION = (
    "import sys; del sys.argv[0]; sys.path[:] = filter(None, sys.path); from {module} import {top}; sys.exit({call}())"
)


def function_script(module: str, function: str, options: Sequence[str]) -> bytes:
    """Calls a function (`app.run`) of a module; `options` are those of Python."""
    code = _FUNCTION.format(module=module, top=function.partition(".")[0], call=function)
    return _batch([_python(), *options, "-c", _quoted(code), '"%~f0"', "%*"])


def command_script(program: str, arguments: Sequence[str], options: Sequence[str] | None) -> bytes:
    """Starts a file, at a path counted from the folder of scripts, with arguments; by Python where `options` are given.

    Raises BadOption for arguments that a batch file cannot hold on every machine.
    """
    place = '"%~dp0' + program.replace("/", "\\").replace("%", "%%") + '"'
    python = [] if options is None else [_python(), *options]
    return _batch([*python, place, *map(_quoted, arguments), "%*"])


def _python() -> str:
    return '"%~dp0..\\python.exe"'


def _batch(words: Sequence[str]) -> bytes:
    text = " ".join(words)
    if not text.isascii() or "\n" in text:
        raise BadOption(
            "--entry: a batch file of Windows holds ASCII letters only", "use the script's arguments instead"
        )
    return f"@{text}\r\n".encode("ascii")


def _quoted(word: str) -> str:
    """An argument as the C runtime reads it, and cmd leaves it alone: in quotes, with `%` twice."""
    slashes, out = 0, ""
    for letter in word:
        if letter == "\\":
            slashes += 1
            continue
        out += "\\" * (2 * slashes + 1 if letter == '"' else slashes) + letter
        slashes = 0
    return '"' + (out + "\\" * (2 * slashes)).replace("%", "%%") + '"'

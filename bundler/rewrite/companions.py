"""A module of a package that opens a library of the host: lines at its head lead the library to what came along with it."""

from __future__ import annotations

import ast
import codecs
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bundler.parsing import parse_python
from bundler.rewrite import Rewritten
from bundler.rewrite.templates import read_template


class Led(NamedTuple):
    """A variable that leads a library to a path: its name, the path from the module's folder, whether it is a list of paths."""

    variable: str
    place: str
    is_list: bool
    default: str
    """What a list stands for where it is not set."""
    stays: bool
    """Whether it stays set, because the library reads it late: child processes see it."""


Argument = bytes | str | int | None | tuple[str]
"""What a function is given: a string, a path from the module's folder, room for so many bytes of an answer, a null pointer, or
what another function of the library gives."""


class Called(NamedTuple):
    """A function of a library that makes it read its variables, or that is told a path: the library's name, the function's."""

    library: str
    function: str
    arguments: tuple[Argument, ...]
    unless: str = ""
    """A variable of the user's that says the same: where it is set the function is not called."""


def rewrite_companion_module(data: bytes, variables: Iterable[Led], calls: Iterable[Called]) -> Rewritten | None:
    """The module with lines in front of its first statement; None where it is no Python, or has the lines."""
    try:
        tree = parse_python(data)
    except ValueError:
        return None
    every = dict.fromkeys(variables)
    lines = read_template("companion_lines")
    values: dict[str, object] = {
        "@VARIABLES@": tuple(tuple(each[:4]) for each in every),
        "@CALLS@": tuple(tuple(each) for each in dict.fromkeys(calls)),
        "@STAYING@": tuple(each.variable for each in every if each.stays),
    }
    for mark, value in values.items():
        lines = lines.replace(mark, repr(value))
    at = _lines_before(tree)
    if at is None or lines.encode() in data or data.startswith(codecs.BOM_UTF8):
        return None
    split = data.splitlines(keepends=True)
    at = _above_comment(split, at)
    return Rewritten(
        b"".join([*split[:at], lines.encode(), b"\n\n", *split[at:]]), "leads libraries to what came along with them"
    )


def _above_comment(lines: Sequence[bytes], number: int) -> int:
    """The number of lines before the comment that stands right above a line; one at the top of the file is the file's own."""
    above = number
    while above and lines[above - 1].startswith(b"#"):
        above -= 1
    return above or number


def _lines_before(tree: ast.Module) -> int | None:
    """The number of lines before the first statement that others may stand in front of; None without one."""
    head = 0
    for number, statement in enumerate(tree.body):
        docstring = number == 0 and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        if docstring or (isinstance(statement, ast.ImportFrom) and statement.module == "__future__"):
            head = statement.end_lineno or statement.lineno
            continue
        first = min([statement.lineno, *(each.lineno for each in getattr(statement, "decorator_list", ()))])
        return first - 1 if first > head else None
    return None

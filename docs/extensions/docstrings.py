"""Docstrings are written as Markdown is, with code in single backquotes; autodoc reads reStructuredText, which has two."""

from __future__ import annotations

import re

import click
from sphinx.application import Sphinx

_CODE = re.compile(r"(?<!`)`([^`]+)`(?!`)")


def as_restructured_text(text: str) -> str:
    """A line or several of prose, in which nothing but code in backquotes means more than it says."""
    parts = _CODE.split(text)
    return "".join(
        f"``{part}``" if number % 2 else re.sub(r"([*|\\]|_\b)", r"\\\1", part) for number, part in enumerate(parts)
    )


def read_docstring(_app: Sphinx, _what: str, _name: str, _object: object, _options: object, lines: list[str]) -> None:
    """Rewrite the lines of one docstring in place."""
    lines[:] = as_restructured_text("\n".join(lines)).split("\n")


def read_help(_app: Sphinx, _ctx: click.Context, lines: list[str]) -> None:
    """The same for a command's description."""
    lines[:] = as_restructured_text("\n".join(lines)).split("\n")


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", read_docstring)
    app.connect("sphinx-click-process-description", read_help)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

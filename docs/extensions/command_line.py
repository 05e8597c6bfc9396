"""The command line in the reference as `--help` shows it: options under their headings, and examples as blocks of code."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
from sphinx.application import Sphinx

from bundler.cli.grouped import GroupedOption

_OPTION = ".. option::"
_VALUES = re.compile(r"^( +):options:")
"""What sphinx-click calls the values that an option takes."""


def group_options(_app: Sphinx, ctx: click.Context, lines: list[str]) -> None:
    """Put the options of a command, whose description sphinx-click made of `lines`, under their headings."""
    options = [found for found in ctx.command.params if isinstance(found, click.Option) and not found.hidden]
    described = list(_each_option(lines))
    if len(described) != len(options):
        raise ValueError(f"{ctx.command_path} has {len(options)} options, and sphinx-click describes {len(described)}")
    groups: dict[str, list[str]] = {}
    described = [[_VALUES.sub(r"\1:values:", line) for line in text] for text in described]
    for option, text in zip(options, described, strict=True):
        group = option.group if isinstance(option, GroupedOption) else "Other options"
        groups.setdefault(group, []).extend(text)
    lines[:] = [
        line for group, text in groups.items() for line in (*(_heading(group) if len(groups) > 1 else ()), *text)
    ]


def _heading(group: str) -> tuple[str, ...]:
    return f".. rubric:: {group}", "   :class: option-group", ""


def _each_option(lines: list[str]) -> Iterator[list[str]]:
    starts = [number for number, line in enumerate(lines) if line.startswith(_OPTION)]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        yield lines[start:end]


def show_examples(_app: Sphinx, ctx: click.Context, lines: list[str]) -> None:
    """Make a block of code of a command's epilog, which has its examples."""
    if ctx.command.epilog:
        _, _, examples = ctx.command.epilog.partition("Examples:\n")
        code = (f"   {line.removeprefix('  ')}" for line in examples.splitlines())
        lines[:] = [".. rubric:: Examples", "", ".. code-block:: sh", "", *code, ""]


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("sphinx-click-process-options", group_options)
    app.connect("sphinx-click-process-epilog", show_examples)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

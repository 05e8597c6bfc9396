"""Tables and trees on standard output: drawn by rich on a terminal, and in a pipe plain text, a line for each row or branch."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import click

from bundler.printable import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text
    from rich.tree import Tree

_GAP = "  "


class Column(NamedTuple):
    """A column of a table."""

    title: str
    is_number: bool = False
    """Whether it stands at the right."""
    style: str = ""
    """As rich names styles."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    total: tuple[str, ...] = ()
    """The last row, set off from the others."""
    styles: tuple[str, ...] = ()
    """Of each row, where they differ."""


@dataclass(frozen=True, slots=True)
class Branch:
    """A tree, or a part of one."""

    text: str
    note: str = ""
    """What stands behind the text, less loud."""
    style: str = ""
    branches: tuple[Branch, ...] = ()


Drawn = Sheet | Branch | str


def draw(*shown: Drawn) -> None:
    """Write tables, trees and lines to standard output. Names in them may be anybody's: none steers the terminal."""
    if sys.stdout.isatty():
        _draw_richly(shown)
        return
    for each in shown:
        for line in _plain(each):
            click.echo(printable(line))


def _plain(shown: Drawn) -> Iterator[str]:
    match shown:
        case Sheet():
            yield from _plain_sheet(shown)
        case Branch():
            yield from _plain_branch(shown, "")
        case _:
            yield shown


def _plain_sheet(sheet: Sheet) -> Iterator[str]:
    """Columns as wide as what stands in them, but for the last one; nothing is wrapped or cut."""
    if sheet.title:
        yield sheet.title
    header = tuple(column.title for column in sheet.columns)
    rows = [*([header] if any(header) else []), *sheet.rows, *([sheet.total] if sheet.total else [])]
    widths = [max((len(printable(row[number])) for row in rows), default=0) for number in range(len(sheet.columns))]
    for row in rows:
        cells = (
            text.rjust(width) if column.is_number else text.ljust(width)
            for text, width, column in zip(map(printable, row), widths, sheet.columns, strict=True)
        )
        yield (_GAP + _GAP.join(cells)).rstrip()


def _plain_branch(branch: Branch, indent: str) -> Iterator[str]:
    yield indent + branch.text + (f"  ({branch.note})" if branch.note else "")
    for each in branch.branches:
        yield from _plain_branch(each, indent + _GAP)


def _draw_richly(shown: Sequence[Drawn]) -> None:
    from rich.console import Console

    console = Console(highlight=False, markup=False, emoji=False)
    for each in shown:
        match each:
            case Sheet():
                _draw_sheet(console, each)
            case Branch():
                console.print(_rich_branch(each))
            case _:
                console.print(printable(each))


def _draw_sheet(console: Console, sheet: Sheet) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=printable(sheet.title) or None,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        show_header=any(column.title for column in sheet.columns),
        show_footer=bool(sheet.total),
        show_edge=False,
        pad_edge=False,
    )
    for number, column in enumerate(sheet.columns):
        table.add_column(
            column.title,
            Text(printable(sheet.total[number]), "bold") if sheet.total else "",
            justify="right" if column.is_number else "left",
            style=column.style or None,
            no_wrap=column.is_number,
            overflow="fold",
        )
    for number, row in enumerate(sheet.rows):
        style = sheet.styles[number] if sheet.styles else ""
        table.add_row(*(Text(printable(cell)) for cell in row), style=style or None)
    console.print(table)


def _rich_branch(branch: Branch) -> Tree:
    from rich.tree import Tree

    tree = Tree(_label(branch), guide_style="dim")
    left = [(tree, each) for each in reversed(branch.branches)]
    while left:
        above, each = left.pop()
        below = above.add(_label(each))
        left += [(below, inner) for inner in reversed(each.branches)]
    return tree


def _label(branch: Branch) -> Text:
    from rich.text import Text

    label = Text(printable(branch.text), branch.style)
    return label.append(f"  {printable(branch.note)}", "dim") if branch.note else label

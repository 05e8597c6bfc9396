"""What all commands share: their settings, their exit status for faults, and how they speak."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bundler.progress import Progress

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
FAULTS_FOUND = 3


def examples(*lines: tuple[str, str]) -> str:
    """The end of a command's help: what each example does, and its words."""
    return "\n".join(["\b", "Examples:", *(f"  # {what}\n  {words}" for what, words in lines)])


def say(line: str) -> None:
    """A message for a person: on standard error, with names that are not UTF-8 made printable."""
    click.echo(line.encode("utf-8", "backslashreplace").decode(), err=True)


@contextlib.contextmanager
def shown_progress(quiet: bool, verbose: bool) -> Iterator[Progress]:
    """A bar on a terminal, lines with -v, else silence."""
    from bundler.progress import Silent, Spoken

    if not quiet and sys.stderr.isatty():
        from bundler.terminal import progress_bar

        with progress_bar() as shown:
            yield shown
    elif verbose and not quiet:
        yield Spoken(say)
    else:
        yield Silent()

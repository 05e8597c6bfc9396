"""What all commands share: their settings, their exit status for faults, and how they speak."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from bundler.printable import printable

if TYPE_CHECKING:
    from bundler.errors import BundlerError
    from bundler.progress import Progress

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
FAULTS_FOUND = 3
DIFFERENT = 3
"""A comparison was made, and something differs: as an audit that found faults, told from what could not be done."""


def examples(*lines: tuple[str, str]) -> str:
    """The end of a command's help: what each example does, and its words."""
    return "\n".join(["\b", "Examples:", *(f"  # {what}\n  {words}" for what, words in lines)])


def say(line: str) -> None:
    """A line for a person: on standard error, with names of files made printable."""
    click.echo(printable(line), err=True)


def say_error(error: BundlerError) -> None:
    """An error, and what to do about it. A message may have several lines: what a build said, several errors at once."""
    first, *more = error.message.split("\n")
    say(f"error: {first}")
    for line in more:
        say(line if line.startswith("  ") else f"    {line}")
    if error.hint:
        say(f"hint: {error.hint}")


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

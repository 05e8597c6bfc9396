"""What all commands share: their settings, their exit status for faults, and how they speak."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bundler.errors import BundlerError
    from bundler.progress import Progress

# C0 and C1 without the tab, DEL, and what turns the direction of writing (Unicode TR9, 2).
_STEERING = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
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


def printable(text: str) -> str:
    """A text on one line, as a terminal shows it: what is no UTF-8, and what would steer the terminal, is told as an escape.

    Names in a bundle may be anybody's, line ends in them included.
    """
    shown = text.encode("utf-8", "backslashreplace").decode()
    return _STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), shown)


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

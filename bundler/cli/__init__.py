"""The command line: one module a command; words in, progress and reports out. Decides nothing."""

from __future__ import annotations

import gc
import signal
import sys
from types import FrameType
from typing import NoReturn

import click

from bundler.cli.fix import fix
from bundler.cli.inspect import inspect
from bundler.cli.output import CONTEXT, say
from bundler.cli.pack import pack
from bundler.cli.patch import patch
from bundler.cli.verify import verify
from bundler.version import VERSION


@click.group(context_settings=CONTEXT)
@click.version_option(VERSION, prog_name="bundler")
def bundler() -> None:
    """Pack a Python environment, its interpreter and every shared library into one tree that runs anywhere."""


for _command in (pack, verify, inspect, fix, patch):
    bundler.add_command(_command)


class Interrupted(BaseException):
    """A signal asked to stop; raised in the main thread, so that everything unfinished is removed on the way out."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def main() -> NoReturn:
    """The command `bundler`. Exit status: 0 done, 1 it cannot be done, 2 wrong usage, 3 an audit found faults."""
    from bundler.errors import BundlerError

    gc.disable()  # a command makes many values, keeps them all, and ends
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        bundler(standalone_mode=False)
    except BundlerError as error:
        say(f"error: {error.message}")
        if error.hint:
            say(f"hint: {error.hint}")
        sys.exit(error.exit_status)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(1)
    except Interrupted as interrupted:
        say("interrupted; nothing was left behind")
        sys.exit(128 + interrupted.number)
    except OSError as error:
        say(f"error: {error.strerror or error}{f': {error.filename}' if error.filename else ''}")
        sys.exit(1)
    sys.exit(0)


def _stop(number: int, _frame: FrameType | None) -> None:
    """Stop once; a second signal does not disturb the clearing up."""
    for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)
    raise Interrupted(number)

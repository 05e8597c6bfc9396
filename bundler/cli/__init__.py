"""The command line: one module a command; words in, progress and reports out. Decides nothing."""

from __future__ import annotations

import gc
import os
import signal
import sys
from importlib import import_module
from types import FrameType
from typing import NoReturn

import click

from bundler.cli.output import CONTEXT, say
from bundler.version import VERSION

_SIGNALLED = 128  # and the signal's number: as a shell tells it
COMMANDS = ("pack", "verify", "inspect", "fix", "patch")


class _Commands(click.Group):
    """Each command is the function of its module's name, which is imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which a user meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name; None where there is none."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"bundler.cli.{cmd_name}"), cmd_name)
        return command


@click.group(cls=_Commands, context_settings=CONTEXT)
@click.version_option(VERSION, prog_name="bundler")
def bundler() -> None:
    """Pack a Python environment, its interpreter and every shared library into one tree that runs anywhere."""


class Interrupted(BaseException):
    """A signal asked to stop; raised in the main thread, so that everything unfinished is removed on the way out."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def main() -> NoReturn:
    """The command `bundler`. Exit status: 0 done, 1 it cannot be done, 2 wrong usage, 3 an audit found faults."""
    _open_missing_streams()
    gc.disable()  # a command makes many values, keeps them all, and ends
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # `nohup` has it so
            signal.signal(number, _stop)
    status = _run()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # the reader has gone
            status = status or 1
    if status > _SIGNALLED:
        sys.exit(status)  # at its end Python removes a temporary folder that was just made, and that nobody held yet
    os._exit(status)  # taking all those values apart would take as long as making them


def _open_missing_streams() -> None:
    """Where a standard stream is closed (`2>&-`), no file that is opened later may take its place: messages would go there."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    sys.stdout = sys.stdout or open(os.devnull, "w")
    sys.stderr = sys.stderr or open(os.devnull, "w")


def _run() -> int:
    from bundler.errors import BundlerError

    try:
        bundler(standalone_mode=False)
    except BundlerError as error:
        say(f"error: {error.message}")
        if error.hint:
            say(f"hint: {error.hint}")
        return error.exit_status
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return 1
    except Interrupted as interrupted:
        say("interrupted; nothing was left behind")
        return _SIGNALLED + interrupted.number
    except OSError as error:
        say(f"error: {error.strerror or error}{f': {error.filename}' if error.filename else ''}")
        return 1
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 0
    return 0


def _stop(number: int, _frame: FrameType | None) -> None:
    """Stop once; a second signal does not disturb the clearing up."""
    for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)
    raise Interrupted(number)

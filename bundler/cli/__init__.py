"""The command line: one module a command; words in, progress and reports out. Decides nothing."""

from __future__ import annotations

from importlib import import_module
from typing import NoReturn

import click

from bundler.cli.output import CONTEXT, examples, say, say_error
from bundler.cli.process import SIGNALLED, Interrupted, run_to_the_end
from bundler.version import VERSION

COMMANDS = ("pack", "verify", "inspect", "diff", "fix", "patch")
_WHOLE = 1000
"""Characters: more than any first sentence has."""


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

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does; a name that is none is told with the nearest ones."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-") and not ctx.resilient_parsing:
            from bundler.cli.suggestions import meant

            raise click.UsageError(f"No such command '{name}'.{meant(name, COMMANDS)}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what each command does: its help's first sentence, wrapped and not cut as click would."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, command.get_short_help_str(limit=_WHOLE)) for name, command in commands if command]
            )


@click.group(
    cls=_Commands,
    context_settings=CONTEXT,
    epilog=examples(
        ("make a directory of .venv that runs anywhere", "bundler pack --out dist/app"),
        ("what the options of a command are", "bundler pack --help"),
    ),
)
@click.version_option(VERSION, prog_name="bundler")
def bundler() -> None:
    """Pack a Python environment, its interpreter and every shared library into one tree that runs anywhere."""


def main() -> NoReturn:
    """The command `bundler`.

    Exit status: 0 done, 1 it cannot be done, 2 wrong usage, 3 an audit found faults, or `diff` something that differs.
    """
    run_to_the_end(_run)


def _run() -> int:
    from bundler.errors import BundlerError

    try:
        bundler(standalone_mode=False)
    except BundlerError as error:
        say_error(error)
        return error.exit_status
    except click.ClickException as error:
        from bundler.cli.suggestions import told

        told(error).show()
        return error.exit_code
    except click.Abort:
        return 1
    except Interrupted as interrupted:
        say("interrupted; nothing was left behind")
        return SIGNALLED + interrupted.number
    except OSError as error:
        say(f"error: {error.strerror or error}{f': {error.filename}' if error.filename else ''}")
        return 1
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 0
    return 0

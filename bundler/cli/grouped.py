"""Options that stand in groups in `--help`, and the order in which they were given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., object])


_ORDER = "bundler.order"


class GroupedOption(click.Option):
    """An option that knows the heading it stands under.

    A flag `--name` has a `--no-name` as well, which takes back what a configuration
    says; the help shows it only where it is the one that anybody needs.
    """

    def __init__(self, names: Sequence[str], group: str, **settings: Any) -> None:
        self._both_shown = any("/" in name for name in names)
        if settings.get("is_flag"):
            names = [f"{name}/--no-{name[2:]}" if name.startswith("--") else name for name in names]
        super().__init__(names, **settings)
        self.group = group

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """The option's names, and what it does."""
        record = super().get_help_record(ctx)
        if record is None or self._both_shown:
            return record
        return record[0].partition(" / ")[0], record[1]


class GroupedCommand(click.Command):
    """A command whose help has a section for each group, in the order in which they first appear; `--help` comes last."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse; `given_in_order` tells afterwards in which order the options stood."""
        if ctx.resilient_parsing:
            return super().parse_args(ctx, args)
        given, _, order = self.make_parser(ctx).parse_args(args=list(args))
        ctx.meta[_ORDER] = [parameter.name for parameter in order]
        if not given.get("help"):
            self.take_defaults(ctx, given)
        return super().parse_args(ctx, args)

    def take_defaults(self, ctx: click.Context, given: Mapping[str, object]) -> None:
        """For a command that has defaults elsewhere."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections."""
        groups: dict[str, list[tuple[str, str]]] = {}
        options = [parameter for parameter in self.get_params(ctx) if isinstance(parameter, click.Option)]
        for option in sorted(options, key=lambda option: not isinstance(option, GroupedOption)):
            record = option.get_help_record(ctx)
            if record is not None:
                group = option.group if isinstance(option, GroupedOption) else "Other options"
                groups.setdefault(group, []).append(record)
        for group, records in groups.items():
            with formatter.section(group):
                formatter.write_dl(records)


def given_in_order(ctx: click.Context, values: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    """Names and values of options that may be given several times, in the order of the command line.

    Values that did not stand there come first, those of one name after those of another.
    """
    rest = {name: list(given) for name, given in values.items()}
    order = [name for name in ctx.meta[_ORDER] if name in rest]
    elsewhere = [name for name, given in rest.items() for _ in range(len(given) - order.count(name))]
    return [(name, rest[name].pop(0)) for name in (*elsewhere, *order)]


def option_group(
    heading: str, kind: type[GroupedOption] = GroupedOption
) -> Callable[..., Callable[[Command], Command]]:
    """A decorator like `click.option`, for options under one heading."""

    def option(*names: str, **settings: Any) -> Callable[[Command], Command]:
        return click.option(*names, cls=kind, group=heading, **settings)

    return option

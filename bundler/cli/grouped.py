"""Options that stand in groups in `--help`, and whose names lead to the fields of the options values."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Options = TypeVar("Options", bound="DataclassInstance")
Command = TypeVar("Command", bound=Callable[..., object])


class GroupedOption(click.Option):
    """An option that knows the heading it stands under. `one_of` is an enum: its values are the choice."""

    def __init__(self, *arguments: Any, group: str, one_of: type[enum.Enum] | None = None, **settings: Any) -> None:
        if one_of is not None:
            settings["type"] = click.Choice([member.value for member in one_of])
            settings["callback"] = lambda _context, _option, value: None if value is None else one_of(value)
        super().__init__(*arguments, **settings)
        self.group = group


class GroupedCommand(click.Command):
    """A command whose help has a section for each group, in the order in which they first appear; `--help` comes last."""

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


def option_group(heading: str) -> Callable[..., Callable[[Command], Command]]:
    """A decorator like `click.option`, for options under one heading."""

    def option(*names: str, **settings: Any) -> Callable[[Command], Command]:
        return click.option(*names, cls=GroupedOption, group=heading, **settings)

    return option


def filled(defaults: Options, given: Mapping[str, object], prefix: str = "") -> Options:
    """`defaults` with the values that bear a field's name, `prefix` before it; None means that nothing was given."""
    names = {field.name: prefix + field.name for field in fields(defaults)}
    chosen = {field: given[name] for field, name in names.items() if given.get(name) is not None}
    return replace(defaults, **chosen)

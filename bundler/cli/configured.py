"""A command whose options may stand in `[tool.bundler]`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from bundler.cli.grouped import GroupedCommand, GroupedOption
from bundler.errors import BadConfiguration, BadOption
from bundler.option_kinds import Kind, Value
from bundler.option_names import NamedOption, named_options, near_name

# Options of the command alone, which no table knows.
_PATHS = ("out",)
_NOT_IN_FILES = ("config", "help")


class ConfiguredOption(GroupedOption):
    """An option whose kind of value, and whose parameter, follow from the table in `option_names`, where it has the name."""

    def __init__(self, names: Sequence[str], group: str, **settings: Any) -> None:
        option = named_options().get(_long_name(names))
        if option is not None:
            names = [*names, option.parameter]
            settings = {**_settings(option), **settings}
        super().__init__(names, group, **settings)


def _settings(option: NamedOption) -> dict[str, object]:
    """What click has to know of an option. What is not given is None, but for lists and flags that are off."""
    value = option.value
    match value.kind:
        case Kind.TEXTS:
            return {"multiple": True}
        case Kind.SWITCH:
            return {"default": None} if option.default else {"is_flag": True}
        case Kind.NUMBER:
            return {"type": click.INT if value.least is None else click.IntRange(value.least)}
        case Kind.TEXT if value.choices:
            return {"type": click.Choice(list(filter(None, value.choices))), "callback": _read(option)}
        case Kind.TEXT:
            return {"type": click.Path() if option.is_path else click.STRING}


def _read(option: NamedOption) -> Callable[[click.Context, click.Parameter, str | None], object]:
    return lambda _context, _option, text: None if text is None else option.value.read(option.name, text)


class ConfiguredCommand(GroupedCommand):
    """Takes what the command line leaves open from the file that `--config` names, else from the one beside the environment."""

    def take_defaults(self, ctx: click.Context, given: Mapping[str, object]) -> None:
        """Read the file; `given` are the raw values on the command line by parameter."""
        from bundler.configuration import find_configuration, read_configuration

        named, environment = given.get("config"), given.get("env")
        path = named if isinstance(named, str) else find_configuration(str(environment or ".venv"))
        if path is not None:
            ctx.default_map = dict(_defaults(self, ctx, path, read_configuration(path)))


def _defaults(command: click.Command, ctx: click.Context, path: str, table: Mapping[str, object]) -> dict[str, object]:
    """Values by parameter. Raises BadConfiguration for an unknown name or a value of another type."""
    options = {
        _long_name(option.opts): option for option in command.get_params(ctx) if isinstance(option, click.Option)
    }
    for name in _NOT_IN_FILES:
        options.pop(name, None)
    found: dict[str, object] = {}
    for name, value in table.items():
        option = options.get(name)
        if option is None or option.name is None:
            raise BadConfiguration(
                f"{path}: [tool.bundler] has {name}, which is no option of pack",
                near_name(name, options) or "bundler pack --help lists the options",
            )
        named = named_options().get(name)
        try:
            (named.value if named else Value(Kind.SWITCH if option.is_flag else Kind.TEXT)).read(name, value)
        except BadOption as error:
            raise BadConfiguration(f"{path}: [tool.bundler] {error.message}", error.hint) from error
        is_path = named.is_path if named else name in _PATHS
        found[option.name] = _below(os.path.dirname(path), value) if is_path else value
    return found


def _long_name(names: Sequence[str]) -> str:
    """`exclude-lib` for `--exclude-lib`, `probe` for `--probe/--no-probe`."""
    return max((name for name in names if name.startswith("-")), key=len).partition("/")[0].lstrip("-")


def _below(folder: str, value: object) -> object:
    """Relative paths, counted from a folder; `-` and `scratch` are no paths."""
    if isinstance(value, list):
        return [_below(folder, item) for item in value]
    return value if value in ("-", "scratch") else os.path.join(folder, str(value))

"""A command whose options may stand in `[tool.bundler]`."""

from __future__ import annotations

import difflib
import enum
import os
from collections.abc import Mapping

import click

from bundler.cli.grouped import GroupedCommand
from bundler.errors import BadConfiguration

# Options that hold a path, or begin with one: relative ones count from the file's folder.
_PATHS = ("out", "add", "base", "root", "config")
_NOT_IN_FILES = ("config", "help")


class _Kind(enum.Enum):
    """What an option's value in a file is, in words for an error."""

    TEXTS = "a list of strings"
    SWITCH = "true or false"
    NUMBER = "a number"
    TEXT = "a string"

    def fits(self, value: object) -> bool:
        """Whether a value of TOML is of this kind."""
        match self:
            case _Kind.TEXTS:
                return isinstance(value, list) and all(isinstance(item, str) for item in value)
            case _Kind.SWITCH:
                return isinstance(value, bool)
            case _Kind.NUMBER:
                return isinstance(value, int) and not isinstance(value, bool)
            case _Kind.TEXT:
                return isinstance(value, str)


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
    options = {_long_name(option): option for option in command.get_params(ctx) if isinstance(option, click.Option)}
    for name in _NOT_IN_FILES:
        options.pop(name, None)
    found: dict[str, object] = {}
    for name, value in table.items():
        option = options.get(name)
        if option is None or option.name is None:
            near = difflib.get_close_matches(name, options, 1)
            raise BadConfiguration(
                f"{path}: [tool.bundler] has {name}, which is no option of pack",
                f"did you mean {near[0]}?" if near else "bundler pack --help lists the options",
            )
        kind = _kind_of(option)
        if not kind.fits(value):
            raise BadConfiguration(f"{path}: [tool.bundler] {name} must be {kind.value}, not {value!r}")
        found[option.name] = _below(os.path.dirname(path), value) if name in _PATHS else value
    return found


def _long_name(option: click.Option) -> str:
    """`exclude-lib` for `--exclude-lib`."""
    return max(option.opts, key=len).lstrip("-")


def _kind_of(option: click.Option) -> _Kind:
    if option.multiple:
        return _Kind.TEXTS
    if option.is_flag:
        return _Kind.SWITCH
    return _Kind.NUMBER if isinstance(option.type, click.types.IntParamType) else _Kind.TEXT


def _below(folder: str, value: object) -> object:
    """Relative paths, counted from a folder; `-` and `scratch` are no paths."""
    if isinstance(value, list):
        return [_below(folder, item) for item in value]
    return value if value in ("-", "scratch") else os.path.join(folder, str(value))

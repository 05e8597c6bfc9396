"""A command whose options may stand in `[tool.bundler]`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click
from click.core import ParameterSource

from bundler.cli.grouped import GroupedCommand, GroupedOption
from bundler.errors import BadConfiguration, BadOption
from bundler.machine import os
from bundler.option_kinds import Kind, Value
from bundler.option_names import NamedOption, named_options, near_name
from bundler.systems import root_below

# Options of the command alone, which no table knows.
_PATHS = ("out",)
_NOT_IN_FILES = ("config", "help")
_GIVEN_BEFORE = "bundler.given_before"
_CONFIGURATION = "bundler.configuration"


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
        case Kind.TEXTS if value.choices:
            return {"multiple": True, "type": click.Choice(list(value.choices)), "callback": _read(option)}
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


def _read(option: NamedOption) -> Callable[[click.Context, click.Parameter, object], object]:
    return lambda _context, _option, text: None if text is None else option.value.read(option.name, text)


class ConfiguredCommand(GroupedCommand):
    """Takes what the command line leaves open from the file that `--config` names, else from the one beside the environment.

    An update begins with what the bundle remembers: it repeats the command that made it, with the configuration that is there now.
    """

    def take_defaults(self, ctx: click.Context, given: Mapping[str, object]) -> None:
        """Read the files; `given` are the raw values on the command line by parameter."""
        from bundler.configuration import find_configuration, read_configuration

        named = given.get("config")
        path = named if isinstance(named, str) else find_configuration(_project_folders(given))
        ctx.meta[_CONFIGURATION] = path
        configured: dict[str, object] = {}
        if path is not None:
            configured = _defaults(
                self, ctx, f"{path}: [tool.bundler]", os.path.dirname(path), read_configuration(path)
            )
        ctx.meta[_GIVEN_BEFORE] = frozenset()
        remembered = _remembered(self, ctx, given, configured)
        ctx.default_map = {**configured, **remembered}
        if "exclude" in remembered:  # it holds all patterns
            ctx.default_map.pop("include", None)


def _project_folders(given: Mapping[str, object]) -> Sequence[str]:
    """Where a configuration may lie: beside ENV; without that in this folder or one above, up to the project's root."""
    from bundler.environment.choice import folders_of_project

    environment = _named_environment(given)
    return folders_of_project() if environment is None else [os.path.dirname(os.path.abspath(environment))]


def _named_environment(given: Mapping[str, object]) -> str | None:
    """ENV; where it was not given click has a mark of its own there, or None, by its version."""
    named = given.get("env")
    return named if isinstance(named, str) else None


def configuration_of(ctx: click.Context) -> str:
    """The file that the configuration comes from. Raises BadConfiguration where there is none."""
    path: str | None = ctx.meta[_CONFIGURATION]
    if path is None:
        from bundler.configuration import FILE_NAME

        raise BadConfiguration(
            f"there is no {FILE_NAME} beside the environment that could keep what a trace learns",
            "--config names a file",
        )
    return path


def configured_parameters(ctx: click.Context) -> frozenset[str]:
    """The names of the parameters whose values come from a configuration, be it by way of a bundle that remembers it."""
    given_before: frozenset[str] = ctx.meta[_GIVEN_BEFORE]
    sources = {name: ctx.get_parameter_source(name) for name in ctx.params}
    return frozenset(name for name, found in sources.items() if found is ParameterSource.DEFAULT_MAP) - given_before


def configured_options(ctx: click.Context) -> frozenset[str]:
    """The same options under the names of `[tool.bundler]`; `exclude` stands for all patterns, which are one list."""
    parameters = configured_parameters(ctx)
    options = (option for option in ctx.command.params if isinstance(option, click.Option))
    names = {_long_name(option.opts) for option in options if option.name in parameters}
    patterns = {name for name in ("exclude", "include") if ctx.params[name]}
    return frozenset((names - {"exclude", "include"}) | ({"exclude"} if patterns and patterns <= names else set()))


def _remembered(
    command: click.Command, ctx: click.Context, given: Mapping[str, object], configured: Mapping[str, object]
) -> dict[str, object]:
    """What the bundle remembers that is updated, by parameter; nothing of what a configuration gave, where there is one.

    Raises BadConfiguration for what this version does not know, and for files whose places the bundle does not tell.
    """
    out = given.get("out") or configured.get("out")
    if not _asks_for_update(given, configured) or not isinstance(out, str):
        return {}
    from bundler.remembered import PATHS, places_of, remembered_options

    options = remembered_options(out)
    if options is None:
        return {}
    superseded = options.configured if configured else ()
    table = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in options.values.items()
        if name not in superseded
    }
    place = f"{os.path.join(out, 'bundle.json')}: options"
    values = _defaults(command, ctx, place, None, table)
    own = {name: value for name, value in table.items() if name not in options.configured}
    ctx.meta[_GIVEN_BEFORE] = frozenset(_defaults(command, ctx, place, None, own))
    for name in PATHS:
        parameter = named_options()[name].parameter
        items = values.get(parameter)
        if isinstance(items, list) and not given.get(parameter):
            values[parameter] = places_of(items, name, out, _folder_of_environment(given, configured))
    return values


def _asks_for_update(given: Mapping[str, object], configured: Mapping[str, object]) -> bool:
    """Whether `--update` was given, or is configured and not taken back."""
    update = given.get("update")
    return (update if isinstance(update, bool) else configured.get("update") is True) and given.get(
        "in_place"
    ) is not True


def _folder_of_environment(given: Mapping[str, object], configured: Mapping[str, object]) -> str:
    from bundler.environment.choice import choose_environment

    root = given.get("root") or configured.get("root") or "/"
    environment = choose_environment(_named_environment(given), str(root)).path
    return os.path.dirname(os.path.abspath(environment))


def _defaults(
    command: click.Command, ctx: click.Context, place: str, folder: str | None, table: Mapping[str, object]
) -> dict[str, object]:
    """Values by parameter, of a table in `place`; paths in it count from `folder`, if that is told.

    Raises BadConfiguration for an unknown name or a value of another type.
    """
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
                f"{place} has {name}, which is no option of pack",
                near_name(name, options) or "bundler pack --help lists the options",
            )
        named = named_options().get(name)
        try:
            (named.value if named else Value(Kind.SWITCH if option.is_flag else Kind.TEXT)).read(name, value)
        except BadOption as error:
            raise BadConfiguration(f"{place} {error.message}", error.hint) from error
        is_path = named.is_path if named else name in _PATHS
        found[option.name] = _below(folder, value, name) if is_path and folder is not None else value
    return found


def _long_name(names: Sequence[str]) -> str:
    """`exclude-lib` for `--exclude-lib`, `probe` for `--probe/--no-probe`."""
    return max((name for name in names if name.startswith("-")), key=len).partition("/")[0].lstrip("-")


def _below(folder: str, value: object, name: str) -> object:
    """Relative paths of the option `name`, counted from a folder; `-` and `scratch` are no paths."""
    if isinstance(value, list):
        return [_below(folder, item, name) for item in value]
    if name == "root":
        return root_below(folder, str(value))
    return value if value in ("-", "scratch") else os.path.join(folder, str(value))

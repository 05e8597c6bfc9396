"""`[tool.bundler]` in a `pyproject.toml`: options of `pack` by their long names, for those that the command line leaves open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bundler.errors import BadConfiguration
from bundler.files import read_regular
from bundler.machine import os
from bundler.parsing import parse_toml

FILE_NAME = "pyproject.toml"


def find_configuration(folders: Iterable[str]) -> str | None:
    """The `pyproject.toml` of the first folder that has one; None where none has."""
    paths = (os.path.join(folder, FILE_NAME) for folder in folders)
    return next((path for path in paths if os.path.isfile(path)), None)


def read_configuration(path: str) -> Mapping[str, object]:
    """The table; empty where the file has none. Raises BadConfiguration for a file that cannot be read."""
    try:
        table = parse_configuration(read_regular(path).decode())
    except OSError as error:
        raise BadConfiguration(f"{path} cannot be read: {error.strerror}", "--config names a TOML file") from error
    except ValueError as error:
        raise BadConfiguration(f"{path} is no TOML: {error}", "mend it, or give another file: --config FILE") from error
    if table is None:
        raise BadConfiguration(f"{path}: tool.bundler is no table", "write [tool.bundler] and the options below it")
    return table


def parse_configuration(text: str) -> dict[str, object] | None:
    """The table in the text of a file; None where something else has its name. Raises ValueError for what is no TOML."""
    tool = parse_toml(text).get("tool", {})
    table = tool.get("bundler", {}) if isinstance(tool, dict) else {}
    return table if isinstance(table, dict) else None

"""JSON, TOML and Python's source as anybody may have written them: whatever is wrong with a text is one kind of error.

The parsers themselves raise several more: a text that is nested deeply is out of their depth, and one that is no UTF-8 is so by
another name.
"""

from __future__ import annotations

import ast
import json
import sys
import warnings

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_TOO_DEEP = "it is nested too deeply"


def parse_json(data: bytes | str) -> object:
    """The value of a JSON text. Raises ValueError for what is none."""
    try:
        value: object = json.loads(data)
    except RecursionError as error:
        raise ValueError(_TOO_DEEP) from error
    return value


def parse_toml(data: bytes | str) -> dict[str, object]:
    """The table of a TOML text. Raises ValueError for what is none."""
    try:
        return tomllib.loads(data if isinstance(data, str) else data.decode())
    except RecursionError as error:
        raise ValueError(_TOO_DEEP) from error


def parse_python(data: bytes) -> ast.Module:
    """The tree of a module, which is not run. Raises ValueError for what is none that this Python reads."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its author's business
            return ast.parse(data)
    except SyntaxError as error:
        raise ValueError(str(error)) from error
    except (RecursionError, MemoryError) as error:  # either, as it comes
        raise ValueError(_TOO_DEEP) from error


def parse_literal(text: ast.expr | str) -> object:
    """The value of a literal, or of a text that is one. Raises ValueError for everything else."""
    try:
        value: object = ast.literal_eval(text)
    except (SyntaxError, TypeError) as error:
        raise ValueError(str(error)) from error
    except (RecursionError, MemoryError) as error:
        raise ValueError(_TOO_DEEP) from error
    return value

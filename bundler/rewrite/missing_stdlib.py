"""`_missing_stdlib_info.py` (3.15): what a traceback says of a module of the standard library that is not there.

A distribution of the operating system names the package that would bring it, which mends nothing in a bundle.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

from bundler.parsing import parse_literal, parse_python
from bundler.rewrite import Rewritten

_NAME = "_MISSING_STDLIB_MODULE_MESSAGES"
_OF_THE_PLATFORM = "Unsupported platform "  # CPython's own words, and as true in a bundle


def rewrite_missing_stdlib(data: bytes, left_out: Iterable[str]) -> Rewritten | None:
    """The file with the true reasons; None where it has no table of the known form, or nothing in it changes.

    `left_out` are modules, by name, that the source has and the bundle has not.
    """
    messages = _table(data)
    if messages is None:
        return None
    told = {name: text if text.startswith(_OF_THE_PLATFORM) else _lacking(name) for name, text in messages.items()}
    told |= {name: f"Standard library module {name!r} was left out of this bundle" for name in left_out}
    if told == messages:
        return None
    lines = "".join(f"    {name!r}: {text!r},\n" for name, text in sorted(told.items()))
    text = f"# What a traceback says of a module that is not there.\n\n{_NAME} = {{\n{lines}}}\n"
    return Rewritten(text.encode(), "says why a module is not in the bundle")


def _lacking(name: str) -> str:
    return f"Standard library module {name!r} is not in this bundle: the Python that it was made of does not have it"


def _table(data: bytes) -> dict[str, str] | None:
    try:
        module = parse_python(data)
        for statement in module.body:
            match statement:
                case ast.Assign(targets=[ast.Name(id=name)], value=value) if name == _NAME:
                    found = parse_literal(value)
                    table = found if isinstance(found, dict) else {}
                    texts = {key: text for key, text in table.items() if isinstance(key, str) and isinstance(text, str)}
                    return texts if isinstance(found, dict) and len(texts) == len(table) else None
    except ValueError:
        pass
    return None

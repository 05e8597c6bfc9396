"""What was probably meant by a command or an option that is not there: the nearest name first."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

import click


def meant(word: str, names: Iterable[str]) -> str:
    """`Did you mean pack, or patch?`; "" where nothing is near."""
    near = difflib.get_close_matches(word, list(names))
    if not near:
        return ""
    return f" Did you mean {near[0]}{', or ' + ' or '.join(near[1:]) if near[1:] else ''}?"


def told(error: click.ClickException) -> click.ClickException:
    """The error as it is shown: click sorts the options that may be meant by the alphabet, and counts `--no-update` among them."""
    if not isinstance(error, click.NoSuchOption) or error.ctx is None or not error.option_name.startswith("--"):
        return error
    options = (
        parameter for parameter in error.ctx.command.get_params(error.ctx) if parameter.param_type_name == "option"
    )
    names = (name for option in options for name in option.opts if name.startswith("--"))
    word = error.option_name.partition("=")[0]
    return click.UsageError(f"No such option '{word}'.{meant(word, names)}", error.ctx)

"""The dynamic string tokens of search paths and names: `$ORIGIN`, `$LIB`, `$PLATFORM` (ld.so(8); elf/dl-load.c, is_dst)."""

from __future__ import annotations

import re
from collections.abc import Mapping

# A name without braces ends where no letter, digit or underscore follows.
_TOKEN = re.compile(r"\$(?:\{(ORIGIN|PLATFORM|LIB)\}|(ORIGIN|PLATFORM|LIB)(?![A-Za-z0-9_]))")


def substitute(text: str, values: Mapping[str, str]) -> str:
    """`text` with the values of tokens (by name, without `$`) in their places; tokens without a value stay."""
    return _TOKEN.sub(lambda token: values.get(token[1] or token[2], token[0]), text)


def names_token(text: str) -> bool:
    """Whether a token is left in `text`."""
    return _TOKEN.search(text) is not None

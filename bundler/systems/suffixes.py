"""Names of files that no loader opens as a library or a program: not even their first bytes are read."""

from __future__ import annotations

import re

# Sources, texts, data, archives and pictures.
_NOWHERE = (
    "py|pyc|pyi|pyx|pxd|h|hpp|hh|c|cc|cpp|cu|cuh|f90|f|txt|md|rst|json|html?|css|m?js|map|ts|png|svg|jpe?g|gif|ico"
    "|gz|xz|bz2|zip|whl|npy|npz|csv|tsv|toml|cfg|ini|xml|ya?ml|a|la|pc|cmake|proto|parquet|feather|ttf|otf|woff2?"
    "|pem|pth|tcl|msg|po|mo|decTest|pickle|pkl|typed|def|mat|dat|sav|sql|ipynb|tex|afm"
)


def no_binary_suffix(*others: str) -> re.Pattern[str]:
    """Matches names that end like sources, texts or data, or like binaries of `others`: systems with suffixes of their own."""
    return re.compile(rf"\.({'|'.join((_NOWHERE, *others))})$")

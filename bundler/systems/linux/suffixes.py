"""Endings that no loader opens as a library or a program: not even their first bytes are read."""

from __future__ import annotations

import re

NEVER_BINARY = re.compile(
    r"\.(py|pyc|pyi|pyx|pxd|pyd|h|hpp|hh|c|cc|cpp|cu|cuh|f90|f|txt|md|rst|json|html?|css|m?js|map|ts|png|svg|jpe?g|gif|ico"
    r"|gz|xz|bz2|zip|whl|npy|npz|csv|tsv|toml|cfg|ini|xml|ya?ml|a|la|pc|cmake|proto|parquet|feather|ttf|otf|woff2?"
    r"|pem|pth|tcl|msg|po|mo|decTest|pickle|pkl|typed|def|dll|exe|lib|mat|dat|sav|sql|ipynb|tex|afm)$"
)

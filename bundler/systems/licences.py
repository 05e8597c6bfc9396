"""Strong copyleft, for libraries that came from the host: their licence covers what is shipped with them."""

from __future__ import annotations

import re

# By file names without what follows the suffix or the version; a trailing `*` stands for any ending.
COPYLEFT = {
    "libreadline": "GPL-3.0-or-later",
    "libhistory": "GPL-3.0-or-later",
    "libgdbm": "GPL-3.0-or-later",
    "libgdbm_compat": "GPL-3.0-or-later",
    "libdb-6*": "AGPL-3.0",
    "libmagic-gpl": "GPL",
}
_ENDING = re.compile(r"(\.\d+)*\.(so|dylib|dll)(\..*)?$")


def copyleft_licence(name: str) -> str | None:
    """The strong copyleft licence of the library with a file name (`libreadline.so.8`), or None."""
    ending = _ENDING.search(name)
    if ending is None:
        return None
    stem = name[: ending.start()]
    for known, licence in COPYLEFT.items():
        if stem == known or (known.endswith("*") and stem.startswith(known[:-1])):
            return licence
    return None

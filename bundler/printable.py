"""Text of anybody's, as a person is shown it: names in a bundle may hold what no terminal and no page should obey."""

from __future__ import annotations

import re

# C0 and C1 without the tab, DEL, and what turns the direction of writing (Unicode TR9, 2).
_STEERING = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """A text on one line, as a terminal shows it: what is no UTF-8, and what would steer the terminal, is told as an escape.

    Names in a bundle may be anybody's, line ends in them included.
    """
    shown = text.encode("utf-8", "backslashreplace").decode()
    return _STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), shown)

"""`README.txt` at the top of a bundle: for who gets it, and knows nothing of bundler."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from bundler.rewrite.templates import read_template

_MARK = "(Made by bundler.)"
_INDENT = "    "
_MOST = 5  # lines of a list: the page shall fit a screen


@dataclass(frozen=True, slots=True)
class ReadmeFacts:
    """What it tells. All paths are bundle paths."""

    name: str
    """The application's name; "" where nobody knows it."""
    version: str
    python: str
    """Python's version."""
    start: tuple[str, ...]
    """What starts the application."""
    needs: tuple[str, ...]
    """What it asks of the machine, in words."""
    licences: tuple[str, ...]
    """Where licences are, in words."""


def write_readme(facts: ReadmeFacts) -> bytes:
    """The text: ASCII, whatever the names."""
    title = _ascii(" ".join(filter(None, (facts.name, facts.version)))) or "An application in Python"
    values = {
        "TITLE": title,
        "LINE": "=" * len(title),
        "NAME": _ascii(facts.name) or "the application",
        "PYTHON": _ascii(facts.python),
        "START": _listed(facts.start),
        "NEEDS": _listed(facts.needs),
        "LICENCES": _listed(facts.licences),
        "MARK": _MARK,
    }
    lines = read_template("README.txt").split("\n")
    return "\n".join(_filled(line, values) for line in lines).encode("ascii")


def application_of(data: bytes) -> str | None:
    """The application's name in a text that `write_readme` made, "" for one without; None for what somebody else wrote."""
    lines = data.decode("ascii", "replace").splitlines()
    if len(lines) < 3 or lines[-1] != _MARK or set(lines[1]) != {"="}:
        return None
    name, _, version = lines[0].rpartition(" ")
    return name if version[:1].isdigit() else ""


def _filled(line: str, values: dict[str, str]) -> str:
    """A line of the template with the values in their places; what a value holds is no place."""
    parts = line.split("@")
    return "".join(values.get(part, f"@{part}@") if number % 2 else part for number, part in enumerate(parts))


def _listed(items: Sequence[str]) -> str:
    shown = [*items[:_MOST], *([f"and {len(items) - _MOST} more"] if len(items) > _MOST else [])]
    return "\n".join(_INDENT + _ascii(item) for item in shown)


def _ascii(text: str) -> str:
    """Letters without their accents; `?` for what ASCII has nothing for, and for what a terminal would obey."""
    plain = (char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return "".join(char if " " <= char <= "~" else "?" for char in plain)

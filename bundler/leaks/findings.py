"""What was found in one file."""

from __future__ import annotations

import enum
from dataclasses import dataclass

_SHOWN = 4  # letters of a token, which mostly are those that all tokens of its kind begin with


class Trace(enum.Flag):
    """What a file tells of the machine that the bundle was made on."""

    NOTHING = 0
    PREFIX = enum.auto()
    """A path of the source."""
    HOME = enum.auto()
    """The folder of the user who packed."""
    USER = enum.auto()
    """The name of the user who packed."""
    HOST = enum.auto()
    """The name of this machine."""
    CREDENTIAL = enum.auto()


NAMES = {Trace.HOME: "home folder", Trace.USER: "user name", Trace.HOST: "host name"}
"""What tells of a person or a machine, in words."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What has the form of a credential. Its value is nowhere kept."""

    kind: str
    """The name in a table: `github-token`, `private-key`."""
    offset: int
    """In bytes from the file's start, where the file is read as it is; in letters for a text in UTF-16."""
    line: int | None
    """Of a text, from 1 on; None in a binary."""
    shown: str = ""
    """A few letters of its beginning; "" where every letter counts."""


def masked(value: bytes) -> str:
    """As much of a token as may be shown."""
    return value[:_SHOWN].decode("ascii", "replace") + "…"

"""Stand-ins that `setup.py develop` writes: scripts that run a script of the project from where it lies."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bundler.parsing import parse_literal

READ = 4096
"""How many bytes of a script tell whether it is a stand-in."""
_STAND_IN = re.compile(
    rb"^# EASY-INSTALL-DEV-SCRIPT: ['\"](?P<distribution>[^'\"=]*).*?^__file__ = (?P<path>[\"'].*[\"'])$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class StandIn:
    """What a stand-in tells."""

    distribution: str
    """The project's name, as it spells it."""
    script: str
    """The path of the script that is run."""


def read_stand_in(data: bytes) -> StandIn | None:
    """What a script tells that `setup.py develop` wrote; None for any other."""
    match = _STAND_IN.search(data[:READ])
    if match is None:
        return None
    try:
        path = parse_literal(match["path"].decode("utf-8", "surrogateescape"))
    except ValueError:
        return None
    if not isinstance(path, str):
        return None
    return StandIn(match["distribution"].decode("utf-8", "surrogateescape"), path)

"""Who packs, and where: what a bundle shall not tell."""

from __future__ import annotations

import getpass
import platform
from typing import NamedTuple

from bundler.machine import os

_LEAST = 4  # letters: shorter names stand in every text by chance
# Names that many machines have alike: of images, services and people who did not choose one.
_EVERYBODYS = (
    "admin administrator app appuser azureuser build builder buildkitsandbox centos circleci codespace conda "
    "container daemon debian default dev developer docker ec2-user fedora gitlab-runner gitpod guest home host "
    "jenkins jovyan laptop linux localhost macbook node nobody public python raspberrypi root runner server system "
    "test tester travis ubuntu user users vagrant vscode windows worker workspace www-data"
)
_NOBODYS_HOMES = frozenset({"", "/", "/root", "/nonexistent", "/var/empty"})


class Maker(NamedTuple):
    """The user and the machine; "" for what tells nobody anything (`root`, `/root`, `runner`, `localhost`)."""

    home: str
    """Absolute."""
    user: str
    host: str


def this_maker() -> Maker:
    """Who runs this process."""
    home = os.path.normpath(os.path.expanduser("~"))
    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):  # a user that has no name
        user = ""
    host = platform.node().partition(".")[0]
    return Maker("" if home in _NOBODYS_HOMES or not os.path.isabs(home) else home, _telling(user), _telling(host))


def _telling(name: str) -> str:
    return "" if len(name) < _LEAST or name.lower() in _EVERYBODYS.split() or name.isdigit() else name

"""A cage for the processes of the run check: places that a bundle must do without are hidden from them."""

from __future__ import annotations

import enum
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field

from bundler.bundle_paths import lies_in
from bundler.machine import os
from bundler.machine.temporary_folder import TemporaryFolder

_SCRIPT = "cage_script.py"
_SECONDS = 20


class CageKind(enum.Enum):
    """What a run check can prove."""

    HIDDEN = "hidden"
    """The source was out of reach."""
    MAPS_ONLY = "maps only"
    """The source was within reach; what the processes had mapped was looked at."""
    NOT_RUN = "not run"


@dataclass(slots=True)
class Cage:
    """What is hidden from processes; nothing in one that is open."""

    hidden: tuple[str, ...] = ()
    """Absolute paths of folders and files that exist, outermost first."""
    network: bool = True
    """Whether the processes see the network."""
    command: tuple[str, ...] = field(default=())
    """What stands in front of a command that is run in the cage; known once `prepare` was called."""

    def prepare(self, home: str) -> None:
        """Put what is needed into the folder `home`, which is not hidden."""
        if not self.hidden and self.network:
            return
        script, places = os.path.join(home, _SCRIPT), os.path.join(home, "hidden")
        shutil.copy(os.path.join(os.path.dirname(__file__), _SCRIPT), script)
        with open(places, "wb") as file:
            file.writelines(os.fsencode(place) + b"\0" for place in self.hidden)
        self.command = (sys.executable, "-I", "-S", script, "network" if self.network else "no-network", places)


def cage_of(places: Iterable[str], kept: Iterable[str]) -> Cage:
    """A cage that hides `places`, but for those around something of `kept`; an open one where the kernel allows none.

    A place inside of another one is hidden with it.
    """
    real = {os.path.realpath(place) for place in places if os.path.lexists(place)}
    keep = [os.path.realpath(path) for path in kept]
    wanted = [place for place in sorted(real) if place != "/" and not any(lies_in(path, place) for path in keep)]
    hidden: list[str] = []
    for place in wanted:
        if not hidden or not lies_in(place, hidden[-1]):
            hidden.append(place)
    return Cage(tuple(hidden), network=False) if hidden and cages_are_allowed() else Cage()


def cages_are_allowed() -> bool:
    """Whether the kernel lets this user hide anything: tried once."""
    if not sys.platform.startswith("linux"):
        return False
    with TemporaryFolder("bundler-cage-") as home, TemporaryFolder("bundler-cage-") as place:
        cage = Cage((place,), network=False)
        cage.prepare(home)
        try:
            done = subprocess.run(
                [*cage.command, "/bin/sh", "-c", ":"], capture_output=True, check=False, timeout=_SECONDS
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
        return done.returncode == 0

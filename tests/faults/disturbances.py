"""Which calls of a pack are disturbed, and how."""

from __future__ import annotations

import random
import signal
from collections import defaultdict
from collections.abc import Mapping, Sequence

from tests.faults.layer import Disturbance, What

HOW = ("errors", "full disk", "short", "signal", "kill")
VARIANTS = 4
"""Errors that each kind of call has (`layer.c`)."""


def disturbance(how: str, at: int, variant: int = 0) -> Disturbance:
    """What is done to a call, by one of HOW."""
    match how:
        case "errors":
            return Disturbance(at, What.ERROR, variant)
        case "full disk":
            return Disturbance(at, What.FULL)
        case "short":
            return Disturbance(at, What.SHORT)
        case "signal":
            return Disturbance(at, What.SIGNAL, signal=signal.SIGTERM)
        case _:
            return Disturbance(at, What.SIGNAL, signal=signal.SIGKILL)


def by_site(sites: Mapping[int, str], chosen: random.Random) -> list[int]:
    """The numbers of calls of which each was made from another place of the program: of those from one place any one."""
    numbers: dict[str, list[int]] = defaultdict(list)
    for number, site in sites.items():
        numbers[site].append(number)
    return sorted(chosen.choice(same) for same in numbers.values())


def mixed(sites: Mapping[int, str], chosen: random.Random, count: int) -> Sequence[Disturbance]:
    """So many disturbances of all kinds, of calls from different places."""
    numbers = by_site(sites, chosen)
    numbers = chosen.sample(numbers, min(count, len(numbers)))
    return [
        disturbance(HOW[place % len(HOW)], number, chosen.randrange(VARIANTS)) for place, number in enumerate(numbers)
    ]

"""A graph's source and its bundle compared, as an audit does it: what the bundle lacks is taken along, and again."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass

from bundler.plan.binaries.linux.lockstep import Misplaced
from tests.plan.binaries.linux.graphs import Graph, draw, smaller
from tests.plan.binaries.linux.kit import DoesNotStart, Kit, open_kit, open_musl_kit
from tests.plan.binaries.linux.worlds import Loads, World

_MOST_ROUNDS = 4


@dataclass(frozen=True)
class Outcome:
    """What a source and its bundle load; None for a source that does not start."""

    graph: Graph
    """Without what fails in the source."""
    source: list[Loads]
    bundle: list[Loads]
    warned: tuple[Misplaced, ...]
    changed: frozenset[str]
    """Which files were patched."""

    @property
    def same(self) -> bool:
        return self.source == self.bundle


def compare(kit: Kit, graph: Graph) -> Outcome | None:
    """Pack until the bundle has all that the source's processes open."""
    world = World(kit, graph)
    try:
        source = world.source()
    except DoesNotStart:
        return None
    for _ in range(_MOST_ROUNDS):
        plan = world.pack()
        try:
            bundle = world.bundled()
        except DoesNotStart:
            bundle = []
        outcome = Outcome(world.graph, source, bundle, plan.misplaced, frozenset(plan.changes))
        lacking = world.lacking(source, bundle)
        if outcome.same or set(lacking) <= set(world.opened):
            break
        world.opened = tuple(dict.fromkeys((*world.opened, *lacking)))
    return outcome


def is_wrong(outcome: Outcome | None) -> bool:
    """Whether the bundle differs from the source, and nobody was told."""
    return outcome is not None and not outcome.same and not outcome.warned


def smallest(kit: Kit, graph: Graph, seconds: float = 60) -> Graph:
    """A graph that is wrong in which nothing can be left out, or as much as time allows."""
    end = time.monotonic() + seconds
    found = True
    while found and time.monotonic() < end:
        found = False
        for candidate in smaller(graph):
            if is_wrong(compare(kit, candidate)):
                graph, found = candidate, True
                break
    return graph


def told(kit: Kit, graph: Graph) -> str:
    """A wrong graph for a person."""
    lines = []
    for name in ("executable", "libpython", "libraries", "modules", "programs", "links", "processes", "library_path"):
        value = getattr(graph, name)
        lines += [f"  {name}: {item}" for item in (value if isinstance(value, tuple) else [value])]
    outcome = compare(kit, graph)
    if outcome is not None:
        for number, (one, other) in enumerate(zip(outcome.source, outcome.bundle, strict=False)):
            lines += [f"  process {number}: source {one}", f"             bundle {other}"]
        lines += [f"  warned: {item}" for item in outcome.warned]
    return "\n".join(lines)


def main() -> int:
    """`python -m tests.plan.binaries.linux.comparing FIRST COUNT [musl]`: compare many graphs.

    The smallest of each wrong one is shown.
    """
    first, count = int(sys.argv[1]), int(sys.argv[2])
    counts: Counter[str] = Counter()
    began = time.monotonic()
    opened = open_musl_kit if "musl" in sys.argv[3:] else open_kit
    with contextmanager(opened)() as kit:
        for seed in range(first, first + count):
            outcome = compare(kit, draw(seed))
            if is_wrong(outcome):
                print(f"seed {seed}\n{told(kit, smallest(kit, draw(seed)))}", flush=True)
            counts[_kind(outcome)] += 1
    print(f"{count} graphs in {time.monotonic() - began:.0f} s: {dict(counts)}")
    return counts["wrong"]


def _kind(outcome: Outcome | None) -> str:
    if outcome is None:
        return "does not start"
    if outcome.same:
        return "same, and warned of" if outcome.warned else "same"
    return "different, and warned of" if outcome.warned else "wrong"


if __name__ == "__main__":
    sys.exit(os.EX_OK if main() == 0 else 1)

"""See `scripts/soak`."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.faults.disturbances import HOW, VARIANTS, by_site, disturbance
from tests.faults.packing import KINDS, Packing, Result
from tests.faults.server import PackServer

_HEAD = (
    "packs of",
    "disturbed by",
    "calls",
    "places",
    "packs",
    "harmless",
    "failed, and said why",
    "stopped or killed",
    "losses",
)


def main() -> int:
    """Disturb packs; the exit status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--faults", action="store_true", help="disturb calls, and do not kill at random")
    parser.add_argument("--sites", action="store_true", help="of the calls from one place of the program one")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--how", choices=HOW, action="append", help="only this")
    parser.add_argument("words", nargs="*", metavar="NUMBER or KIND")
    chosen = parser.parse_args()
    unknown = [word for word in chosen.words if word not in KINDS and not (word.isdigit() and not chosen.faults)]
    if unknown:
        parser.error(f"there is no {unknown[0]}; kinds are: {', '.join(KINDS)}")
    numbers = [int(word) for word in chosen.words if word.isdigit()]
    kinds = [word for word in chosen.words if not word.isdigit()] or list(KINDS)
    print(f"seed: {chosen.seed}\n")
    print(f"| {' | '.join(_HEAD)} |\n|{'---|' * len(_HEAD)}", flush=True)
    random_choice = random.Random(chosen.seed)
    losses = 0
    with tempfile.TemporaryDirectory(prefix="bundler-soak-") as folder, _server(folder) as server:
        for kind in kinds:
            with tempfile.TemporaryDirectory(dir=folder) as place:
                packing = Packing(Path(place), kind, server)
                if chosen.faults:
                    losses += _disturb(packing, random_choice, chosen.how or list(HOW), one_a_site=chosen.sites)
                else:
                    losses += _kill(packing, random_choice, -(-(numbers or [300])[0] // len(kinds)))
    return 1 if losses else 0


def _server(folder: str) -> PackServer:
    own = Path(folder, "server")
    own.mkdir()
    return PackServer(own)


def _disturb(packing: Packing, chosen: random.Random, hows: Iterable[str], *, one_a_site: bool) -> int:
    sites = packing.sites()
    losses = 0
    for how in hows:
        numbers = by_site(sites, chosen) if one_a_site else sorted(sites)
        results = (packing.disturb(disturbance(how, number, chosen.randrange(VARIANTS))) for number in numbers)
        losses += _tell(packing.kind, how, results, sites)
    return losses


def _kill(packing: Packing, chosen: random.Random, count: int) -> int:
    seconds = max(packing.seconds() for _ in range(3))
    results = (packing.kill_after(chosen.uniform(0, seconds)) for _ in range(count))
    return _tell(packing.kind, "SIGKILL at any moment", results, {})


def _tell(kind: str, how: str, results: Iterator[Result], sites: dict[int, str]) -> int:
    """Print a row, and what was lost as it comes; how often."""
    outcomes: Counter[str] = Counter()
    for result in results:
        status = result.outcome.status
        if sites and result.outcome.hit is None:
            continue  # a call that cannot be cut short, for one
        outcomes["harmless" if status == 0 else "failed" if 0 < status < 128 else "stopped"] += 1
        if result.problems:
            outcomes["losses"] += 1
            print(f"{result}\n   {sites.get(result.disturbance.at, '')}", file=sys.stderr, flush=True)
    packs = sum(outcomes[name] for name in ("harmless", "failed", "stopped"))
    numbers = (
        len(sites),
        len(set(sites.values())),
        packs,
        *(outcomes[name] for name in ("harmless", "failed", "stopped", "losses")),
    )
    print(f"| {kind} | {how} | {' | '.join(map(str, numbers))} |", flush=True)
    return outcomes["losses"]


if __name__ == "__main__":
    sys.exit(main())

"""Whatever a call of a pack to the system gives, or comes with it: the output is whole or absent, and what was there stays.

Here some calls of each kind of pack are disturbed, other ones in each run; `scripts/soak --faults` disturbs all of them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.disturbances import mixed
from tests.faults.packing import KINDS, Packing
from tests.faults.server import PackServer

QUICK = ("directory --update", "tar.zst")
FEW, MANY = 8, 60


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PackServer]:
    with PackServer(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.mark.parametrize(
    ("kind", "count"),
    [
        *(pytest.param(kind, FEW, id=kind) for kind in QUICK),
        *(pytest.param(kind, MANY, id=f"{kind}-more", marks=pytest.mark.everything) for kind in KINDS),
    ],
)
def test_whatever_a_call_gives_all_is_whole_or_absent_and_told(
    server: PackServer, tmp_path: Path, chosen: random.Random, kind: str, count: int
) -> None:
    packing = Packing(tmp_path, kind, server)
    disturbances = mixed(packing.sites(), chosen, count)
    assert len(disturbances) == count
    results = [packing.disturb(disturbance) for disturbance in disturbances]
    assert [str(result) for result in results if result.problems] == []
    assert sum(result.outcome.hit is not None for result in results) > count // 3

"""Graphs of libraries, drawn at random: each process of the bundle loads what it loads in the source, file by file.

The source runs on a host with libraries; the bundle where the source is gone, and where wrong libraries of every name lie in the
host's folder and in one on LD_LIBRARY_PATH (glibc). Many more graphs: `python -m tests.plan.binaries.linux.comparing FIRST COUNT
[musl]`.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tests.plan.binaries.linux.comparing import compare, is_wrong, smallest, told
from tests.plan.binaries.linux.graphs import draw
from tests.plan.binaries.linux.kit import Kit

_BLOCK = 100


@pytest.mark.parametrize(
    "first",
    [pytest.param(first, marks=[pytest.mark.everything] if first else []) for first in range(0, 3000, _BLOCK)],
)
def test_the_bundle_loads_what_the_source_loads(kit: Kit, first: int) -> None:
    _compare(kit, range(first, first + (_BLOCK if first else 40)))


@pytest.mark.parametrize(
    "first",
    [pytest.param(first, marks=[pytest.mark.everything] if first else []) for first in range(0, 1000, _BLOCK)],
)
def test_so_it_does_with_musl(musl_kit: Kit, first: int) -> None:
    _compare(musl_kit, range(first, first + (_BLOCK if first else 20)))


def _compare(kit: Kit, seeds: Iterable[int]) -> None:
    for seed in seeds:
        if is_wrong(compare(kit, draw(seed))):
            pytest.fail(f"seed {seed}\n{told(kit, smallest(kit, draw(seed)))}")

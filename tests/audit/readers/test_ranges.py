"""Ranges are sets of numbers, and nothing else."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from bundler.audit.readers.ranges import Range, common, holds, split, union, without

RANGES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=6)


def numbers(ranges: Iterable[Range]) -> set[int]:
    return {number for start, end in ranges for number in range(start, end)}


def tidy(ranges: list[Range]) -> bool:
    """Sorted, none empty, none that touches the next."""
    return all(a < b for a, b in ranges) and all(b < c for (_, b), (c, _) in itertools.pairwise(ranges))


@given(RANGES, RANGES)
def test_they_are_sets(some: list[Range], others: list[Range]) -> None:
    assert numbers(union(some)) == numbers(some)
    assert numbers(without(some, others)) == numbers(some) - numbers(others)
    assert numbers(common(some, others)) == numbers(some) & numbers(others)
    assert tidy(union(some)) and tidy(without(some, others)) and tidy(common(some, others))


@given(RANGES, st.integers(0, 40))
def test_a_number_is_held_or_not(some: list[Range], number: int) -> None:
    assert holds(some, number) == (number in numbers(some))


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 9))
def test_a_split_range_is_whole(start: int, length: int, step: int) -> None:
    pieces = list(split((start, start + length), step))
    assert numbers(pieces) == numbers([(start, start + length)])
    assert all(b - a <= step for a, b in pieces)

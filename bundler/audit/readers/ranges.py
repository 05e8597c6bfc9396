"""Sets of numbers as ranges `(start, end)`, sorted and apart: which bytes of a file are meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

Range = tuple[int, int]
Ranges = Sequence[Range]


def union(ranges: Iterable[Range]) -> list[Range]:
    """The same bytes as ranges that do not touch."""
    found: list[Range] = []
    for start, end in sorted(each for each in ranges if each[0] < each[1]):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def without(ranges: Iterable[Range], holes: Iterable[Range]) -> list[Range]:
    """The bytes of `ranges` that are not in `holes`."""
    rest: list[Range] = []
    cut = union(holes)
    for start, end in union(ranges):
        at = start
        for low, high in cut:
            if high <= at or low >= end:
                continue
            if at < low:
                rest.append((at, low))
            at = max(at, high)
        if at < end:
            rest.append((at, end))
    return rest


def common(ranges: Iterable[Range], others: Iterable[Range]) -> list[Range]:
    """The bytes that are in both."""
    left, right = union(ranges), union(others)
    return union((max(a, c), min(b, d)) for a, b in left for c, d in right)


def holds(ranges: Ranges, number: int) -> bool:
    """Whether a number is in one of the ranges."""
    return any(start <= number < end for start, end in ranges)


def split(range_: Range, step: int) -> Iterator[Range]:
    """The range in pieces of at most `step`."""
    start, end = range_
    while start < end:
        yield start, min(start + step, end)
        start += step

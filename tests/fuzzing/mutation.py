"""Damage that every format knows: numbers at the edges of their ranges, bytes that go, come twice or from elsewhere, cuts."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from typing import NamedTuple

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

_PLACES = 1 << 24
_MOST = 1 << 18
"""Bytes: no mutation makes more of a file."""
NUMBERS = (
    0,
    1,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0xFFFF,
    0x10000,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    1 << 40,
    (1 << 63) - 1,
    (1 << 64) - 1,
)


class Kind(enum.Enum):
    """What becomes of a place."""

    BYTE = "another byte"
    NUMBER = "a number at the edge of its range"
    WORD = "a word of the format stands there, too"
    GONE = "some bytes are gone"
    TWICE = "some bytes stand there twice"
    OTHER = "some bytes of another file stand there"
    CUT = "the file ends here"


class Mutation(NamedTuple):
    """One damage. `place` and `number` are taken modulo what there is."""

    kind: Kind
    place: int
    number: int


MUTATIONS = st.lists(
    st.builds(Mutation, st.sampled_from(Kind), st.integers(0, _PLACES), st.integers(0, 1 << 16)), max_size=5
)


def inputs(seeds: Sequence[bytes], words: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Seeds with damage."""
    numbers = st.integers(0, 1 << 10)
    return st.builds(
        lambda one, other, mutations: mutated(seeds[one % len(seeds)], seeds[other % len(seeds)], words, mutations),
        numbers,
        numbers,
        MUTATIONS,
    )


def mutated(data: bytes, other: bytes, words: Sequence[bytes], mutations: Sequence[Mutation]) -> bytes:
    """A file with all the damage, one after the other."""
    for mutation in mutations:
        data = _with(data, other, words, mutation)[:_MOST]
    return data


def _with(data: bytes, other: bytes, words: Sequence[bytes], mutation: Mutation) -> bytes:
    kind, place, number = mutation
    at = place % (len(data) + 1)
    match kind:
        case Kind.BYTE:
            return data[:at] + bytes([number % 256]) + data[at + 1 :]
        case Kind.NUMBER:
            width = 1 << (number >> 8) % 4
            value = NUMBERS[number % len(NUMBERS)] % (1 << 8 * width)
            order = "big" if number & 0x80 else "little"
            at = at // width * width if number & 0x40 else at
            return data[:at] + value.to_bytes(width, order) + data[at + width :]  # type: ignore[arg-type]
        case Kind.WORD:
            word = words[number % len(words)] if words else b""
            return data[:at] + word * (1 + (number >> 12)) + data[at:]
        case Kind.GONE:
            return data[:at] + data[at + 1 + number % 64 :]
        case Kind.TWICE:
            size = 1 + number % 600
            return data[:at] + data[at : at + size] * (1 + number % 3) + data[at:]
        case Kind.OTHER:
            start = number * 7 % (len(other) + 1)
            return data[:at] + other[start : start + 1 + number % 600] + data[at:]
        case Kind.CUT:
            return data[:at]


def try_damaged(
    seeds: Sequence[bytes], words: Sequence[bytes], look: Callable[[bytes], object], examples: int, number: int | None
) -> None:
    """Call `look` with so many damaged seeds: the same ones where `number` is; without a number the same ones each time."""

    @settings(
        phases=[Phase.generate],  # to make an input smaller would take many times as long as to find it
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=number is None,
        suppress_health_check=[*HealthCheck],
    )
    @given(inputs(seeds, words))
    def run(data: bytes) -> None:
        look(data)

    (run if number is None else seed(number)(run))()

"""A short run of every target: what is kept in `fixtures/fuzz`, and some damage to it, the same each time."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzzing.corpus import CORPORA
from tests.fuzzing.mutation import try_damaged
from tests.fuzzing.target import Target, check, check_memory, is_taken
from tests.fuzzing.targets import TARGETS

_EXAMPLES = 40
_MANY = 3000
_OF_EACH = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
_MOST = 500_000
"""Bytes of all inputs that are kept."""


def damaged(target: Target, examples: int, number: int | None) -> None:
    """Run a target with so many inputs; the same ones each time without a number."""
    try_damaged(target.seeds, target.words, lambda data: check(target, data), examples, number)


@_OF_EACH
def test_what_is_kept_is_taken_or_refused_in_little_memory(target: Target) -> None:
    for data in target.seeds:
        check(target, data)
        check_memory(target, data)


@_OF_EACH
def test_a_target_takes_some_of_what_is_kept(target: Target) -> None:
    """A target that refuses everything tries nothing."""
    assert any(is_taken(target, data) for data in target.seeds)


@_OF_EACH
def test_damaged_inputs_are_taken_or_refused(target: Target) -> None:
    damaged(target, _EXAMPLES, None)


@pytest.mark.everything
@_OF_EACH
def test_many_damaged_inputs_are_taken_or_refused(target: Target) -> None:
    damaged(target, _MANY, int(os.environ["BUNDLER_TEST_SEED"]))


@settings(max_examples=8, deadline=None, derandomize=True)
@given(st.binary(max_size=200))
def test_anything_at_all_is_taken_or_refused(data: bytes) -> None:
    for target in TARGETS:
        is_taken(target, data)


def test_each_target_has_its_inputs_and_all_together_are_small() -> None:
    assert {path.name for path in CORPORA.iterdir()} <= {target.name for target in TARGETS}
    assert all(target.seeds for target in TARGETS)
    assert sum(path.stat().st_size for path in CORPORA.rglob("*") if path.is_file()) < _MOST


def test_an_error_that_is_no_refusal_is_a_fault() -> None:
    def run(data: bytes) -> None:
        raise KeyError(data) if data else ValueError()

    target = Target("x", run, (ValueError,))
    with pytest.raises(KeyError):
        check(target, b"x")
    with pytest.raises(AssertionError, match="without a word"):
        check(target, b"")


def test_too_much_time_or_memory_is_a_fault() -> None:
    with pytest.raises(AssertionError, match=" s for 3 bytes"):
        check(Target("x", lambda _: sum(range(1 << 20)), (), (), 0.0), b"abc")
    with pytest.raises(AssertionError, match="bytes of memory"):
        check_memory(Target("x", lambda _: bytearray(1 << 22), (), (), 1.0, 1 << 20), b"abc")

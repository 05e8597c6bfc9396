"""What an environment is read in: the clock and the variables of whoever runs it."""

from __future__ import annotations

import sys
import time

import pytest

from bundler.environment import load_environment


@pytest.mark.parametrize(
    ("text", "folders"),
    [("", ()), ("/a", ("/a",)), ("/a::/b;/c:", ("/a", "/b", "/c"))],
)
def test_the_loader_s_folders_are_those_of_the_variable(
    monkeypatch: pytest.MonkeyPatch, text: str, folders: tuple[str, ...]
) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", text)
    assert load_environment(sys.prefix, run=False).library_path == folders


def test_the_time_of_reading_lies_before_it_and_makes_no_difference() -> None:
    before = time.time_ns()
    first = load_environment(sys.prefix, run=False)
    assert before <= first.read_at <= time.time_ns()
    assert load_environment(sys.prefix, run=False) == first

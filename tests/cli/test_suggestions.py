"""What is nearly a command or an option is told with what was probably meant, the nearest first."""

from __future__ import annotations

import pytest

from tests.material.environments import bundler


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["pak"], "No such command 'pak'. Did you mean pack"),
        (["verfy", "x"], "No such command 'verfy'. Did you mean verify?"),
        (["zzz"], "No such command 'zzz'."),
        (["pack", "--ouput", "x"], "No such option '--ouput'. Did you mean --out, or "),
        (["pack", "--exlude=x"], "No such option '--exlude'. Did you mean --exclude, or "),
        (["verify", "x", "--stict"], "No such option '--stict'. Did you mean --strict?"),
        (["--verzion"], "No such option '--verzion'. Did you mean --version?"),
        (["pack", "--zzzzzz"], "No such option '--zzzzzz'."),
    ],
)
def test_the_nearest_name_comes_first(words: list[str], said: str) -> None:
    done = bundler(words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: ")
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"Error: {said}")
    assert last.endswith("?") or last == f"Error: {said}"
    assert "--no-" not in last

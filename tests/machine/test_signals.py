"""Who is asked to stop stops, until what was asked for is done."""

from __future__ import annotations

import signal
import subprocess
import sys

from tests.material.environments import FIXTURES, clean

SCRIPT = """
import os, signal, sys
from bundler.cli.process import Interrupted, run_to_the_end
from bundler.machine.signals import hear_no_more, signals_wait

def command():
    try:
        with signals_wait():
            os.kill(os.getpid(), signal.SIGTERM)
            if sys.argv[1] == "done":
                hear_no_more()
    except Interrupted as interrupted:
        print("stopped")
        return 128 + interrupted.number
    os.kill(os.getpid(), signal.SIGINT)
    print("done")
    return 0

run_to_the_end(command)
"""


def run(word: str) -> subprocess.CompletedProcess[str]:
    variables = clean() | {"PYTHONPATH": str(FIXTURES.parent)}
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, word], capture_output=True, text=True, check=False, env=variables
    )


def test_a_signal_that_waits_is_heard_unless_all_is_done_by_then() -> None:
    done = run("not yet")
    assert (done.returncode, done.stdout) == (128 + signal.SIGTERM, "stopped\n"), done.stderr
    done = run("done")
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


def test_a_process_that_does_not_end_with_it_goes_on_hearing() -> None:
    from bundler.machine.signals import hear_no_more

    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    hear_no_more()
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before

"""Who is asked to stop stops, until what was asked for is done."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.material.environments import FIXTURES, clean

SCRIPT = """
import os, signal, sys, threading, time
from bundler.cli.process import Interrupted, run_to_the_end
from bundler.machine.signals import hear_no_more, signals_wait

def command():
    if sys.argv[2:]:
        threading.Thread(target=time.sleep, args=(1,), daemon=True).start()
    try:
        with signals_wait():
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.2 if sys.argv[2:] else 0)  # another thread takes it, and this one would have to hear it
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


def run(*words: str) -> subprocess.CompletedProcess[str]:
    variables = clean() | {"PYTHONPATH": str(FIXTURES.parent)}
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, *words], capture_output=True, text=True, check=False, env=variables
    )


@pytest.mark.parametrize("more", [[], ["with a thread"]])
def test_a_signal_that_waits_is_heard_unless_all_is_done_by_then(more: list[str]) -> None:
    done = run("not yet", *more)
    assert (done.returncode, done.stdout) == (128 + signal.SIGTERM, "stopped\n"), done.stderr
    done = run("done", *more)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


def test_a_process_that_does_not_end_with_it_goes_on_hearing() -> None:
    from bundler.machine.signals import hear_no_more

    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    hear_no_more()
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before

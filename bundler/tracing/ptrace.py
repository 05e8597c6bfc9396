"""Tracing by a tracer of our own (`tracer_script.py`), which needs nothing but the kernel."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys

from bundler.machine import os
from bundler.tracing.trace import Deed, Event
from bundler.tracing.tracer import Command, Seen, TraceFailed, ended_with_us

_SCRIPT = os.path.join(os.path.dirname(__file__), "tracer_script.py")


class Ptrace:
    """See `tracer.Tracer`. The script is run by the Python that runs bundler."""

    name = "ptrace"

    def run(self, command: Command) -> Seen:
        """Hear the script until the command has ended; what that left in the background goes on."""
        read, write = os.pipe()
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", _SCRIPT, str(write), *command.words],
            stdout=2,
            env=command.variables,
            pass_fds=(write,),
        )
        os.close(write)
        with open(read, encoding="ascii") as lines, ended_with_us(process):
            rows = [json.loads(line) for line in lines]
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1)
        kind, last = rows.pop() if rows and len(rows[-1]) == 2 else ("refused", "the tracer broke")
        if kind == "refused" or not isinstance(last, int):
            raise TraceFailed(
                f"commands cannot be traced here: {last}",
                "run it where it does (containers may forbid ptrace), or name what it needs: --include-lib, --add",
            )
        return Seen([_event(*row) for row in rows], last)


def _event(name: str, thread: int, what: int | str) -> Event:
    deed = Deed(name)
    return Event(deed, thread, child=what) if isinstance(what, int) else Event(deed, thread, path=what)

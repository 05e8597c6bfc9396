"""Start a Python once as its user does, and see what it says."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

from bundler.audit.observing import Subject
from bundler.machine import os
from bundler.machine.temporary_folder import TemporaryFolder
from bundler.rewrite.whole_paths import occurrences

_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Start:
    """How a Python that was started with nothing to do ended: its status (negative for a signal), and what it complained of."""

    status: int
    said: tuple[str, ...]
    """The lines of its standard error."""


def start_once(subject: Subject) -> Start:
    """Start the Python of `subject` without any option, in a temporary home."""
    with TemporaryFolder("bundler-audit-") as home:
        subject.cage.prepare(home)
        command = [*subject.command, "-c", "pass"]
        try:
            done = subprocess.run(
                command,
                cwd=subject.folder or home,
                env=subject.variables_at(home),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                timeout=_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return Start(-1, (f"did not come to an end in {_SECONDS} seconds",))
        except OSError as error:
            return Start(-1, (f"{os.strerror(error.errno or 0)}: {subject.python}",))
        return Start(done.returncode, tuple(done.stderr.decode("utf-8", "replace").splitlines()))


def new_complaints(before: Start, after: Start, places: dict[str, str]) -> tuple[str, ...]:
    """The lines that only `after` said; `places` are what stands for what in its lines: bundle paths for the source's."""
    known = set(before.said)
    return tuple(line for line in after.said if _translated(line, places) not in known and line not in known)


def _translated(line: str, places: dict[str, str]) -> str:
    """The line with each place as what stands for it, where it is named as a whole path."""
    pieces, done = [], 0
    for match in occurrences(line, places):
        pieces += [line[done : match.start()], places[match[0]]]
        done = match.end()
    return "".join((*pieces, line[done:]))

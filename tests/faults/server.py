"""A process that has loaded bundler and forks for each pack: what a pack does is then the work itself, and no start of Python.

It takes requests as lines of JSON, and answers each by one. `python -m tests.faults.server`, under the fault layer.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

from tests.faults.layer import UNDISTURBED, Disturbance, FaultLayer, Hit
from tests.faults.sites import SiteNotes

_LEARN = "FAULT_SERVER_LEARNS"
SMALL_SHARES = "FAULT_SERVER_SHARES"
"""Variable by which children take part in the writing of a small environment, too."""
_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_SECONDS = 60
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Outcome:
    """What came of a pack."""

    status: int
    """Its exit status; negative for a signal."""
    said: str
    """On standard error."""
    calls: int
    hit: Hit | None
    seconds: float
    left: bool
    """Whether a process that it started was still there."""


class PackServer:
    """Runs commands of bundler, one after the other, each in a fork of its own; a context manager."""

    def __init__(self, folder: Path) -> None:
        """`folder` is for its own files."""
        self._layer = FaultLayer(folder)
        self._said = folder / "said"
        self._modules = folder / "modules"
        self._sites = folder / "sites"
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> PackServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, variables: dict[str, str], *warm_up: list[str]) -> None:
        """Start it with these variables. Commands by which it learns which modules a pack imports are run first."""
        self.stop()
        self._modules.write_text("")
        command = [sys.executable, "-m", "tests.faults.server", str(self._modules)]
        variables = {**variables, **self._layer.variables, "PYTHONPATH": str(_ROOT)}
        for words in warm_up:
            self._layer.prepare(UNDISTURBED)
            done = subprocess.run(
                [*command, *words],
                env={**variables, _LEARN: "1"},
                cwd=_ROOT,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
        self._process = subprocess.Popen(
            command, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT
        )

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            process, self._process = self._process, None
            process.communicate()

    def sites(self, words: list[str]) -> dict[int, str]:
        """Run a command, and tell from where in the program each of its calls was made: by the call's number."""
        self._ask(words, UNDISTURBED, 0, str(self._sites))
        return {int(number): site for number, site in json.loads(self._sites.read_text()).items()}

    def run(self, words: list[str], disturbance: Disturbance = UNDISTURBED, *, kill_after: float = 0) -> Outcome:
        """Run a command, and disturb it; or kill it after some seconds."""
        return self._ask(words, disturbance, kill_after, "")

    def _ask(self, words: list[str], disturbance: Disturbance, kill_after: float, sites: str) -> Outcome:
        assert self._process is not None and self._process.stdin is not None and self._process.stdout is not None
        self._layer.prepare(disturbance)
        request = {"words": words, "said": str(self._said), "kill_after": kill_after, "sites": sites}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        said = self._said.read_text(errors="backslashreplace")
        return Outcome(answer["status"], said, self._layer.count, self._layer.hit, answer["seconds"], answer["left"])


def _serve(requests: IO[str], layer: ctypes.CDLL) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)  # what a pack leaves becomes a child of this process
    gc.freeze()
    for line in requests:
        request = json.loads(line)
        begun = time.monotonic()
        child = os.fork()
        if child == 0:
            _become_command(request["words"], request["said"])
            notes = SiteNotes(request["sites"]) if request["sites"] else None
            layer.fault_layer_arm()
            if notes is not None:
                notes.begin(layer.fault_layer_disarm)
            _run_command()
        status = _status(child, request["kill_after"])
        answer = {"status": status, "seconds": time.monotonic() - begun, "left": _end_group(child)}
        print(json.dumps(answer), flush=True)


def _become_command(words: list[str], said: str) -> None:
    """Be as if the command had just been started."""
    os.setsid()
    for descriptor, path, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, os.devnull, os.O_WRONLY),
        (2, said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
    ):
        opened = os.open(path, flags, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    sys.argv = ["bundler", *words]


def _run_command() -> None:
    """Never comes back: the command ends the process."""
    from bundler.cli import main

    main()


def _status(child: int, kill_after: float) -> int:
    """The exit status of a child, which is killed after some seconds, and where it does not end: -SIGALRM then."""
    if kill_after:
        time.sleep(kill_after)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    limit = time.monotonic() + _SECONDS
    while time.monotonic() < limit:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.001)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -signal.SIGALRM


def _end_group(leader: int) -> bool:
    """Whether there is still a process that the ended one started, a moment later; it is killed."""
    for _ in range(100):
        if not _group_lives(leader):
            return False
        time.sleep(0.01)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)
    _group_lives(leader)
    return True


def _group_lives(leader: int) -> bool:
    """Whether a process of the group is there; those that ended are let go."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-leader, os.WNOHANG)[0]:
            pass
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    return True


def _modules_of(path: Path) -> Iterator[str]:
    for name in dict.fromkeys(path.read_text().split()):
        if name != "__main__" and not name.startswith("tests."):
            yield name


def _load(names: Iterator[str]) -> None:
    for name in names:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def _learn(path: Path) -> None:
    """Run the command of this process, and note the modules that it imported."""
    leave = os._exit

    def note_and_leave(status: int) -> None:
        with path.open("a") as file:
            file.write("".join(f"{name}\n" for name in sys.modules))
        leave(status)

    os._exit = note_and_leave  # type: ignore[assignment]
    sys.argv = ["bundler", *sys.argv[2:]]
    _run_command()


if __name__ == "__main__":
    layer = ctypes.CDLL(os.environ.pop("LD_PRELOAD"))  # programs that a pack starts have it not: the audit would see it
    if os.environ.pop(_LEARN, None):
        _learn(Path(sys.argv[1]))
    else:
        _load(_modules_of(Path(sys.argv[1])))
        if os.environ.pop(SMALL_SHARES, None):
            from bundler.sinks.directories import writer

            writer._LEAST_SHARE = 1 << 20
        _serve(sys.stdin, layer)

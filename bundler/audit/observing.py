"""Import modules in processes of a Python, and observe what these have: the running half of the audit."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from bundler.audit.cage import Cage
from bundler.audit.observation import Batch, EntryPoint, Finder, InstalledDistribution, Observation, merged
from bundler.errors import BundlerError
from bundler.files import opened
from bundler.machine import os, path_told
from bundler.machine.pipes import chunks_in_time
from bundler.machine.temporary_folder import TemporaryFolder
from bundler.machine.variables import least_variables, with_home
from bundler.parsing import parse_json

_SCRIPT = "observer_script.py"
_SECONDS = 120  # for one module
_LAST_WORDS = 2000  # bytes of standard error that are kept


class ObserverFailed(BundlerError):
    """The script that observes a process broke: that is a fault of bundler's, and none of the bundle."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A Python that is observed: how it is started, and where."""

    python: str
    observer: str
    """Source text of the system's observer; see `systems.system.System`."""
    variables: Mapping[str, str]
    """The environment variables, without those for the home and for temporary files."""
    folder: str | None = None
    """The working directory; None for the temporary home."""
    cage: Cage = field(default_factory=Cage)
    missing: frozenset[str] = frozenset()
    """Modules that it is not to find, though they are there."""
    runner: tuple[str, ...] = ()
    """The words of a program of this machine that runs it; none where the kernel does."""
    path_here: Callable[[str], str] = path_told
    """What a path that it tells is called on this machine."""
    compiled: str | None = None
    """A folder with modules that had to be compiled, for all observations; None for one of each observation's own."""

    @property
    def command(self) -> tuple[str, ...]:
        """What starts it, once the cage is prepared."""
        return (*self.cage.command, *self.runner, self.python)

    def variables_at(self, home: str) -> dict[str, str]:
        """Its environment variables, where `home` is its home; a runner keeps its own files in the user's."""
        return {**self.variables, "TMPDIR": home} if self.runner else with_home(self.variables, home)


def clean_variables() -> dict[str, str]:
    """What a bundle is tried with: it may not depend on anything else."""
    return least_variables() | {"PYTHONDONTWRITEBYTECODE": "1"}


def user_variables() -> dict[str, str]:
    """The user's own, since the source may need them, but for what would make Python another, write caches, or open windows."""
    left_out = ("DISPLAY", "WAYLAND_DISPLAY")
    variables = {
        key: value for key, value in os.environ.items() if not key.startswith("PYTHON") and key not in left_out
    }
    return variables | {"PYTHONDONTWRITEBYTECODE": "1"}


def observer_script() -> str:
    """The text of the script that imports, and tells."""
    with opened(os.path.join(os.path.dirname(__file__), _SCRIPT)) as file:
        return file.read().decode()


def observe(subject: Subject, batches: Sequence[Batch]) -> list[Observation]:
    """An observation of each batch, in processes of its own, as many at once as there are processors.

    They have a home and a temporary folder of their own, which go with what they wrote, and of which nothing is told: a module may
    put its working directory on `sys.path`, or compile another one into its cache. Raises ObserverFailed.
    """
    with TemporaryFolder("bundler-audit-") as folder:
        home = os.path.realpath(folder)
        shutil.copy(os.path.join(os.path.dirname(__file__), _SCRIPT), home)  # where it lies, nothing may be seen
        subject.cage.prepare(home)
        running = _Running()
        with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="import") as pool:
            try:
                seen = pool.map(lambda batch: _observe_or_part(subject, batch, home, running), batches)
                own = (home, *((subject.compiled,) if subject.compiled is not None else ()))
                return [item.with_paths(subject.path_here).without(*own) for item in seen]
            except BaseException:
                running.stop()  # an import may take its time, and the pool waits
                raise


class _Running:
    """The processes that import just now."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    @contextlib.contextmanager
    def hold(self, process: subprocess.Popen[bytes]) -> Iterator[None]:
        """Know a process while it runs; to let it begin where all is stopped would be in vain."""
        with self._lock:
            self._processes.add(process)
            if self._stopped:
                process.kill()
        try:
            yield
        finally:
            with self._lock:
                self._processes.discard(process)

    def stop(self) -> None:
        """End them, and whatever is begun later."""
        with self._lock:
            self._stopped = True
            for process in self._processes:
                process.kill()


def _observe_or_part(subject: Subject, batch: Batch, home: str, running: _Running) -> Observation:
    """A batch's observation; of modules that share a process to save time those that fail are tried alone."""
    seen = _observe_batch(subject, batch, home, running)
    if not batch.together or not seen.failed:
        return seen
    alone = [_observe_batch(subject, Batch(batch.name, (name,)), home, running) for name in seen.failed]
    failed = {name: error for item in alone for name, error in item.failed.items()}
    return replace(merged([*alone, seen]), failed=failed)


def _observe_batch(subject: Subject, batch: Batch, home: str, running: _Running) -> Observation:
    """Import modules one after the other; behind one that ends the process, go on in a new one."""
    left = list(batch.modules)
    seen = []
    while True:
        telling = _run_once(subject, Batch(batch.name, tuple(left), batch.metadata), home, running)
        seen.append(telling.observation())
        if telling.complete or telling.started is None or not telling.undecided:
            return merged(seen)
        left = left[left.index(telling.started) + 1 :]


@dataclass(slots=True)
class _Telling:
    """What one process has told."""

    batch: str
    started: str | None = None
    undecided: bool = False
    """Whether the module that was started last is neither imported nor failed."""
    modules: tuple[str, ...] = ()
    """What it was to import."""
    failed: dict[str, str] = field(default_factory=dict)
    opened: set[str] = field(default_factory=set)
    programs: set[str] = field(default_factory=set)
    missed: set[str] = field(default_factory=set)
    spawned: bool = False
    saw: Mapping[str, object] = field(default_factory=dict)
    complete: bool = False
    said: bytes = b""
    ending: str = ""

    def hear(self, line: bytes) -> None:
        """Take one line; of a runner's or its program's complaints, which may stand between, the last ones are kept."""
        try:
            kind, value, more = _told(line)
        except ValueError:
            self.said = (self.said + line + b"\n")[-_LAST_WORDS:]
            return
        match kind:
            case "start":
                self.started, self.undecided = value, True
            case "ok":
                self.undecided = False
            case "fail":
                self.failed[value] = more
                self.undecided = False
            case "opened":
                self.opened.add(value)
            case "missed":
                self.missed.add(value)
            case "program":
                self.programs.add(value)
            case "spawned":
                self.spawned = True
            case "saw":
                self.saw = value
            case "end":
                self.complete = True

    def observation(self) -> Observation:
        """What it had, as a value. Raises ObserverFailed where it broke between two imports."""
        if not self.complete and self.started is not None and not self.undecided:
            raise ObserverFailed(f"the process that was observed broke behind its last import: {self.ending}")
        failed = dict(self.failed)
        if not self.complete and self.started is None:
            failed = dict.fromkeys(self.modules, self.ending)
        if self.undecided and self.started is not None:
            failed[self.started] = self.ending
        libraries = self.saw.get("libraries")
        modules = self.saw.get("modules")
        return Observation(
            self.batch,
            failed,
            tuple(_texts(self.saw.get("path"))),
            {str(name): str(file) for name, file in modules.items()} if isinstance(modules, dict) else {},
            frozenset(_texts(libraries)) if isinstance(libraries, list) else None,
            frozenset(self.opened),
            tuple(Finder(str(kind), tuple(_texts(paths))) for kind, paths in _rows(self.saw.get("finders"))),
            frozenset(InstalledDistribution(*row) for row in _rows(self.saw.get("distributions"))),
            frozenset(EntryPoint(*row) for row in _rows(self.saw.get("entry_points"))),
            frozenset(_texts(self.saw.get("asked"))),
            frozenset(_texts(self.saw.get("metadata"))),
            frozenset(_texts(self.saw.get("listed"))),
            frozenset(_texts(self.saw.get("read"))),
            frozenset(self.programs),
            self.spawned or not self.complete,
            self.ending if self.started is None and not self.complete else "",
            frozenset(self.missed),
        )


def _told(line: bytes) -> tuple[str, Any, str]:
    """What a line says, of what, and more of that. Raises ValueError for one of another form: a bundle may write there, too."""
    row = parse_json(line[max(0, line.find(b'["')) :])
    if not isinstance(row, list) or len(row) not in (2, 3):
        raise ValueError("a line of another form")
    kind, value, more = (*row, "")[:3]
    if not isinstance(kind, str) or not isinstance(value, dict if kind == "saw" else str):
        raise ValueError("a line of another form")
    return kind, value, str(more)


def _texts(value: object) -> Iterator[str]:
    yield from (str(item) for item in value) if isinstance(value, list) else ()


def _rows(value: object) -> Iterator[list[str]]:
    yield from (item for item in value if isinstance(item, list)) if isinstance(value, list) else ()


def _run_once(subject: Subject, batch: Batch, home: str, running: _Running) -> _Telling:
    """One process."""
    order = {
        "modules": batch.modules,
        "missing": sorted(subject.missing),
        "compiled": subject.compiled or os.path.join(home, "compiled"),
        "observer": subject.observer,
        "metadata": batch.metadata,
    }
    telling = _Telling(batch.name, modules=batch.modules)
    with tempfile.TemporaryFile(dir=home) as complaints:
        process = subprocess.Popen(
            [*subject.command, "-B", "-W", "ignore", os.path.join(home, _SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if subject.runner else complaints,  # Wine's Python wants a pipe
            cwd=subject.folder or home,
            env=subject.variables_at(home),
            start_new_session=True,
        )
        with process, running.hold(process):
            timed_out = _converse(process, json.dumps(order).encode(), telling)
        if not telling.complete:
            said = telling.said or _last_bytes(complaints.fileno())
            telling.ending = _ending(process.returncode, timed_out, _last_lines(said))
    return telling


def _converse(process: subprocess.Popen[bytes], order: bytes, telling: _Telling) -> bool:
    """Give the order, and hear what is told to its end; whether it took too long."""
    assert process.stdin is not None and process.stdout is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(order)
        process.stdin.close()
    pending = b""
    try:
        for data in chunks_in_time(process.stdout, _SECONDS):
            *lines, pending = (pending + data).split(b"\n")
            for line in lines:
                telling.hear(line)
    except TimeoutError:
        process.kill()
        return True
    return False


def _last_bytes(descriptor: int) -> bytes:
    """The end of a process' standard error."""
    size = os.fstat(descriptor).st_size
    return os.pread(descriptor, _LAST_WORDS, max(0, size - _LAST_WORDS))


def _last_lines(said: bytes) -> str:
    text = said.decode("utf-8", "replace")
    return " | ".join(line.strip() for line in text.splitlines()[-3:] if line.strip())


def _ending(status: int, timed_out: bool, said: str) -> str:
    """How a process ended, in words."""
    if timed_out:
        return f"did not come to an end in {_SECONDS} seconds"
    ending = f"the process was ended by signal {-status}" if status < 0 else f"the process ended with status {status}"
    return f"{ending}: {said}" if said else ending

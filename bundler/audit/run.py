"""The run check: start a Python, import modules in child processes, and see where everything came from."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bundler.audit.modules import extension_modules, opening_packages
from bundler.audit.reports import RunReport
from bundler.audit.tree import BundleTree
from bundler.systems import System

_SCRIPT = os.path.join(os.path.dirname(__file__), "import_script.py")
_SECONDS = 120  # for one module


@dataclass(frozen=True, slots=True)
class _Outcome:
    failed: Mapping[str, str]
    outside: frozenset[str]
    bundled: frozenset[str]


def audit_run(tree: BundleTree, folder: str, system: System) -> RunReport:
    """Import every extension module of the bundle in `folder` through its package, with a clean environment.

    Packages that may open libraries by name are imported, too, to see which; whether that succeeds is not looked at. Nothing is
    written.
    """
    batches = extension_modules(tree)
    openers = [[name] for name in opening_packages(tree) if name not in batches]
    python = os.path.join(folder, tree.manifest.python.executable)
    extensions = [*batches.values()] or [[]]
    everything = _run_batches(python, [*extensions, *openers], folder, _clean_environment)
    outcomes = everything[: len(extensions)]
    hosts = frozenset(tree.manifest.host_libraries)
    outside = {path for outcome in everything for path in outcome.outside if not belongs_to_host(path, hosts, system)}
    failed = {name: error for outcome in outcomes for name, error in outcome.failed.items()}
    bundled = {os.path.relpath(path, folder) for outcome in everything for path in outcome.bundled}
    return RunReport(sum(map(len, batches.values())), failed, tuple(sorted(outside)), frozenset(bundled))


def failing_imports(python: str, modules: Sequence[str]) -> Mapping[str, str]:
    """Which of the modules `python` (the source environment's own) cannot import, with the errors."""
    batches: dict[str, list[str]] = {}
    for name in modules:
        batches.setdefault(name.partition(".")[0], []).append(name)
    outcomes = _run_batches(python, list(batches.values()), "/", _source_environment)
    return {name: error for outcome in outcomes for name, error in outcome.failed.items()}


def _clean_environment(home: str) -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "HOME": home, "TMPDIR": home, "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}


def _source_environment(home: str) -> dict[str, str]:
    """The user's own, since the source may need it, but for what would make Python another or write caches."""
    variables = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    return variables | {"HOME": home, "TMPDIR": home, "PYTHONDONTWRITEBYTECODE": "1"}


def _run_batches(python: str, batches: Sequence[Sequence[str]], root: str, environment: object) -> list[_Outcome]:
    """Each batch in processes of its own, as many at once as there are processors."""
    with tempfile.TemporaryDirectory(prefix="bundler-audit-") as home:
        variables = environment(home) if callable(environment) else {}
        running = _Running()
        with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="import") as pool:
            try:
                return list(pool.map(lambda batch: _run_batch(python, batch, root, variables, home, running), batches))
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


def _run_batch(
    python: str, modules: Sequence[str], root: str, variables: dict[str, str], home: str, running: _Running
) -> _Outcome:
    """Import modules one after the other; behind one that ends the process, go on in a new one."""
    failed: dict[str, str] = {}
    seen: dict[str, set[str]] = {"outside": set(), "bundled": set()}
    left = list(modules)
    while True:
        started, ending = _run_once(python, left, root, variables, home, running, failed, seen)
        if not ending:
            return _outcome(failed, seen)
        if started is None:
            return _outcome(dict.fromkeys(left or ["python"], ending), seen)
        failed[started] = ending
        left = left[left.index(started) + 1 :]


def _outcome(failed: Mapping[str, str], seen: Mapping[str, set[str]]) -> _Outcome:
    return _Outcome(failed, frozenset(seen["outside"]), frozenset(seen["bundled"]))


def _run_once(
    python: str,
    modules: Sequence[str],
    root: str,
    variables: dict[str, str],
    home: str,
    running: _Running,
    failed: dict[str, str],
    seen: Mapping[str, set[str]],
) -> tuple[str | None, str]:
    """One process. The module that was started last, and how the process ended; nothing for a good end."""
    process = subprocess.Popen(
        [python, "-B", "-W", "ignore", _SCRIPT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=home,
        env=variables,
        start_new_session=True,
    )
    assert process.stdin is not None and process.stdout is not None
    started: str | None = None
    complete = timed_out = False
    with process, running.hold(process):
        try:
            process.stdin.write(json.dumps({"modules": list(modules), "root": root}).encode())
            process.stdin.close()
        except BrokenPipeError:
            pass
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            pending = b""
            while True:
                if not selector.select(_SECONDS):
                    timed_out = True
                    process.kill()
                    break
                data = os.read(process.stdout.fileno(), 1 << 16)
                if not data:
                    break
                *lines, pending = (pending + data).split(b"\n")
                for line in lines:
                    kind, text, *more = json.loads(line)
                    if kind == "start":
                        started = text
                    elif kind == "fail":
                        failed[text] = more[0]
                    elif kind in seen:
                        seen[kind].add(text)
                    elif kind == "end":
                        complete = True
    if complete:
        return started, ""
    return started, f"did not come to an end in {_SECONDS} seconds" if timed_out else _ending(process.returncode)


def _ending(status: int) -> str:
    return f"the process was ended by signal {-status}" if status < 0 else f"the process ended with status {status}"


def belongs_to_host(path: str, hosts: frozenset[str], system: System) -> bool:
    """Whether a mapped library is one of the host's: by the system's rules, or by the user's wish (`hosts`)."""
    name = os.path.basename(path)
    wished = any(name == host or name.startswith(host + ".") for host in hosts)  # mapped under its real, longer name
    return wished or system.belongs_to_host(path)

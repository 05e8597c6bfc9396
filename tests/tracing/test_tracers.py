"""With strace and without it the same is seen, and what is traced does what it does untraced."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bundler.tracing.ptrace import _SCRIPT, Ptrace
from bundler.tracing.strace import Strace, find_strace
from bundler.tracing.trace import programs_of
from bundler.tracing.tracer import Command, Seen, Tracer
from tests.material.environments import clean
from tests.material.programs import need

BUSY = """
import multiprocessing, os, subprocess, sys, threading

def read(path):
    with open(path) as file:
        file.read()

if __name__ == "__main__":
    read("by-parent")
    with open("written", "w"):
        pass
    folder = os.open(".", os.O_RDONLY)
    os.close(os.open("by-folder", os.O_RDONLY, dir_fd=folder))
    thread = threading.Thread(target=read, args=["by-thread"])
    thread.start()
    thread.join()
    for method in ("fork", "spawn"):
        child = multiprocessing.get_context(method).Process(target=read, args=["by-" + method])
        child.start()
        child.join()
    os.mkdir("below")
    os.rename("by-other", "below/by-other")
    subprocess.run("cd below && cat by-other", shell=True, check=True)
    assert subprocess.run(["sh", "-c", "kill -TERM $$"]).returncode == -15
    print("done", os.environ.get("LD_PRELOAD"), os.environ.get("PYTHONPATH"))
"""
READ = ("by-parent", "by-folder", "by-thread", "by-fork", "by-spawn")


@pytest.fixture(params=["strace", "ptrace"])
def tracer(request: pytest.FixtureRequest) -> Tracer:
    """Each one."""
    if request.param == "ptrace":
        return Ptrace()
    found = find_strace()
    if found is None:
        pytest.skip(f"{need('strace')} may not trace here")
    return found


def run(tracer: Tracer, *words: str | Path) -> Seen:
    return tracer.run(Command(tuple(map(str, words)), clean()))


def test_files_and_programs_of_threads_forks_and_other_programs_are_seen(
    tracer: Tracer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in (*READ, "by-other"):
        (tmp_path / name).write_text(f"{name}\n")
    (tmp_path / "busy.py").write_text(BUSY)
    monkeypatch.chdir(tmp_path)
    seen = run(tracer, sys.executable, "busy.py")
    assert seen.status == 0
    printed = capfd.readouterr()
    assert (printed.out, "by-other\ndone None None\n" in printed.err) == ("", True)
    ran = programs_of(seen.events)
    python = os.path.realpath(sys.executable)
    by_python = {path for each in ran if each.program == python for path in each.opened}
    assert {str(tmp_path / name) for name in READ} <= by_python
    assert str(tmp_path / "written") not in by_python
    (cat,) = (each for each in ran if os.path.basename(each.program) == "cat")
    assert str(tmp_path / "below/by-other") in cat.opened
    assert cat.starter is not None
    shell = ran[cat.starter]
    assert shell.program == os.path.realpath(shutil.which("sh") or "")
    assert shell.starter == 0


def test_the_command_s_own_end_is_told(tracer: Tracer) -> None:
    assert run(tracer, "/bin/sh", "-c", "exit 7").status == 7
    assert run(tracer, "/bin/sh", "-c", "kill -KILL $$").status == -signal.SIGKILL


def test_what_stays_in_the_background_is_not_waited_for_and_goes_on(tracer: Tracer, tmp_path: Path) -> None:
    script = f"(while [ ! -e {tmp_path}/go ]; do sleep 0.05; done; cat /dev/null; echo x > {tmp_path}/done) & exit 0"
    assert run(tracer, "/bin/sh", "-c", script).status == 0
    assert not (tmp_path / "done").exists()
    (tmp_path / "go").touch()
    for _ in range(600):
        if (tmp_path / "done").exists():
            break
        time.sleep(0.05)
    assert (tmp_path / "done").exists()


def test_a_process_that_is_stopped_stays_stopped_until_it_is_told_to_go_on(tracer: Tracer) -> None:
    code = """
import os, signal, time
child = os.fork()
if child == 0:
    os.kill(os.getpid(), signal.SIGSTOP)
    os._exit(5)
assert os.WIFSTOPPED(os.waitpid(child, os.WUNTRACED)[1])
os.kill(child, signal.SIGCONT)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert run(tracer, sys.executable, "-c", code).status == 5


def test_a_user_needs_no_privileges_for_it(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("the others ran without privileges already")
    places = ("/usr/local/bin/python3", "/usr/bin/python3")
    python = next((place for place in places if os.access(place, os.X_OK)), None)
    if python is None:
        pytest.skip("there is no Python that every user may run")
    words = [python, "-I", "-c", Path(_SCRIPT).read_text(), "1", "/bin/sh", "-c", "read x < /etc/passwd"]
    done = subprocess.run(words, user=65534, group=65534, cwd="/", capture_output=True, text=True, check=False)
    assert '"/etc/passwd"]\n' in done.stdout, done.stderr
    assert done.stdout.endswith('["ended", 0]\n')


def test_where_the_kernel_refuses_it_is_said() -> None:
    """What is traced already cannot be traced once more."""
    strace = find_strace()
    if strace is None:
        pytest.skip(f"{need('strace')} may not trace here")
    words = ["strace", "-f", "-o", os.devnull, sys.executable, "-I", _SCRIPT, "1", "/bin/sh", "-c", "exit 0"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.stdout.startswith('["refused", "ptrace: ')


def test_strace_that_cannot_trace_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "strace").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "strace").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert find_strace() is None
    (tmp_path / "strace").write_text('#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done; shift; exec "$@"\n')
    assert isinstance(find_strace(), Strace)

"""`--trace`: what the user's own command uses comes along, in whatever process, or is told."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import bundler as api
from bundler.tracing.strace import find_strace
from tests.binaries.elf.programs import compile_c
from tests.material.environments import FIXTURES, SLIM, bundler, clean, empty_environment
from tests.material.isolation import hidden
from tests.material.programs import need
from tests.material.snapshots import snapshot

LIBRARY = "libacl.so.1"  # coreutils needs it; Python does not
MODULE = f"""
import ctypes, os, subprocess, sys

def look():
    return ctypes.CDLL({LIBRARY!r})

def child():
    subprocess.run([sys.executable, "-c", "import opener; print(opener.look())"], check=True)

def forked():
    process = os.fork()
    if process == 0:
        look()
        os._exit(0)
    assert os.waitpid(process, 0)[1] == 0

def topics():
    from pydoc_data import topics

def plugin(library, path):
    ctypes.CDLL(library), ctypes.CDLL(path)
"""
WITHOUT_STRACE = {"PATH": "/nowhere"}


def call(function: str, *arguments: str) -> list[str]:
    """The option that traces a call."""
    words = ", ".join(f'"{argument}"' for argument in arguments)
    return ["--trace", f"python -c 'import opener; opener.{function}({words})'"]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with a module whose functions open what no import does."""
    try:
        ctypes.CDLL(LIBRARY)
    except OSError:
        pytest.skip(f"this machine has no {LIBRARY}")
    made = empty_environment(tmp_path_factory.mktemp("traced") / "env")
    (next(made.glob("lib/python3*/site-packages")) / "opener.py").write_text(MODULE)
    return made


@pytest.fixture(params=["strace", "ptrace"])
def variables(request: pytest.FixtureRequest) -> dict[str, str]:
    """With strace, and where there is none."""
    if request.param == "ptrace":
        return WITHOUT_STRACE
    if find_strace() is None:
        pytest.skip(f"{need('strace')} may not trace here")
    return {}


def library() -> Path:
    """The real file of the library on this machine."""
    ctypes.CDLL(LIBRARY)
    lines = Path("/proc/self/maps").read_text().splitlines()
    return Path(next(line.split()[-1] for line in lines if os.path.basename(line.split()[-1]).startswith(LIBRARY)))


def traced(*words: str | Path, env: dict[str, str] | None = None) -> dict[str, Any]:
    """The report of a pack. There is no audit, which would take libraries along by itself."""
    done = bundler(["pack", *words, "--no-verify", "--json"], env)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def tracers_and_functions() -> list[object]:
    """All pairs; that both tracers see the same is held by tests/tracing/test_tracers.py, so the quick tier takes two."""
    quick = {("strace", "look"), ("ptrace", "child")}
    pairs = ((tracer, function) for tracer in ("strace", "ptrace") for function in ("look", "child", "forked"))
    return [pytest.param(*pair, marks=() if pair in quick else pytest.mark.everything) for pair in pairs]


@pytest.mark.parametrize(("variables", "function"), tracers_and_functions(), indirect=["variables"])
def test_a_library_that_only_a_call_opens_is_used_where_the_original_is_not(
    environment: Path, tmp_path: Path, variables: dict[str, str], function: str
) -> None:
    before = snapshot(environment)
    done = bundler(["pack", *SLIM, environment, "--out", tmp_path / "first", "-v", *call(function)], variables)
    assert done.returncode == 0, done.stderr
    assert f"traced with {'ptrace' if variables else 'strace'}: {LIBRARY} came along for it" in done.stderr
    assert f"{library()} came along: a traced command opens it (--exclude-lib {LIBRARY}" in done.stderr
    assert snapshot(environment) == before
    moved = tmp_path / "elsewhere" / "app"
    moved.parent.mkdir()
    (tmp_path / "first").rename(moved)
    assert bundler(["verify", moved]).returncode == 0
    seen = hidden([library(), environment], [moved / "bin/python", "-c", f"import opener; print(opener.{function}())"])
    assert seen.returncode == 0, seen.stderr
    opened = json.loads((moved / "bundle.json").read_text())["libraries"]["opened"]
    assert [(item["priority"], item["sonames"], item["outcome"]) for item in opened if LIBRARY in item["sonames"]] == [
        ("traced", [LIBRARY], "bundled")
    ]


def test_without_a_trace_it_stays_behind(environment: Path, tmp_path: Path) -> None:
    """Else the others would prove nothing."""
    done = bundler(["pack", *SLIM, environment, "--out", tmp_path / "app", "--json"])
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["traced"] is None
    assert not list((tmp_path / "app").rglob("libacl*"))


def test_left_to_the_host_it_stays_there(environment: Path, tmp_path: Path) -> None:
    report = traced(environment, "--out", tmp_path / "app", "--exclude-lib", LIBRARY, *call("look"))
    assert report["traced"]["include-lib"] == []
    assert not any(LIBRARY in warning for warning in report["warnings"])
    assert not list((tmp_path / "app").rglob("libacl*"))


def test_an_update_has_it_without_running_anything(environment: Path, tmp_path: Path) -> None:
    count = tmp_path / "count"
    words = ["--trace", f"sh -c 'echo >> {count}; exec python -c \"import opener; opener.look()\"'"]
    traced(environment, "--out", tmp_path / "app", *words)
    report = traced(environment, "--out", tmp_path / "app", "--update")
    assert count.read_text() == "\n"
    assert (tmp_path / "app/lib/bundled" / LIBRARY).exists()
    assert report["changed_options"] == []


def test_what_was_learned_is_kept_in_the_configuration(environment: Path, tmp_path: Path) -> None:
    config = tmp_path / "pyproject.toml"
    trace = call("look")[1]
    config.write_text(f"# mine\n[tool.bundler]\ntrace = [{json.dumps(trace)}]\nprofile = 'slim'\n")
    words: list[str | Path] = [environment, "--config", config]
    done = bundler(
        ["pack", *words, "--out", tmp_path / "first", "--trace-save", "--no-verify", *call("topics"), *call("look")]
    )
    assert done.returncode == 0, done.stderr
    assert f"kept in {config}: include-lib = ['{LIBRARY}']" in done.stderr
    assert config.read_text().startswith(f"# mine\n[tool.bundler]\ntrace = [{json.dumps(trace)}]\nprofile = 'slim'\n")
    config.write_text(config.read_text().replace("trace = ", "# trace = "))
    report = traced(*words, "--out", tmp_path / "second")
    assert report["traced"] is None
    assert (tmp_path / "second/lib/bundled" / LIBRARY).exists()
    assert list((tmp_path / "second").glob("lib/python3*/pydoc_data/topics.py"))


@pytest.mark.parametrize("pyc", ["keep", "none"])
def test_what_the_profile_leaves_out_and_is_used_comes_along(environment: Path, tmp_path: Path, pyc: str) -> None:
    words: list[str | Path] = [environment, "--profile", "slim", "--pyc", pyc]
    report = traced(*words, "--out", tmp_path / "app", *call("topics"))
    (pattern,) = report["traced"]["exclude"]
    assert pattern.endswith("/pydoc_data/")
    (module,) = (tmp_path / "app").glob("lib/python3*/pydoc_data/topics.py")
    assert not list((tmp_path / "app").glob("lib/python3*/idlelib"))
    seen = hidden([environment], [tmp_path / "app/bin/python", "-c", "import opener; opener.topics()"])
    assert seen.returncode == 0, seen.stderr
    # What the user leaves out himself stays out, and is told.
    report = traced(*words, "--out", tmp_path / "less", "--exclude", "topics.py", *call("topics"))
    place = module.relative_to(tmp_path / "app")
    assert f"--exclude leaves {place} out, which a traced command used" in report["warnings"]
    assert not (tmp_path / "less" / place).exists()
    report = traced(*words, "--out", tmp_path / "less", "--update")
    assert not (tmp_path / "less" / place).exists()
    assert (tmp_path / "less" / place.parent).is_dir()


def test_programs_and_files_of_the_host_and_foreign_modules_are_told(environment: Path, tmp_path: Path) -> None:
    data = next((path for path in Path("/usr/share").glob("*/*") if path.is_file() and not path.is_symlink()), None)
    assert data is not None
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "foreign.py").touch()
    script = tmp_path / "run.py"
    script.write_text(f"""
import subprocess, sys
sys.path.append({str(modules)!r})
import foreign
open({str(data)!r}, "rb").read()
open(__file__).read()
subprocess.run("true; tail -n 1 {data}", shell=True, stdout=subprocess.DEVNULL)
""")
    words: list[str | Path] = [environment, "--dry-run", "--trace", f"python {script}", "--out", tmp_path / "app"]
    report = traced(*words)["traced"]
    folders = {left["folder"]: (left["files"], left["are_modules"]) for left in report["left"]}
    assert folders == {str(data.parent): ([str(data)], False), str(modules): ([str(modules / "foreign.py")], True)}
    assert [os.path.basename(path) for path in report["programs"]] == ["tail"]
    done = bundler(["pack", *words])
    assert f"warning: {data.parent}: files were used that stay behind ({data.name}); --add" in done.stderr
    assert f"warning: {modules}: modules that lie outside of the environment were imported (foreign.py)" in done.stderr
    assert "warning: the target must have tail: a traced command executes " in done.stderr
    added = traced(*words, "--add", f"{data.parent}=share/data", "--add", f"{modules}=modules")["traced"]
    assert added["left"] == []


def test_a_plugin_that_nothing_but_its_path_leads_to_is_told_with_its_owner(environment: Path, tmp_path: Path) -> None:
    folder = tmp_path / "plugins"
    folder.mkdir()
    compile_c("int plugin;", folder / "plugin.so", "-shared", "-fPIC")
    source = f'const char *place(void) {{ return "{folder}"; }}'
    compile_c(source, tmp_path / "libowner.so.1", "-shared", "-fPIC", "-Wl,-soname,libowner.so.1")
    words = call("plugin", "libowner.so.1", str(folder / "plugin.so"))
    report = traced(environment, "--out", tmp_path / "app", *words, env={"LD_LIBRARY_PATH": str(tmp_path)})
    assert report["traced"]["include-lib"] == [str(tmp_path / "libowner.so.1")]
    assert (tmp_path / "app/lib/bundled/libowner.so.1").exists()
    (left,) = report["traced"]["left"]
    assert (left["files"], left["openers"]) == ([str(folder / "plugin.so")], ["libowner.so.1"])
    assert str(tmp_path) not in (tmp_path / "app/bundle.json").read_text()


def test_what_runs_nothing_of_the_environment_is_told(environment: Path, tmp_path: Path) -> None:
    report = traced(environment, "--out", tmp_path / "app", "--dry-run", "--trace", "true")
    assert "the traced commands run nothing of the environment" in report["warnings"]


def test_it_is_run_as_in_an_active_environment(environment: Path, tmp_path: Path) -> None:
    script = 'test "$(command -v python)" = "$VIRTUAL_ENV/bin/python" && test -z "$PYTHONHOME" && echo "in $PWD" && cat'
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "bundler",
            "pack",
            environment,
            "--out",
            "app",
            "--dry-run",
            "--trace",
            f"sh -c '{script}'",
        ],
        cwd=tmp_path,
        env={**clean(), "PYTHONPATH": str(FIXTURES.parent), "PYTHONHOME": ""},
        input="asked\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"in {tmp_path}\nasked\n" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("trace", "status", "words"),
    [
        ("python -c 'raise SystemExit(3)'", 1, ("raise SystemExit(3)", "ended with status 3", "nothing was packed")),
        ("sh -c 'kill -SEGV $$'", 1, ("was ended by signal 11",)),
        ("no-such-program --x", 2, ("there is no program no-such-program", "env/bin")),
        ("python 'x", 2, ("No closing quotation",)),
        ("", 2, ("there is no command",)),
    ],
)
def test_a_command_that_fails_is_an_error_that_names_it(
    environment: Path, tmp_path: Path, trace: str, status: int, words: tuple[str, ...]
) -> None:
    done = bundler(["pack", environment, "--out", tmp_path / "app", "--trace", trace])
    assert done.returncode == status, done.stderr
    for word in words:
        assert word in done.stderr
    assert os.listdir(tmp_path) == []


def test_where_nothing_is_run_it_is_an_error(environment: Path, tmp_path: Path) -> None:
    done = bundler(["pack", environment, "--no-probe", "--out", tmp_path / "app", "--trace", "python -V"])
    assert done.returncode == 1
    assert "nothing of this environment is run here" in done.stderr


def test_an_interrupt_ends_the_command_too(environment: Path, tmp_path: Path, variables: dict[str, str]) -> None:
    code = f"import os, time; open({str(tmp_path / 'number')!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "bundler",
            "pack",
            environment,
            "--out",
            tmp_path / "app",
            "--trace",
            f'python -c "{code}"',
        ],
        env={**clean(), "PYTHONPATH": str(FIXTURES.parent), **variables},
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    number = tmp_path / "number"
    while not (number.exists() and number.read_text()) and process.poll() is None:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)  # not as a terminal does: to bundler alone
    assert process.wait(60) == 128 + signal.SIGINT
    assert not Path(f"/proc/{number.read_text()}").exists()
    assert not (tmp_path / "app").exists()


def test_the_api_takes_commands_as_a_list(environment: Path, tmp_path: Path) -> None:
    report = api.pack(environment, tmp_path / "app", trace=[call("look")[1]], dry_run=True)
    assert report.traced is not None
    assert list(report.traced.learned.libraries) == [LIBRARY]

"""The suite itself: it passes wherever it is started, leaves nothing half-made, and says what it did not do."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bundler.binaries.elf import read_image
from scripts.without_tools import link_programs
from tests.binaries.elf.programs import LAYOUTS, make_program, run
from tests.material import kept, programs
from tests.material.interpreters import Python, every_python, main_python
from tests.material.isolation import libc_folders
from tests.material.snapshots import Facts, snapshot

HERE = Path(__file__).parent
IGNORED = (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM, signal.SIGCHLD)
SUITE = """
import signal, subprocess, sys
import pytest

def test_a_child_has_the_signals_that_it_should_have():
    code = "import signal; print(*(number for number in signal.valid_signals() if signal.getsignal(number) is signal.SIG_IGN))"
    code += "; print(*signal.pthread_sigmask(signal.SIG_BLOCK, ()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\\n") == [f"{signal.SIGPIPE:d} {signal.SIGXFSZ:d}", "", ""]

def test_this_process_can_be_interrupted():
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)

def test_it_lives_on_when_its_terminal_goes():
    signal.raise_signal(signal.SIGHUP)

@pytest.mark.parametrize("number", range(3))
def test_three_are_skipped_for_one_reason(number):
    pytest.skip("no anvil here")

def test_one_is_skipped_for_another():
    pytest.skip("too late\\nfor it")

def test_choices_repeat(chosen):
    print("chosen:", chosen.random())
"""


def suite(folder: Path, *options: str, **variables: str) -> list[str]:
    """The lines that a small suite ends with, started by a process that ignores signals and blocks others."""
    (folder / "test_small.py").write_text(SUITE)
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-c", "/dev/null", "--rootdir", str(folder)]

    def ignore() -> None:
        for number in IGNORED:
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGTERM})

    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", *options, str(folder)],
        capture_output=True, text=True, check=False, preexec_fn=ignore, cwd=HERE.parent, env={**os.environ, **variables},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return [line for line in done.stdout.splitlines() if line]


@pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["one process", "xdist"])
def test_signals_that_its_parent_ignores_are_heard_and_skips_are_counted_by_reason(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    *_, title, first, second, last = suite(tmp_path, *options)
    assert title.strip("= ") == "4 skipped"
    assert (first, second) == ("     3  no anvil here", "     1  too late for it")
    assert re.fullmatch(r"=* ?4 passed, 4 skipped in .*s ?=*", last)


def test_each_slow_test_has_its_day_and_a_quick_one_every_day(tmp_path: Path) -> None:
    (tmp_path / "test_more.py").write_text(
        "import pytest\n"
        "def test_quick(): pass\n"
        "@pytest.mark.parametrize('number', range(40))\n@pytest.mark.everything\n"
        "def test_slow(number): pass\n"
    )
    marker = ("-o", "markers=everything: slow")
    days = ["\n".join(suite(tmp_path, "-v", *marker, "--slice", f"{day}/3")) for day in (20786, 20787, 20788)]
    slow = [re.findall(r"::test_slow\[(\d+)\] PASSED", said) for said in days]
    assert sorted(int(number) for numbers in slow for number in numbers) == list(range(40))
    assert all(len(numbers) >= 8 for numbers in slow)
    assert all("::test_quick PASSED" in said for said in days)


def test_choices_are_the_same_where_the_seed_is(tmp_path: Path) -> None:
    said = [
        [line for line in suite(tmp_path, "-s", "-k", "choices", BUNDLER_TEST_SEED=seed) if "chosen:" in line]
        for seed in ("1", "1", "2")
    ]
    assert said[0] == said[1] != said[2]


def test_what_was_left_half_made_is_made_anew(tmp_path: Path) -> None:
    def half(folder: Path) -> None:
        (folder / "one").touch()
        pytest.skip("no linker")

    def whole(folder: Path) -> None:
        assert os.listdir(folder) == []
        (folder / "two").touch()

    def never(folder: Path) -> None:
        raise AssertionError("it is there")

    where = tmp_path / "deep/made"
    for _ in range(2):
        with pytest.raises(pytest.skip.Exception):
            kept.made_once(where, half)
        assert not where.exists()
    where.mkdir()
    (where / "of a killed run").touch()
    for make in (whole, never):
        assert os.listdir(kept.made_once(where, make)) == ["two"]


def test_what_could_not_be_fetched_is_not_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    tries = []

    def fetch(folder: Path) -> None:
        tries.append(folder)
        pytest.skip("the mirror does not answer")

    for _ in range(3):
        with pytest.raises(pytest.skip.Exception, match="the mirror does not answer"):
            kept.kept("something", fetch)
    assert len(tries) == 1


def test_every_program_that_a_test_looks_for_stands_in_the_table() -> None:
    """Others ask by `find` and `need`, which refuse a name that does not."""
    allowed = {"tests/material/programs.py", "tests/test_suite.py"}
    asked = {
        (os.path.relpath(path, HERE.parent), line.strip())
        for path in HERE.rglob("*.py")
        for line in path.read_text().splitlines()
        if "shutil.which(" in line and not re.search(r'which\("(sh|chroot)"\) or "', line)
    }
    assert {pair for pair in asked if pair[0] not in allowed} == {
        ("tests/material/environments.py", "found = beside if os.path.exists(beside) else shutil.which(name)")
    }
    with pytest.raises(LookupError, match="frobnicate"):
        programs.find("frobnicate")


def test_optional_programs_are_hidden_by_all_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = (
        "gcc",
        "gcc-12",
        "x86_64-linux-gnu-gcc-12",
        "ld.lld-14",
        "llvm-otool",
        "qemu-arm-static",
        "sh",
        "legcc",
        "tar",
    )
    for name in names:
        (tmp_path / "bin" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "bin" / name).touch(0o755)
    (tmp_path / "bin/data").touch(0o644)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin{os.pathsep}{tmp_path}/none")
    assert programs.find("gcc") == f"{tmp_path}/bin/gcc"
    assert programs.find("ld.lld") == f"{tmp_path}/bin/ld.lld-14"
    link_programs(str(tmp_path / "links"))
    assert sorted(os.listdir(tmp_path / "links")) == ["legcc", "sh", "tar"]
    monkeypatch.setenv("PATH", f"{tmp_path}/links")
    assert programs.find("gcc") is None
    with pytest.raises(pytest.skip.Exception, match=r"no ld\.lld here: apt-get install lld"):
        programs.need("ld.lld")


def test_the_packages_are_printed_by_any_python() -> None:
    done = subprocess.run([sys.executable, "-I", programs.__file__], capture_output=True, text=True, check=True)
    assert {"gcc", "libc6-dev", "lld", "runc"} <= {*done.stdout.split()}


def test_ziglang_s_linker_serves_where_the_system_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs.need("gcc")
    pytest.importorskip("ziglang", reason="needs ziglang (pip install --group dev)")
    folders = [folder for folder in os.environ["PATH"].split(os.pathsep) if os.path.isdir(folder)]
    (tmp_path / "bin").mkdir()
    for folder in folders:
        for name in os.listdir(folder):
            link = tmp_path / "bin" / name
            if "lld" not in name and not os.path.lexists(link):
                link.symlink_to(os.path.join(folder, name))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert programs.find("ld.lld") is None
    try:
        app = make_program(tmp_path, *LAYOUTS["lld"])
    except pytest.skip.Exception as skipped:
        pytest.fail(str(skipped))
    assert b"LLD " in app.read_bytes()
    assert run(app) == "1 5 1 0 7\n"
    with app.open("rb") as file:
        assert read_image(file).needed[0] == "libwhich.so"


def test_a_bare_root_has_libc_where_any_architecture_has_it() -> None:
    assert libc_folders("/usr/lib/aarch64-linux-gnu/libc.so.6", "/lib/ld-linux-aarch64.so.1") == (
        "/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/lib", "/usr/lib",
    )  # fmt: skip
    assert libc_folders("/usr/lib64/libc.so.6", "/lib64/ld-linux-x86-64.so.2") == ("/lib64", "/usr/lib64")


def test_the_python_that_is_packed_is_the_one_that_runs_the_tests() -> None:
    python = main_python()
    assert python.version == f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert os.path.samefile(python.prefix, sys.base_prefix)
    assert os.path.samefile(python.executable, os.path.join(sys.base_prefix, "bin", f"python{python.version}"))
    assert isinstance(python, Python) and python in every_python()


def test_facts_of_a_path_have_names(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    facts = snapshot(tmp_path)[str(tmp_path / "file")]
    known = (tmp_path / "file").stat()
    assert isinstance(facts, Facts)
    assert (facts.mode, facts.size, facts.inode) == (known.st_mode, 4, known.st_ino)
    assert (facts.modified, facts.changed, facts.links) == (known.st_mtime_ns, known.st_ctime_ns, 1)

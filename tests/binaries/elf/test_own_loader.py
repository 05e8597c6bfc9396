"""Programs with a loader of their own: started, moved, and without what they could fall back on."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bundler.binaries.elf import Edits
from tests.binaries.elf.patching import edit, image_of
from tests.material.isolation import namespace
from tests.material.own_libc import ABOUT, THROWS, compile_program, give_loader, libraries_of, start
from tests.material.programs import need

KINDS = {
    "pie": ("-pie", "-fPIE"),
    "fixed": ("-no-pie", "-fno-pie"),
    "packed": ("-pie", "-fPIE", "-Wl,-z,noseparate-code"),
    "lld": ("-pie", "-fPIE", "-fuse-ld=lld"),
    "lld fixed": ("-no-pie", "-fno-pie", "-fuse-ld=lld"),
}


@pytest.fixture(scope="module", params=KINDS)
def bundle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `bin/about` and its libraries."""
    folder = tmp_path_factory.mktemp("bundle") / "here"
    give_loader(compile_program(ABOUT, folder / "bin/about", *KINDS[request.param]))
    return folder


def expected(exe: object, name: object, bundle: Path, *words: str, env: dict[str, str] | None = None) -> list[str]:
    lines = [
        f"exe {exe}",
        f"name {name}",
        f"libc {bundle}/bin/../lib/libc.so.6",
        "thread 6 5",
        "constructed 1",
        "interpreter 1",
    ]
    return [
        *lines,
        "entry 1",
        "open 0",
        *(f"variable {key}={value}" for key, value in (env or {}).items()),
        *(f"word {word}" for word in words),
    ]


def lines_of(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert (done.returncode, done.stderr) == (42, "")
    return done.stdout.splitlines()


def failure(done: subprocess.CompletedProcess[str]) -> str:
    """The one line of a start that failed."""
    assert (done.returncode, done.stdout) == (127, "")
    (line,) = done.stderr.splitlines()
    return line


def test_starts_with_the_loader_and_libc_beside_it(bundle: Path) -> None:
    program = bundle / "bin/about"
    assert lines_of(start([program, "a b", ""])) == expected(program, program, bundle, "a b", "")
    env = {"LANG": "C", "X": ""}
    assert lines_of(start([program], env)) == expected(program, program, bundle, env=env)


def test_starts_after_a_move_under_a_long_odd_path(bundle: Path, tmp_path: Path) -> None:
    moved = tmp_path / 'it\'s a "long" päth $ORIGIN' / ("x" * 200) / "app"
    shutil.copytree(bundle, moved)
    program = moved / "bin/about"
    assert lines_of(start([program])) == expected(program, program, moved)


def test_starts_through_links_and_under_other_names(bundle: Path, tmp_path: Path) -> None:
    program = bundle / "bin/about"
    (tmp_path / "link").symlink_to(program)
    (tmp_path / "again").symlink_to("link")
    (tmp_path / "folder").symlink_to(bundle)
    assert lines_of(start([tmp_path / "again"])) == expected(program, tmp_path / "again", bundle)
    inside = tmp_path / "folder/bin/about"
    assert lines_of(start([inside])) == expected(program, inside, bundle)
    assert lines_of(start(["about"], {"PATH": f"{bundle}/bin"}, executable=str(program))) == expected(
        program, "about", bundle, env={"PATH": f"{bundle}/bin"}
    )
    assert lines_of(start(["-"], executable=str(program))) == expected(program, "-", bundle)
    assert lines_of(start(["./about"], cwd=bundle / "bin")) == expected(program, "./about", bundle)


def test_starts_in_a_folder_that_is_gone(bundle: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    program = bundle / "bin/about"
    done = start(["/bin/sh", "-c", 'cd "$1"; rmdir "$1"; exec "$2"', "sh", gone, program])
    lines = [line for line in lines_of(done) if "PWD=" not in line]
    assert lines == expected(program, program, bundle)


def test_starts_by_a_loader_that_is_told_to(bundle: Path) -> None:
    program = bundle / "bin/about"
    (own,) = (bundle / "lib").glob("ld*")
    for loader in (own, image_of(program).interpreter or ""):
        lines = lines_of(start([loader, program, "word"]))
        told = expected("", program, bundle, "word")
        assert (lines[1:5], lines[7:]) == (
            told[1:5],
            told[7:],
        )  # the loader has put nothing into the headers and the vector


def test_the_program_starts_others_with_the_libc_of_the_system(bundle: Path) -> None:
    done = start([bundle / "bin/about", "sh", "cat /proc/self/maps; env"], {"PATH": "/usr/bin:/bin"})
    assert done.returncode == 0 and str(bundle) not in done.stdout.replace(f"PWD={bundle}", "")
    assert "/libc" in done.stdout and "LD_" not in done.stdout


def in_root(bundle: Path, root: Path, command: str, *, proc: bool) -> subprocess.CompletedProcess[str]:
    """Run a command in a root that holds the bundle as /app, perhaps /proc, and nothing else."""
    shutil.copytree(bundle, root / "app")
    (root / "proc").mkdir()
    (root / "link").symlink_to("app/bin/about")
    (root / "chain").symlink_to("/link")
    (root / "folder").symlink_to("app")
    mount = 'mount --rbind /proc "$0/proc" &&' if proc else ""
    chroot = shutil.which("chroot") or "/usr/sbin/chroot"
    script = f'{mount} exec env -i {chroot} "$0" {command}'
    return subprocess.run([*namespace(), "sh", "-c", script, str(root)], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", ["/app/bin/about", "/link", "/chain", "/folder/bin/about", "folder/bin/about"])
def test_starts_in_a_root_that_holds_nothing_else(bundle: Path, tmp_path: Path, name: str) -> None:
    lines = lines_of(in_root(bundle, tmp_path, f"{name} a", proc=True))
    assert lines == expected("/app/bin/about", name, Path("/app"), "a")


@pytest.mark.parametrize("name", ["/app/bin/about", "/link", "/chain", "/folder/bin/about", "folder/bin/about"])
def test_starts_without_proc_and_leaves_no_variable(bundle: Path, tmp_path: Path, name: str) -> None:
    lines = lines_of(in_root(bundle, tmp_path, f"{name} a b", proc=False))
    assert lines[2].startswith("libc /") and lines[2].endswith("/bin/../lib/libc.so.6")
    assert lines[:2] + lines[3:] == [
        line for line in expected("unknown", name, Path("/app"), "a", "b") if "libc" not in line
    ]


def test_says_in_a_line_that_the_loader_is_not_there(bundle: Path, tmp_path: Path) -> None:
    moved = tmp_path / "app"
    shutil.copytree(bundle, moved)
    (loader,) = (moved / "lib").glob("ld*")
    for content, reason in (
        (b"", "no loader for this machine"),
        (b"#!/bin/sh\n" * 100, "no loader for this machine"),
        (loader.read_bytes()[:5000], "no loader for this machine"),
        (loader.read_bytes().replace(b"\x7fELF\x02", b"\x7fELF\x01", 1), "no loader for this machine"),
        (None, "not there"),
    ):
        loader.unlink()
        if content is not None:
            loader.write_bytes(content)
        line = failure(start([moved / "bin/about"]))
        assert line == f"{moved}/bin/about: cannot start with its loader {moved}/bin/../lib/{loader.name}: {reason}"
        if content is None:
            loader.symlink_to("somewhere")
            assert failure(start([moved / "bin/about"])) == line
            loader.unlink()
            loader.mkdir()
            assert "no loader for this machine" in failure(start([moved / "bin/about"]))


def test_says_in_a_line_that_memory_is_short(bundle: Path) -> None:
    program = bundle / "bin/about"
    seen = set()
    for kib in range(8, 700, 24):
        done = start(
            [program], preexec_fn=lambda limit=kib << 10: resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        )
        if done.returncode == 127 and "cannot start with its loader" in done.stderr:
            assert failure(done).endswith(": not enough memory")
            seen.add(failure(done).split(": ")[1])
    assert seen


def test_says_in_a_line_that_a_path_is_too_long(bundle: Path, tmp_path: Path) -> None:
    program = tmp_path / "app/bin/about"
    shutil.copytree(bundle, tmp_path / "app")
    edit(program, Edits(own_loader="x/" * 2040 + "l"))
    assert failure(start([program])).endswith(": path too long")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to make a program setuid")
def test_refuses_more_rights_than_its_user_has(bundle: Path, tmp_path: Path) -> None:
    folder = Path(tmp_path / "app")
    shutil.copytree(bundle, folder)
    program = folder / "bin/about"
    for each in [folder, *folder.parents]:
        if each.stat().st_mode & 0o5 != 0o5 and each != Path("/"):
            each.chmod(each.stat().st_mode | 0o5)
    program.chmod(0o4755)
    assert lines_of(start([program]))
    done = start([need("setpriv"), "--reuid=1234", "--regid=1234", "--clear-groups", program])
    if done.returncode == 42:
        pytest.skip("setuid programs have no effect in this file system")
    assert "setuid" in failure(done) and str(program) in failure(done)


def test_starts_where_no_memory_may_become_code(bundle: Path) -> None:
    """As systemd's MemoryDenyWriteExecute= has it: nothing that was written may be run, nothing that runs be written."""
    deny = (
        "import ctypes, os, sys; libc = ctypes.CDLL(None);"
        "libc.prctl(65, 1, 0, 0, 0) == 0 or sys.exit(77); os.execve(sys.argv[1], sys.argv[1:], {})"  # PR_SET_MDWE
    )
    done = start([sys.executable, "-c", deny, bundle / "bin/about"])
    if done.returncode == 77:
        pytest.skip("needs PR_SET_MDWE (Linux 6.3)")
    assert lines_of(done) == expected(bundle / "bin/about", bundle / "bin/about", bundle)


def test_gdb_stops_in_the_program_and_knows_its_libraries(bundle: Path) -> None:
    gdb = need("gdb")
    words = [
        "set debuginfod enabled off",
        "break main",
        "run",
        "backtrace",
        "info sharedlibrary",
        "delete",
        "continue",
    ]
    done = start(
        [gdb, "-nx", "-batch", *(word for each in words for word in ("-ex", each)), bundle / "bin/about"], {"HOME": "/"}
    )
    if "ptrace" in done.stderr:
        pytest.skip("ptrace is not allowed here")
    assert "#0  main (" in done.stdout and "about.c:" in done.stdout, done.stdout + done.stderr
    assert f"{bundle}/bin/../lib/libc.so.6" in done.stdout and f"{bundle}/bin/../lib/ld" in done.stdout
    assert "exited with code 052" in done.stdout


def test_gdb_reads_a_core_dump(bundle: Path, tmp_path: Path) -> None:
    gdb = need("gdb")
    command = [
        gdb,
        "-nx",
        "-batch",
        "-ex",
        "set debuginfod enabled off",
        "-ex",
        "run abort",
        "-ex",
        f"gcore {tmp_path}/core",
    ]
    made = start([*command, bundle / "bin/about"], {"HOME": "/"})
    if not (tmp_path / "core").exists():
        pytest.skip(f"gdb cannot write a core dump here: {made.stderr[-200:]}")
    done = start([gdb, "-nx", "-batch", "-ex", "backtrace", bundle / "bin/about", tmp_path / "core"], {"HOME": "/"})
    assert "in main (" in done.stdout and "abort" in done.stdout, done.stdout + done.stderr


def test_exceptions_unwind_and_threads_have_their_own(tmp_path: Path) -> None:
    program = compile_program(THROWS, tmp_path / "bin/throws", cxx=True)
    before = start([program])
    give_loader(program)
    done = start([program])
    assert (done.returncode, done.stdout) == (before.returncode, before.stdout)
    assert done.stdout.splitlines() == ["unwound"] * 3 + ["thrown in a thread", "unwound", "thrown in first"]


def pythons() -> list[str]:
    return list(
        dict.fromkeys(os.path.realpath(path) for path in (sys.executable, "/usr/bin/python3") if os.path.exists(path))
    )


QUESTIONS = """
import sys, os, subprocess, threading, ctypes, math, ssl, sqlite3, multiprocessing
program, lib = sys.argv[1], os.path.dirname(os.path.dirname(sys.argv[1])) + "/lib/"
print(os.readlink("/proc/self/exe") == os.path.realpath(sys.executable) == program)
family = [line.split()[-1] for line in open("/proc/self/maps") if any(name in line for name in ("/libc.so", "/ld-"))]
print(sorted(path for path in set(family) if not path.startswith(lib)))
print(subprocess.run([sys.executable, "-S", "-c", "print(3)"], capture_output=True, text=True).stdout)
print(subprocess.run(["/bin/true"]).returncode, "LD_ORIGIN_PATH" in os.environ)
"""


@pytest.mark.parametrize("python", pythons())
def test_an_interpreter_knows_itself_and_what_it_starts(python: str, tmp_path: Path) -> None:
    program = tmp_path / "bin/python"
    program.parent.mkdir()
    shutil.copy(python, program)
    give_loader(program, libraries_of(Path(python)))
    home = start([python, "-c", "import sys; print(sys.base_prefix)"]).stdout.strip()
    done = start([program, "-c", QUESTIONS, program], {"PYTHONHOME": home})
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ["True", "[]", "3", "0", "False"], "")

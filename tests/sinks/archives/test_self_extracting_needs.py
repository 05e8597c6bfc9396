"""Self-extracting files on machines that do not fit: what is wrong is told in one line, before anything is unpacked."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bundler.entries import Deferred, Entry, Layer, Literal
from bundler.output_facts import ArchiveFacts, TargetNeeds
from tests.material.programs import need
from tests.sinks.archives.test_self_extracting import SHELLS
from tests.sinks.samples import entry, manifest, open_sink, sample

HERE = os.uname()
GLIBC = TargetNeeds(HERE.sysname, (HERE.machine,), (), "glibc", "2.17")
MUSL = TargetNeeds(HERE.sysname, (HERE.machine,), (), "musl", "")

Call = Callable[..., subprocess.CompletedProcess[str]]


def run_file(folder: Path, needs: TargetNeeds, entries: list[Entry]) -> Path:
    with open_sink("run", folder / "a.run", facts=ArchiveFacts(0, 0, needs, "bin/run")) as sink:
        for item in entries:
            sink.add(item)
        sink.finish()
        return Path(sink.place())


def small(tmp_path: Path) -> list[Entry]:
    started = entry("bin/run", Literal(b'#!/bin/sh\necho started "$@"\n'), 0o755)
    told = entry("bundle.json", Deferred(manifest), layer=Layer.APPLICATION)
    return [*(item for item in sample(tmp_path) if item.path == "bin"), started, told]


def caller(shell: str, path: Path) -> Call:
    """How to call a file under a shell, with programs in front of the system's and without the tests' own HOME."""
    words = shell.split()
    need(words[0])

    def call(*arguments: str | Path, tools: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
        places = os.environ["PATH"] if tools is None else f"{tools}:{os.environ['PATH']}"
        command = [*words, str(path), *map(str, arguments)]
        environ = {"PATH": places, **variables}
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=path.parent, env=environ)

    return call


def tool(folder: Path, name: str, text: str, status: int = 0) -> None:
    """A program that says `text` and ends with `status`."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\ncat <<'END'\n{text}\nEND\nexit {status}\n")
    path.chmod(0o755)


def _skip_where_programs_are_built_in(shell: str) -> None:
    if shell.startswith("busybox"):
        pytest.skip("busybox prefers its own uname and df to those on PATH")


MUSL_LDD = "musl libc (x86_64)\nVersion 1.2.5\nDynamic Program Loader"
DEBIAN_LDD = "ldd (Debian GLIBC 2.19-18+deb8u10) 2.19\nCopyright (C) 2014"
NO_TOOL = "unknown variable"


@pytest.mark.parametrize(
    ("needs", "getconf", "ldd", "told"),
    [
        (TargetNeeds("Plan9", GLIBC.machines), "", "", "is for Plan9, and this is Linux"),
        (TargetNeeds("Linux", ("pdp11",)), "", "", f"is for pdp11, and this machine is {HERE.machine}"),
        (TargetNeeds("Linux", ("pdp11",), (HERE.machine,), "glibc"), "glibc 2.36", "", None),
        (GLIBC, "glibc 2.16", "", "needs glibc 2.17 or later, and this system has glibc 2.16"),
        (GLIBC, "glibc 2.17", "", None),
        (GLIBC, "glibc 2.100", "", None),
        (GLIBC, "glibc 3.1", "", None),
        (GLIBC, "glibc 1.99", "", "glibc 1.99"),
        (TargetNeeds("Linux", GLIBC.machines, (), "glibc", "2.34"), NO_TOOL, DEBIAN_LDD, "glibc 2.19"),
        (GLIBC, NO_TOOL, DEBIAN_LDD, None),
        (GLIBC, NO_TOOL, "ldd (GNU libc) 2.12", "glibc 2.12"),
        (GLIBC, NO_TOOL, MUSL_LDD, "needs glibc 2.17, and this system has musl"),
        (MUSL, "glibc 2.36", "", "needs musl, and this system has glibc 2.36"),
        (MUSL, NO_TOOL, MUSL_LDD, None),
    ],
)
@pytest.mark.parametrize("shell", SHELLS)
def test_a_machine_that_does_not_fit_is_told_before_anything_is_unpacked(
    tmp_path: Path, shell: str, needs: TargetNeeds, getconf: str, ldd: str, told: str | None
) -> None:
    call = caller(shell, run_file(tmp_path, needs, small(tmp_path)))
    tools = tmp_path / "tools"
    tool(tools, "getconf", getconf, status=int(getconf == NO_TOOL))
    tool(tools, "ldd", ldd, status=int(ldd == MUSL_LDD))
    done = call("--target", tmp_path / "out", tools=tools)
    if told is None:
        assert (done.returncode, done.stderr) == (0, "")
        return
    assert done.returncode == 1
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()
    assert call("--target", tmp_path / "out", "--start", tools=tools).returncode == 1
    started = call("--ignore-requirements", "--target", tmp_path / "out", "--start", "x", tools=tools)
    assert (started.returncode, started.stdout, started.stderr) == (0, "started x\n", "")


@pytest.mark.parametrize("shell", SHELLS)
def test_a_release_of_macos_is_asked_for(tmp_path: Path, shell: str) -> None:
    _skip_where_programs_are_built_in(shell)
    needs = TargetNeeds("Darwin", ("x86_64",), ("arm64",), "", "13.3")
    call = caller(shell, run_file(tmp_path, needs, small(tmp_path)))
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "uname").write_text("#!/bin/sh\n[ $1 = -s ] && echo Darwin || echo arm64\n")
    (tools / "uname").chmod(0o755)
    for release, status in (("13.2.1", 1), ("12", 1), ("13.3", 0), ("26.0", 0)):
        tool(tools, "sw_vers", release)
        done = call("--target", tmp_path / "out", "--force", tools=tools)
        assert done.returncode == status, (release, done.stderr)
        assert (f"needs macOS 13.3 or later, and this is {release}" in done.stderr) is bool(status)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_misspelled_option_is_told_with_the_right_ones(tmp_path: Path, shell: str) -> None:
    call = caller(shell, run_file(tmp_path, GLIBC, small(tmp_path)))
    for word, told in (
        ("--tagret=x", "no option --tagret=x; the options are --target DIR, --force"),
        ("--Force", "--Force"),
        ("--target=", "no option --target="),
        ("/opt/app", "named by --target DIR"),
        ("", "named by --target DIR"),
    ):
        done = call(word)
        assert (done.returncode, done.stdout) == (2, "")
        assert told in done.stderr
    assert sorted(os.listdir(tmp_path)) == ["a.run", "big"]


@pytest.fixture
def folder_for_others(tmp_path: Path) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("home", [None, "", "/proc", "/proc/nobody"])
def test_starts_without_a_home(tmp_path: Path, folder_for_others: Path, shell: str, home: str | None) -> None:
    call = caller(shell, run_file(tmp_path, GLIBC, small(tmp_path)))
    variables = {"TMPDIR": str(folder_for_others)} | ({"HOME": home} if home is not None else {})
    for _ in range(2):
        done = call("--start", "a b", **variables)
        assert (done.returncode, done.stdout, done.stderr) == (0, "started a b\n", "")
    (own,) = folder_for_others.iterdir()
    assert own.stat().st_mode & 0o777 == 0o700
    assert len(os.listdir(own)) == 1
    own.chmod(0o770)
    done = call("--start", **variables)
    assert done.returncode == 1
    assert "is not this user's alone" in done.stderr


@pytest.mark.parametrize("shell", SHELLS)
def test_starts_nothing_that_another_user_put_there(tmp_path: Path, folder_for_others: Path, shell: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to make another user's folder")
    call = caller(shell, run_file(tmp_path, GLIBC, small(tmp_path)))
    theirs = folder_for_others / f"app-{os.geteuid()}"
    theirs.mkdir(mode=0o700)
    os.chown(theirs, 65534, 65534)
    assert "is not this user's alone" in call("--start", TMPDIR=str(folder_for_others)).stderr
    theirs.rename(tmp_path / "elsewhere")
    theirs.symlink_to(tmp_path)
    assert "is not this user's alone" in call("--start", TMPDIR=str(folder_for_others)).stderr


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a small file system")
    disk = tmp_path / "sm all"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "a name", disk], check=True)
    yield disk
    subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_disk_that_is_too_small_is_one_line(tmp_path: Path, small_disk: Path, shell: str) -> None:
    many = [entry(f"{number}", Literal(b"x" * 9000)) for number in range(1000)]
    call = caller(shell, run_file(tmp_path, GLIBC, [*small(tmp_path), *many]))
    done = call("--target", small_disk / "app")
    assert done.returncode == 1
    assert done.stderr.endswith(
        f"{small_disk} has too little space: the bundle needs 9 MiB, and 4 MiB are free"
        " (--ignore-requirements unpacks all the same)\n"
    )
    assert len(done.stderr.splitlines()) == 1
    assert os.listdir(small_disk) == []


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("how", ["df says nothing", "unasked"])
def test_a_disk_that_fills_up_is_one_line(tmp_path: Path, small_disk: Path, shell: str, how: str) -> None:
    many = [entry(f"{number}", Literal(b"x" * 9000)) for number in range(1000)]
    call = caller(shell, run_file(tmp_path, GLIBC, [*small(tmp_path), *many]))
    if how == "unasked":
        done = call("--target", small_disk / "app", "--ignore-requirements")
    else:
        _skip_where_programs_are_built_in(shell)
        tools = tmp_path / "tools"
        tool(tools, "df", "df: no such thing", status=1)
        done = call("--target", small_disk / "app", tools=tools)
    assert done.returncode == 1
    assert f"cannot be unpacked into {small_disk}, where it needs 9 MiB: " in done.stderr
    assert "No space left on device" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert os.listdir(small_disk) == []


@pytest.mark.parametrize("shell", SHELLS)
def test_a_warning_of_tar_is_no_failure_and_a_failure_needs_no_words(tmp_path: Path, shell: str) -> None:
    _skip_where_programs_are_built_in(shell)
    call = caller(shell, run_file(tmp_path, GLIBC, small(tmp_path)))
    tools = tmp_path / "tools"
    tools.mkdir()
    tar = tools / "tar"
    real = need("tar")
    for text, status, said in (
        (f'echo "tar: a time in the future" >&2; echo more >&2; exec {real} "$@"', 0, "tar: a time in the future\n"),
        (f'{real} "$@"; exit 2', 1, f"cannot be unpacked into {tmp_path}, where it needs 1 MiB: tar failed\n"),
    ):
        tar.write_text(f"#!/bin/sh\n{text}\n")
        tar.chmod(0o755)
        done = call("--target", tmp_path / "out", "--force", tools=tools)
        assert (done.returncode, len(done.stderr.splitlines())) == (status, 1), done.stderr
        assert done.stderr.endswith(said)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_it_unpacks_leaves_nothing(tmp_path: Path, shell: str, number: signal.Signals) -> None:
    _skip_where_programs_are_built_in(shell)
    need(shell.split(maxsplit=1)[0])
    path = run_file(tmp_path, GLIBC, small(tmp_path))
    tools = tmp_path / "tools"
    tools.mkdir()
    os.mkfifo(tools / "begun")
    (tools / "tar").write_text(f"#!/bin/sh\necho > '{tools}/begun'\nexec sleep 60\n")
    (tools / "tar").chmod(0o755)
    environ = {"PATH": f"{tools}:{os.environ['PATH']}"}
    command = [*shell.split(), str(path), "--target", str(tmp_path / "out/app")]
    with subprocess.Popen(command, env=environ, start_new_session=True) as running:
        (tools / "begun").read_text()
        os.killpg(running.pid, number)
        assert running.wait() == 128 + number
    assert os.listdir(tmp_path / "out") == []

"""The launchers: real ones, which start a program of the test's; those of other machines under qemu."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bundler.binaries.elf.launchers import (
    HEAD_SIZE,
    ReadLauncher,
    Word,
    WordKind,
    launcher_for,
    launcher_machines,
    read_launcher,
)
from bundler.errors import BinaryFormatError
from bundler.platforms import this_platform
from tests.material.entry_stubs import build_launcher
from tests.material.isolation import namespace
from tests.material.programs import need

PROGRAM = Word(WordKind.PATH, "../lib/tell")
WORDS = (PROGRAM, Word(WordKind.CALLED, "-X="), Word(WordKind.TEXT, "-E"), Word(WordKind.PATH, "../../é/a text"))
TELL = """#!/bin/sh
for word in "$0" "$@"; do printf '%s\\n' "$word"; done
printf '%s\\n' "home=$PYTHONHOME$PYTHONPLATLIBDIR$PYTHONEXECUTABLE$__PYVENV_LAUNCHER__" "more=$PYTHONHOMES" "path=$PYTHONPATH"
"""


@dataclass(frozen=True)
class Installed:
    """A launcher at `top/app/bin/app`, and the program that it starts."""

    top: Path
    prefix: tuple[str, ...]
    """The emulator's command, where it needs one."""

    @property
    def path(self) -> Path:
        return self.top / "app/bin/app"

    def run(
        self, path: str | Path, *arguments: str, env: Mapping[str, str] | None = None, cwd: str | Path = "/"
    ) -> subprocess.CompletedProcess[str]:
        words = [*self.prefix, path, *arguments]
        return subprocess.run(words, capture_output=True, text=True, check=False, env=env or {}, cwd=cwd)


def here() -> str:
    platform = this_platform()
    return platform.machines[0].name if platform else ""


def install(top: Path, machine: str, words: Sequence[Word] = WORDS) -> Installed:
    launcher = launcher_for(machine)
    assert launcher is not None
    prefix = () if machine == here() else (need(f"qemu-{machine}-static"),)
    for folder in ("app/bin", "app/lib"):
        (top / folder).mkdir(parents=True)
    for path, data in (("app/bin/app", launcher.program(words)), ("app/lib/tell", TELL.encode())):
        (top / path).write_bytes(data)
        (top / path).chmod(0o755)
    return Installed(top, prefix)


@pytest.fixture(
    params=[pytest.param(name, marks=() if name == here() else pytest.mark.everything) for name in launcher_machines()]
)
def installed(request: pytest.FixtureRequest, tmp_path: Path) -> Installed:
    return install(tmp_path / "some é where", request.param)


def told(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_it_starts_its_program_with_its_words_in_front_of_its_users(installed: Installed) -> None:
    top = installed.top
    words = told(installed.run(installed.path, "a b", "", "*"))[:-3]
    assert words == [f"{top}/app/lib/tell", f"-X={installed.path}", "-E", f"{top}/é/a text", "a b", "", "*"]


def test_links_count_as_what_they_lead_to_and_the_call_is_told_as_it_was(installed: Installed, tmp_path: Path) -> None:
    (tmp_path / "links").mkdir()
    (tmp_path / "links/one").symlink_to("two")
    (tmp_path / "links/two").symlink_to(installed.path)
    (tmp_path / "tree").symlink_to(installed.top / "app")
    for call, cwd in (
        ("./one", "links"),
        ("links/one", "."),
        (f"{tmp_path}/tree/bin/app", "/"),
        ("../bin/app", "tree/bin"),
    ):
        words = told(installed.run(call, cwd=tmp_path / cwd))
        assert words[:2] == [f"{installed.top}/app/lib/tell", f"-X={call}"]


def test_variables_that_tell_python_where_its_parts_are_go_and_others_stay(installed: Installed) -> None:
    names = ("PYTHONHOME", "PYTHONPLATLIBDIR", "PYTHONEXECUTABLE", "__PYVENV_LAUNCHER__")
    variables = dict.fromkeys(names, "/x") | {"PYTHONHOMES": "kept", "PYTHONPATH": "also"}
    assert told(installed.run(installed.path, env=variables))[-3:] == ["home=", "more=kept", "path=also"]


def test_without_proc_it_is_found_by_the_name_that_it_was_called_by(tmp_path: Path) -> None:
    installed = install(tmp_path / "app é", here())
    (tmp_path / "link").symlink_to("app é/app/bin/app")
    for call, cwd in (
        (str(installed.path), "/"),
        ("./link", tmp_path),
        ("app", installed.path.parent),
        ("bin/app", installed.path.parents[1]),
    ):
        # A shell would put the folder in front of a bare name: `env` gives it to the kernel as it stands in PATH.
        script = (
            f'mount -t tmpfs none /proc && cd "$0" && exec env -i "PATH={"" if call == "app" else "/nowhere"}" "$@"'
        )
        command = [*namespace(), "sh", "-c", script, str(cwd), call, "x"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        program, called, *_ = done.stdout.splitlines()
        assert os.path.realpath(program) == str(installed.top / "app/lib/tell")
        assert called == f"-X={call if '/' in call else './' + call}"


def test_another_name_for_the_process_changes_nothing(tmp_path: Path) -> None:
    installed = install(tmp_path, here())
    done = subprocess.run(["other name", "x"], executable=installed.path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[:2] == [str(tmp_path / "app/lib/tell"), f"-X={installed.path}"]


def test_what_goes_wrong_is_one_line_and_status_127(installed: Installed) -> None:
    program = installed.top / "app/lib/tell"

    def said(*arguments: str) -> str:
        done = installed.run(installed.path, *arguments)
        assert (done.returncode, done.stdout) == (127, "")
        (line,) = done.stderr.splitlines()
        begin = f"{installed.path}: cannot start {program}: "
        assert line.startswith(begin)
        return line.removeprefix(begin)

    program.chmod(0o644)
    assert said() == "it may not be run"
    program.write_text("\0")
    program.chmod(0o755)
    assert said() == "it cannot be run"
    program.write_text("#!/no/such/interpreter\n")
    assert said() == "it, or the loader that it names, is not there"
    program.unlink()
    assert said() == "it, or the loader that it names, is not there"
    shutil.rmtree(program.parent)
    program.parent.write_text("")
    assert said() == "it, or the loader that it names, is not there"


def test_arguments_that_fill_all_room_are_too_long_for_the_words_that_come_before_them(tmp_path: Path) -> None:
    installed = install(tmp_path, here())

    def fits(size: int, program: Path) -> bool:
        arguments = ["x" * 1000] * (size // 1009)
        try:
            done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False, env={})
        except OSError:
            return False
        if done.returncode == 127:
            assert done.stderr.endswith(": its arguments and environment are too long\n")
        return done.returncode == 0

    limit = os.sysconf("SC_ARG_MAX")
    assert fits(limit // 2, installed.path)
    command = installed.path.with_name("long")
    word = Word(WordKind.TEXT, "x" * 8000)
    launcher = launcher_for(here())
    assert launcher is not None
    command.write_bytes(launcher.program((PROGRAM, word)))
    command.chmod(0o755)
    low, high = 0, limit  # the launcher itself is started with as much as there is room for
    true = Path(need("true"))
    while high - low > 2000:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle, true) else (low, middle)
    assert not fits(low, command)


def test_a_launcher_with_more_rights_than_its_user_is_refused(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to make a program of its own that others run with its rights")
    installed = install(tmp_path, here())
    installed.path.chmod(0o4755)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == 0 and str(folder).startswith(str(tmp_path.parents[1])):
            folder.chmod(0o755)
    done = subprocess.run(
        [need("setpriv"), "--reuid=65534", "--clear-groups", installed.path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (127, "")
    assert done.stderr.endswith(": refused: it would have more rights than its user (setuid)\n")


def test_a_signal_reaches_the_program_and_its_end_is_the_launcher_s(tmp_path: Path) -> None:
    installed = install(tmp_path, here())
    program = installed.top / "app/lib/tell"
    waits = "import os, signal\nsignal.signal(signal.SIGTERM, lambda *_: os._exit(5))\nprint('ready', flush=True)\nsignal.pause()\n"
    program.write_text(f"#!{sys.executable}\n{waits}")
    with subprocess.Popen([installed.path], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 5
    program.write_text("#!/bin/sh\nkill -KILL $$\n")
    assert subprocess.run([installed.path], check=False).returncode == -signal.SIGKILL


texts = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=40)
some_words = st.lists(st.builds(Word, st.sampled_from(WordKind), texts), min_size=1, max_size=8)


@given(some_words, st.sampled_from(launcher_machines()), st.binary(max_size=64))
@example([Word(WordKind.TEXT)], "x86_64", b"")
def test_what_was_put_in_is_read_again_whatever_follows(words: list[Word], machine: str, more: bytes) -> None:
    launcher = launcher_for(machine)
    assert launcher is not None
    data = launcher.program(words) + more
    assert read_launcher(data[:HEAD_SIZE]) == ReadLauncher(tuple(words), is_whole=True)


@given(st.integers(0, 4000), st.integers(0, 255))
def test_a_changed_byte_is_not_taken_for_the_launcher_that_it_was(place: int, value: int) -> None:
    launcher = launcher_for("x86_64")
    assert launcher is not None
    whole = launcher.program(WORDS)
    data = bytearray(whole)
    data[place % len(data)] = value
    try:
        found = read_launcher(bytes(data))
    except BinaryFormatError:
        found = None
    assert bytes(data) == whole or found is None or found.words != WORDS or not found.is_whole


def test_words_that_no_launcher_holds_are_refused() -> None:
    launcher = launcher_for("x86_64")
    assert launcher is not None
    with pytest.raises(BinaryFormatError, match="cannot hold 20002 bytes"):
        launcher.program((Word(WordKind.TEXT, "x" * 20000),))


@pytest.mark.parametrize("machine", launcher_machines())
def test_what_is_committed_is_what_the_source_gives(machine: str) -> None:
    pytest.importorskip("ziglang", reason="needs the compiler: pip install ziglang, in the version of pyproject.toml")
    launcher = launcher_for(machine)
    assert launcher is not None
    assert build_launcher(machine) == launcher.code

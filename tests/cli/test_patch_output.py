"""`bundler patch`: what becomes of the file, what is printed, and what is refused."""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from tests.binaries.elf.programs import compile_c, run
from tests.cli.patched_program import FIRST, LONG, SECOND, bundler, patch, refused, state, tags
from tests.material.programs import need

# Printing


def test_facts_are_printed_a_line_each(folder: Path) -> None:
    app, library = folder / "app", folder / "one/libwhich.so"
    assert patch("--print-rpath", app) == "$ORIGIN/one\n"
    assert patch("--print-soname", library) == "libwhich.so\n"
    assert patch("--print-needed", app).split() == tags(app)["needed"]
    with app.open("rb") as file:
        section = ELFFile(file).get_section_by_name(".interp")
        assert section is not None
        assert patch("--print-interpreter", app).encode() == section.data().rstrip(b"\0") + b"\n"
    assert patch("--print-soname", app, library) == f"{app}: \n{library}: libwhich.so\n"


def test_a_program_is_told_from_a_library_by_its_interpreter(folder: Path) -> None:
    app, library = folder / "app", folder / "one/libwhich.so"
    message = refused("--print-interpreter", "--print-soname", app, library)
    assert f"{library}: the file names no interpreter" in message
    assert f"{app}:" not in message
    found = json.loads(patch("--print-interpreter", "--json", library))  # a value of its own says so there
    assert found["files"] == [{"path": str(library), "interpreter": None}]


def test_facts_are_printed_as_json(folder: Path) -> None:
    app = folder / "app"
    found = json.loads(patch("--print-rpath", "--print-needed", "--print-soname", "--json", app))
    expected = {"path": str(app), "rpath": "$ORIGIN/one", "needed": tags(app)["needed"], "soname": None}
    assert found == {"changed": False, "files": [expected]}


# What is written


def test_many_files_are_shared_among_processes_and_told_in_their_order(folder: Path) -> None:
    library = (folder / "one/libwhich.so").read_bytes()
    paths = [folder / f"{number}.so" for number in range(120)]
    for path in paths:
        path.write_bytes(library)
    told = json.loads(patch("--set-rpath", LONG, "-j", "2", "--json", *paths))
    assert [each["path"] for each in told["files"]] == list(map(str, paths))
    assert {path.read_bytes() for path in paths} == {paths[0].read_bytes()}
    assert patch("--print-rpath", paths[-1]) == f"{LONG}\n"


def test_a_changed_file_is_a_new_one_with_the_attributes_of_the_old(folder: Path) -> None:
    app = folder / "app"
    if os.geteuid() == 0:
        os.chown(app, 1234, 4321)
    app.chmod(0o6751)
    try:
        os.setxattr(app, "user.bundler.test", b"kept")
    except OSError as error:
        pytest.skip(f"the file system of {folder} has no extended attributes ({error.strerror}); set TMPDIR")
    os.utime(app, ns=(1_000_000_000_123_456_789, 1_100_000_000_987_654_321))
    before, names = app.stat(), sorted(os.listdir(folder))
    patch("--set-rpath", LONG, app)
    after = app.stat()
    assert after.st_ino != before.st_ino
    for fact in ("st_mode", "st_uid", "st_gid", "st_mtime_ns", "st_nlink"):
        assert getattr(after, fact) == getattr(before, fact), fact
    assert stat.S_IMODE(after.st_mode) == 0o6751
    assert os.getxattr(app, "user.bundler.test") == b"kept"
    assert sorted(os.listdir(folder)) == names


@pytest.mark.parametrize("path", ["/x", LONG], ids=["in place", "with growth"])
def test_a_hard_link_into_a_cache_is_broken_and_never_written_through(folder: Path, path: str) -> None:
    app, cached = folder / "app", folder / "cached"
    cached.hardlink_to(app)
    before = app.read_bytes()
    patch("--set-rpath", path, app)
    assert cached.read_bytes() == before
    assert app.read_bytes() != before
    assert (app.stat().st_nlink, cached.stat().st_nlink) == (1, 1)


def test_a_symlink_stays_and_its_target_is_replaced(folder: Path) -> None:
    app, link = folder / "app", folder / "two/link"
    link.symlink_to("../app")
    patch("--set-rpath", "$ORIGIN/two/libs", link)
    assert os.readlink(link) == "../app"
    assert run(app) == SECOND


@pytest.mark.parametrize("path", ["/x", LONG], ids=["in place", "with growth"])
def test_overwrite_changes_the_file_itself(folder: Path, path: str) -> None:
    app, other = folder / "app", folder / "other"
    shutil.copy2(app, other)
    before = app.stat()
    patch("--set-rpath", path, "--overwrite", app)
    patch("--set-rpath", path, other)
    after = app.stat()
    assert (after.st_ino, after.st_mode, after.st_mtime_ns) == (before.st_ino, before.st_mode, before.st_mtime_ns)
    assert app.read_bytes() == other.read_bytes()
    assert tags(app)["rpath"] == [path]


def test_overwrite_refuses_a_file_with_more_than_one_link(folder: Path) -> None:
    app, cached = folder / "app", folder / "cached"
    cached.hardlink_to(app)
    before = state(app)
    assert "2 hard links" in refused("--set-rpath", "/x", "--overwrite", app)
    assert state(app) == before


def test_overwrite_of_several_files_is_refused_before_the_first_is_changed(folder: Path) -> None:
    app, library, cached = folder / "app", folder / "one/libwhich.so", folder / "cached"
    cached.hardlink_to(library)
    before = state(app)
    assert str(library) in refused("--set-rpath", "/x", "--overwrite", app, library)
    assert state(app) == before


@pytest.mark.parametrize("mode", [[], ["--overwrite"]])
def test_nothing_to_do_changes_nothing(folder: Path, mode: list[str]) -> None:
    app = folder / "app"
    before = state(app)
    words: list[str | Path] = ["--runpath", "--set-rpath", "$ORIGIN/one", "--remove-needed", "libnone.so", *mode, app]
    assert "nothing to change" in bundler(*words).stderr
    assert json.loads(patch("--json", *words)) == {"changed": False, "files": [{"path": str(app), "method": None}]}
    assert state(app) == before


def test_output_leaves_the_file_alone(folder: Path) -> None:
    app, new = folder / "app", folder / "new"
    before = state(app)
    patch("--set-rpath", "$ORIGIN/two/libs", "--output", new, app)
    assert state(app) == before
    assert run(new) == SECOND
    assert new.stat().st_mode == app.stat().st_mode


def test_output_is_written_even_when_nothing_changes(folder: Path) -> None:
    app, new = folder / "app", folder / "new"
    patch("--remove-needed", "libnone.so", "--output", new, app)
    assert new.read_bytes() == app.read_bytes()
    assert run(new) == FIRST


# Saying what would be done


def test_dry_run_explains_the_layout(folder: Path) -> None:
    app = folder / "app"
    before = state(app)
    short = patch("--set-rpath", "/x", "--dry-run", app)
    assert short.startswith(f"{app}: T0 (in place): ")
    lines = patch("--set-rpath", LONG * 100, "--dry-run", app).splitlines()
    assert lines[0].startswith(f"{app}: T2 (behind the last segment's zeros): ")
    assert [line.split(":")[0] for line in lines[1:]] == ["  not T0", "  not T1"]
    assert state(app) == before


def test_json_gives_the_same_before_and_after(folder: Path) -> None:
    app = folder / "app"
    size = app.stat().st_size
    words: list[str | Path] = ["--set-rpath", LONG * 100, "--json", app]
    planned, done = json.loads(patch("--dry-run", *words)), json.loads(patch(*words))
    assert planned.pop("changed") is False
    assert done.pop("changed") is True
    assert planned == done
    (file,) = done["files"]
    assert file["method"].startswith("T2")
    assert file["size"] == app.stat().st_size
    assert file["growth"] == app.stat().st_size - size > 0


def test_messages_go_to_standard_error_and_quiet_says_none(folder: Path) -> None:
    app = folder / "app"
    loud = bundler("--set-rpath", "/x", app)
    assert (loud.stdout, "in place" in loud.stderr) == ("", True)
    quiet = bundler("-q", "--set-rpath", "/y", app)
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")


@pytest.mark.parametrize("words", [[], ["--set-rpath", LONG]], ids=["a copy", "a patched file"])
def test_output_into_a_pipe_or_a_device_is_written_there(folder: Path, words: list[str]) -> None:
    app, pipe, new = folder / "app", folder / "pipe", folder / "new"
    words = words or ["--remove-needed", "libnone.so"]
    patch(*words, "--output", new, app)
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)  # a pipe holds more than this file
    try:
        patch(*words, "--output", pipe, app)
        assert os.read(reader, 1 << 20) == new.read_bytes()
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.lstat().st_mode)
    command = [sys.executable, "-m", "bundler", "patch", *words, "--output", "/dev/stdout", str(app)]
    assert subprocess.run(command, capture_output=True, check=True).stdout == new.read_bytes()


def test_a_device_stays_a_device(folder: Path) -> None:
    device = folder / "null"
    try:
        os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        device.write_bytes(b"can be written")
    except PermissionError as error:
        pytest.skip(f"needs to make a device: {error.strerror}")
    patch("--set-rpath", LONG, "--output", device, folder / "app")
    assert stat.S_ISCHR(device.lstat().st_mode)


@pytest.mark.parametrize("dry_run", [[], ["--dry-run"]])
def test_output_where_no_file_can_be_put_is_refused_by_its_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch, dry_run: list[str]
) -> None:
    app, socket_path = folder / "app", folder / "socket"
    monkeypatch.chdir(folder)  # names of sockets are short
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("socket")
    for path, why in ((folder / "two", "is a folder"), (socket_path, "is a socket")):
        before = path.lstat()
        assert f"{path} {why}" in refused("--set-rpath", "/x", *dry_run, "--output", path, app)
        assert path.lstat() == before


def test_an_output_that_cannot_be_written_is_named_and_not_the_file_beside_it(folder: Path) -> None:
    nowhere = folder / "nowhere/new"
    message = refused("--set-rpath", "/x", "--output", nowhere, folder / "app")
    assert str(nowhere) in message
    assert ".bundler-" not in message


# Refusals


def broken(folder: Path) -> dict[str, Path]:
    """Files that cannot be patched, by what is wrong."""
    files = {name: folder / name for name in ("text", "truncated", "payload")}
    app = (folder / "app").read_bytes()
    files["text"].write_text("#!/bin/sh\n")
    files["truncated"].write_bytes(app[:300])
    files["payload"].write_bytes(app + b"PK\x05\x06 and more")
    files["static"] = compile_c("int main(void) { return 0; }\n", folder / "static", "-static")
    return files


def test_a_file_that_cannot_be_patched_stays_and_so_do_the_others(folder: Path) -> None:
    app = folder / "app"
    for why, path in broken(folder).items():
        before = state(app), state(path)
        message = refused("--set-rpath", LONG * 100, app, path)
        assert str(path) in message, why
        assert (state(app), state(path)) == before
        assert str(path) in refused("--set-rpath", LONG * 100, "--overwrite", path)
        assert state(path) == before[1]


def test_all_faults_are_reported_together(folder: Path) -> None:
    files = [path for why, path in broken(folder).items() if why in ("text", "static")]
    message = refused("--set-rpath", "/x", *files)
    assert all(str(path) in message for path in files)


@pytest.mark.parametrize("words", [["--print-rpath"], ["--set-rpath", "/x"]])
def test_a_fault_names_its_file(folder: Path, words: list[str]) -> None:
    (folder / "text").write_text("#!/bin/sh\n")
    assert str(folder / "text") in refused(*words, folder / "text")
    assert str(folder / "none") in refused(*words, folder / "none")
    assert str(folder / "one") in refused(*words, folder / "one")


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--set-rpath", "/x", "--print-rpath"],
        ["--rpath", "--runpath"],
        ["--remove-rpath", "--set-rpath", "/x"],
        ["--allowed-prefix", "/x"],
        ["--set-rpath", "/x", "--output", "new", "--overwrite"],
        ["--set-rpath", "/x", "--output", "new", "another"],
    ],
)
def test_words_that_contradict_each_other_are_wrong_usage(folder: Path, words: list[str]) -> None:
    before = state(folder / "app")
    refused(*words, folder / "app", status=2)
    assert state(folder / "app") == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--add-needed", ""], "an empty name is no library"),
        (["--set-soname", ""], "an empty name is no soname"),
        (["--set-interpreter", "/" + "x" * 5000], "5001 bytes"),
        (["--add-needed", "a", "--remove-needed", "a"], "removed and added"),
        (["--clear-symbol-version", "no_such_symbol"], "no dynamic symbol no_such_symbol"),
    ],
)
def test_what_cannot_be_written_is_refused(folder: Path, words: list[str], message: str) -> None:
    before = state(folder / "app")
    assert message in refused(*words, folder / "app")
    assert state(folder / "app") == before


def test_a_changed_program_can_be_stripped(folder: Path) -> None:
    app, strip = folder / "app", need("strip")
    patch("--set-rpath", f"$ORIGIN/two/libs:{LONG}", "--add-needed", "libm.so.6", app)
    subprocess.run([strip, app], check=True)
    assert run(app) == SECOND

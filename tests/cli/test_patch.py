"""`bundler patch`: what it writes, what it leaves alone, and what it says."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.binaries.elf.patching import image_of
from tests.binaries.elf.programs import EXPECTED, compile_c, make_program, run

LONG = "$ORIGIN/two/libs:$ORIGIN/" + "y" * 300


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_program(tmp_path_factory.mktemp("made")).parent


@pytest.fixture
def app(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return tmp_path / "app"


def bundler_patch(*words: str | Path, status: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bundler", "patch", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    return done


def test_a_new_file_takes_the_place_and_keeps_mode_times_and_attributes(app: Path) -> None:
    app.chmod(0o751)
    os.utime(app, ns=(1_500_000_000_123_456_789, 1_400_000_000_987_654_321))
    try:
        os.setxattr(app, "user.note", b"kept")
    except OSError:
        pytest.skip("no extended attributes on this file system")
    before = app.stat()
    bundler_patch(app, "--set-rpath", LONG)
    after = app.stat()
    assert after.st_ino != before.st_ino
    assert (after.st_mode, after.st_mtime_ns, after.st_atime_ns) == (
        before.st_mode,
        before.st_mtime_ns,
        before.st_atime_ns,
    )
    assert os.getxattr(app, "user.note") == b"kept"
    assert run(app) == EXPECTED.format(2)
    assert not list(app.parent.glob(".bundler-*"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away: run the tests as root")
def test_owner_and_set_user_id_are_kept(app: Path) -> None:
    os.chown(app, 12345, 54321)
    app.chmod(0o4755)
    bundler_patch(app, "--set-rpath", LONG)
    assert (app.stat().st_uid, app.stat().st_gid, app.stat().st_mode & 0o7777) == (12345, 54321, 0o4755)


def test_another_hard_link_keeps_its_bytes(app: Path) -> None:
    cached = app.parent / "cached"
    cached.hardlink_to(app)
    old = cached.read_bytes()
    bundler_patch(app, "--set-rpath", LONG)
    assert (cached.read_bytes(), cached.stat().st_nlink) == (old, 1)
    assert image_of(app).rpath == LONG


def test_a_symlink_stays_one(app: Path) -> None:
    link = app.parent / "link"
    link.symlink_to("app")
    bundler_patch(link, "--set-rpath", LONG)
    assert link.is_symlink()
    assert image_of(app).rpath == LONG


@pytest.mark.parametrize("path", ["$ORIGIN/two", LONG, "$ORIGIN/two/libs:" + "z" * 9000], ids=["T0", "T1", "T2"])
def test_overwrite_changes_the_file_itself_to_the_same_bytes(path: str, app: Path) -> None:
    twin = app.parent / "twin"
    shutil.copy2(app, twin)
    inode = app.stat().st_ino
    bundler_patch(app, "--set-rpath", path, "--overwrite")
    bundler_patch(twin, "--set-rpath", path)
    assert app.stat().st_ino == inode
    assert app.read_bytes() == twin.read_bytes()


def test_overwrite_refuses_a_second_link(app: Path) -> None:
    (app.parent / "cached").hardlink_to(app)
    old = app.read_bytes()
    done = bundler_patch(app, "--set-rpath", LONG, "--overwrite", status=1)
    assert "2 hard links" in done.stderr
    assert app.read_bytes() == old


def test_output_leaves_the_file_alone(app: Path) -> None:
    old, new = app.read_bytes(), app.parent / "new"
    bundler_patch(app, "--set-rpath", LONG, "--output", new)
    assert app.read_bytes() == old
    assert run(new) == EXPECTED.format(2)
    same = app.parent / "same"
    bundler_patch(new, "--set-rpath", LONG, "--output", same)
    assert same.read_bytes() == new.read_bytes()


def test_nothing_to_change_touches_nothing(app: Path) -> None:
    bundler_patch(app, "--set-rpath", LONG)
    before = app.stat()
    done = bundler_patch(app, "--set-rpath", LONG)
    assert app.stat() == before
    assert "nothing to change" in done.stderr


def test_a_dry_run_explains_and_changes_nothing(app: Path) -> None:
    old = app.read_bytes()
    done = bundler_patch(app, "--set-rpath", LONG, "--dry-run")
    assert done.stdout.startswith(f"{app}: T1 (in the page slack of a segment): the string table, ")
    assert "  not T0: the string table needs " in done.stdout
    assert app.read_bytes() == old


def test_json_is_one_object_and_nothing_else(app: Path) -> None:
    done = bundler_patch(app, app.parent / "one/libwhich.so", "--set-rpath", LONG, "--json")
    result = json.loads(done.stdout)
    assert (result["changed"], done.stderr) == (True, "")
    assert [file["growth"] for file in result["files"]] == [0, 0]
    assert image_of(app).rpath == LONG


def test_what_is_printed(app: Path) -> None:
    assert bundler_patch(app, "--print-rpath").stdout == "$ORIGIN/one\n"
    assert bundler_patch(app, "--print-needed").stdout.splitlines() == list(image_of(app).needed)
    assert bundler_patch(app, "--print-interpreter").stdout.strip() == image_of(app).interpreter
    library = app.parent / "one/libwhich.so"
    assert bundler_patch(library, "--print-soname").stdout == "libwhich.so\n"
    both = bundler_patch(app, library, "--print-soname").stdout
    assert both == f"{app}: \n{library}: libwhich.so\n"
    assert json.loads(bundler_patch(library, "--print-soname", "--json").stdout)["files"][0]["soname"] == "libwhich.so"


def test_the_words_for_search_paths(app: Path) -> None:
    bundler_patch(app, "--add-rpath", "$ORIGIN/two/libs", "--add-rpath", "$ORIGIN/one")
    assert image_of(app).rpath == "$ORIGIN/one:$ORIGIN/two/libs"
    bundler_patch(app, "--runpath")
    assert (image_of(app).rpath, image_of(app).runpath) == (None, "$ORIGIN/one:$ORIGIN/two/libs")
    bundler_patch(app, "--shrink-rpath")
    assert image_of(app).rpath == "$ORIGIN/one"
    bundler_patch(app, "--remove-rpath", "--add-rpath", "/x", "--runpath")
    assert (image_of(app).rpath, image_of(app).runpath) == (None, "/x")
    bundler_patch(app, "--remove-rpath")
    assert image_of(app).runpath is None


def test_shrink_keeps_what_provides_a_library_of_this_machine(app: Path) -> None:
    broken = app.parent / "broken"
    broken.mkdir()
    (broken / "libwhich.so").write_text("INPUT(libother.so)")
    path = "$ORIGIN/none:$ORIGIN/broken:${ORIGIN}/two/libs:$ORIGIN/one:/usr/$LIB/x"
    bundler_patch(app, "--set-rpath", path, "--shrink-rpath")
    assert image_of(app).rpath == "${ORIGIN}/two/libs:/usr/$LIB/x"
    bundler_patch(app, "--set-rpath", path, "--shrink-rpath", "--allowed-prefix", "$ORIGIN/one")
    assert image_of(app).rpath == "$ORIGIN/one:/usr/$LIB/x"
    bundler_patch(app, "--set-rpath", path, "--shrink-rpath", "--replace-needed", "libwhich.so", "libnone.so")
    assert image_of(app).rpath == "/usr/$LIB/x"


def test_the_words_for_libraries(app: Path) -> None:
    bundler_patch(
        app, "--set-rpath", "$ORIGIN/one", "--add-needed", "libm.so.6", "--replace-needed", "libwhich.so", "libwhich.so.1",
        "--set-soname", "app.so", "--clear-symbol-version", "printf",
    )  # fmt: skip
    image = image_of(app)
    assert (image.needed, image.soname) == (("libwhich.so.1", "libc.so.6", "libm.so.6"), "app.so")
    bundler_patch(app, "--remove-needed", "libm.so.6", "--replace-needed", "libwhich.so.1", "libwhich.so")
    assert image_of(app).needed == ("libwhich.so", "libc.so.6")
    assert run(app) == EXPECTED.format(1)


def test_one_file_that_cannot_be_patched_leaves_all_alone(app: Path) -> None:
    static = compile_c("int main(void) { return 0; }", app.parent / "static", "-static")
    text = app.parent / "text"
    text.write_text("no binary")
    old = app.read_bytes()
    done = bundler_patch(app, static, text, "--set-rpath", LONG, status=1)
    assert f"{static}: a static program" in done.stderr
    assert f"{text}: neither an ELF file" in done.stderr
    assert app.read_bytes() == old


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "Nothing to do"),
        (("--print-rpath", "--remove-rpath"), "changes nothing"),
        (("--rpath", "--runpath"), "exclude"),
        (("--set-rpath", "x", "--output", "a", "--overwrite"), "--output"),
        (("--allowed-prefix", "x", "--remove-rpath"), "--shrink-rpath"),
        (("--remove-rpath", "--set-rpath", "x"), "exclude"),
    ],
)
def test_wrong_usage_is_told(words: tuple[str, ...], message: str, app: Path) -> None:
    assert message in bundler_patch(app, *words, status=2).stderr

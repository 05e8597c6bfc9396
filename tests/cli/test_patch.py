"""`bundler patch`: every option, on programs that the machine's compiler makes and its loader runs."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

from tests.binaries.elf.programs import EXPECTED, compile_c, make_program, need, run

EXTRA = (
    '#include <stdio.h>\n__attribute__((constructor)) static void here(void) { printf("extra "); fflush(stdout); }\n'
)
FIRST, SECOND = EXPECTED.format(1), EXPECTED.format(2)
LONG = "/a/directory/whose/name/is/longer/than/what/was/there/" + "x" * 200


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`app`, which asks for `libwhich.so` in `one` by a RUNPATH, and for libm, of which it uses nothing."""
    folder = tmp_path_factory.mktemp("made")
    make_program(folder, "-pie", "-fPIE", "-Wl,--no-as-needed", "-Wl,--enable-new-dtags", "-lm")
    compile_c(EXTRA, folder / "libextra.so", "-shared", "-fPIC", "-Wl,-soname,libextra.so")
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy for one test."""
    return shutil.copytree(made, tmp_path / "copy")


def bundler(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """What `bundler patch` says."""
    command = [sys.executable, "-m", "bundler", "patch", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def patch(*words: str | Path) -> str:
    """The command's standard output; it must succeed."""
    done = bundler(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(*words: str | Path, status: int = 1) -> str:
    """The message of a command that fails."""
    done = bundler(*words)
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return done.stderr


def tags(path: Path) -> dict[str, list[str]]:
    """The dynamic section's names, as pyelftools reads them, by tag."""
    found: dict[str, list[str]] = {}
    with path.open("rb") as file:
        section = ELFFile(file).get_section_by_name(".dynamic")
        assert isinstance(section, DynamicSection)
        for tag in section.iter_tags():
            for field in ("needed", "soname", "rpath", "runpath"):
                if tag.entry.d_tag == f"DT_{field.upper()}":
                    found.setdefault(field, []).append(getattr(tag, field))
    return found


def state(path: Path) -> tuple[bytes, os.stat_result]:
    """All that a command could change."""
    facts = path.stat()
    return path.read_bytes(), os.stat_result((*facts[:7], 0, *facts[8:10]))  # not the time of the last reading


# Search paths


def test_set_rpath_leads_to_another_library(folder: Path) -> None:
    app = folder / "app"
    assert run(app) == FIRST
    patch("--set-rpath", "$ORIGIN/two/libs", app)
    assert run(app) == SECOND
    assert tags(app)["rpath"] == ["$ORIGIN/two/libs"]
    assert "runpath" not in tags(app)


def test_rpath_wins_over_the_environment_and_runpath_does_not(folder: Path) -> None:
    app, other = folder / "app", str(folder / "one")
    patch("--set-rpath", "$ORIGIN/two/libs", app)
    assert run(app, LD_LIBRARY_PATH=other) == SECOND
    patch("--runpath", app)
    assert tags(app)["runpath"] == ["$ORIGIN/two/libs"]
    assert "rpath" not in tags(app)
    assert run(app, LD_LIBRARY_PATH=other) == FIRST
    patch("--rpath", app)
    assert tags(app)["rpath"] == ["$ORIGIN/two/libs"]
    assert run(app, LD_LIBRARY_PATH=other) == SECOND


def test_add_rpath_is_searched_behind_the_others(folder: Path) -> None:
    app = folder / "app"
    patch("--add-rpath", "$ORIGIN/two/libs", "--add-rpath", LONG, app)
    assert tags(app)["rpath"] == [f"$ORIGIN/one:$ORIGIN/two/libs:{LONG}"]
    assert run(app) == FIRST
    (folder / "one/libwhich.so").unlink()
    assert run(app) == SECOND


@pytest.mark.parametrize("words", [["--add-rpath", "$ORIGIN/x:$ORIGIN/y"], ["--add-rpath", "$ORIGIN/one"]])
def test_adding_directories_twice_is_adding_them_once(folder: Path, words: Sequence[str]) -> None:
    app = folder / "app"
    patch("--rpath", *words, app)
    once = state(app)
    assert "nothing to change" in bundler("--rpath", *words, app).stderr
    assert state(app) == once


def test_remove_rpath_leaves_none(folder: Path) -> None:
    app = folder / "app"
    patch("--remove-rpath", app)
    assert not {"rpath", "runpath"} & tags(app).keys()
    assert b"$ORIGIN/one" not in app.read_bytes()
    assert "libwhich.so: cannot open shared object file" in run(app)
    assert run(app, LD_LIBRARY_PATH=str(folder / "one")) == FIRST


def test_shrink_rpath_keeps_what_provides_a_library_first(folder: Path) -> None:
    app = folder / "app"
    patch("--set-rpath", f"/nowhere:$ORIGIN/one:$ORIGIN/two/libs:{LONG}", app)
    patch("--shrink-rpath", app)
    assert tags(app)["rpath"] == ["$ORIGIN/one"]
    assert run(app) == FIRST


@pytest.mark.parametrize("prefix", ["$ORIGIN/two", "{folder}/two/", "{folder}/two/libs"])
def test_shrink_rpath_keeps_allowed_prefixes_only(folder: Path, prefix: str) -> None:
    app = folder / "app"
    words = ["--set-rpath", "$ORIGIN/one:$ORIGIN/two/libs", "--shrink-rpath"]
    patch(*words, "--allowed-prefix", prefix.format(folder=folder), app)
    assert tags(app)["rpath"] == ["$ORIGIN/two/libs"]
    assert run(app) == SECOND


# Names


def test_add_needed_loads_a_library_more(folder: Path) -> None:
    app = folder / "app"
    before = tags(app)["needed"]
    patch("--add-needed", "libextra.so", "--add-rpath", "$ORIGIN", app)
    assert tags(app)["needed"] == [*before, "libextra.so"]
    assert run(app) == "extra " + FIRST


def test_remove_needed_loads_one_less(folder: Path) -> None:
    app = folder / "app"
    before = tags(app)["needed"]
    assert "libm.so.6" in before
    patch("--remove-needed", "libm.so.6", app)
    assert tags(app)["needed"] == [name for name in before if name != "libm.so.6"]
    assert run(app) == FIRST


def test_a_removed_library_leaves_no_demand_for_its_versions(folder: Path) -> None:
    app = folder / "app"
    patch("--remove-needed", "libwhich.so", app)
    assert "libwhich.so" not in tags(app)["needed"]
    assert run(app, LD_PRELOAD=str(folder / "two/libs/libwhich.so")) == SECOND


def test_replace_needed_and_set_soname_rename_a_library(folder: Path) -> None:
    app, library = folder / "app", folder / "one/libwhich.so"
    name = "libwhich-with-a-longer-name-0123456789abcdef.so.1"
    patch("--set-soname", name, library)
    assert tags(library)["soname"] == [name]
    library.rename(library.with_name(name))
    assert "cannot open shared object file" in run(app)
    patch("--replace-needed", "libwhich.so", name, app)
    assert name in tags(app)["needed"]
    assert "libwhich.so" not in tags(app)["needed"]
    assert run(app) == FIRST


def test_set_interpreter_starts_another_loader(folder: Path) -> None:
    app, loader = folder / "app", folder / "another-loader-with-a-longer-name.so"
    shutil.copy(patch("--print-interpreter", app).strip(), loader)
    patch("--set-interpreter", loader, app)
    assert patch("--print-interpreter", app) == f"{loader}\n"
    assert run(app) == FIRST
    loader.unlink()
    with pytest.raises(FileNotFoundError):
        run(app)


def test_clear_symbol_version_binds_to_any(folder: Path) -> None:
    app = folder / "app"
    compile_c("int which(void) { return 3; }\n", folder / "one/libwhich.so", "-shared", "-fPIC")
    warning = "no version information available"
    assert warning in subprocess.run([app], capture_output=True, text=True, check=False).stderr
    patch("--clear-symbol-version", "which", app)
    done = subprocess.run([app], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == (EXPECTED.format(3), "")


def test_all_edits_at_once(folder: Path) -> None:
    app = folder / "app"
    (folder / "two/libs/libwhich.so").rename(folder / "two/libs/libthat.so")
    patch("--set-soname", "libthat.so", folder / "two/libs/libthat.so")
    words = ["--set-rpath", "$ORIGIN/two/libs", "--add-rpath", "$ORIGIN", "--runpath", "--add-needed", "libextra.so"]
    patch(*words, "--remove-needed", "libm.so.6", "--replace-needed", "libwhich.so", "libthat.so", app)
    assert tags(app)["runpath"] == ["$ORIGIN/two/libs:$ORIGIN"]
    assert run(app) == "extra " + SECOND


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


def test_facts_are_printed_as_json(folder: Path) -> None:
    app = folder / "app"
    found = json.loads(patch("--print-rpath", "--print-needed", "--print-soname", "--json", app))
    expected = {"path": str(app), "rpath": "$ORIGIN/one", "needed": tags(app)["needed"], "soname": None}
    assert found == {"changed": False, "files": [expected]}


# What is written


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
    app, strip = folder / "app", need("strip", "apt-get install binutils")
    patch("--set-rpath", f"$ORIGIN/two/libs:{LONG}", "--add-needed", "libm.so.6", app)
    subprocess.run([strip, app], check=True)
    assert run(app) == SECOND

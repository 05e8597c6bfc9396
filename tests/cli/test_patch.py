"""`bundler patch`: every edit, on programs that the machine's compiler makes and its loader runs."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.binaries.elf.programs import EXPECTED, compile_c, run
from tests.cli.patched_program import FIRST, LONG, SECOND, bundler, patch, state, tags

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


def test_shrink_rpath_can_keep_what_is_not_absolute(folder: Path) -> None:
    app = folder / "app"
    patch("--set-rpath", f"/nowhere:$ORIGIN/later:relative:{folder}/one:$ORIGIN/two/libs", app)
    patch("--shrink-rpath", "--keep-relative", app)
    assert tags(app)["rpath"] == [f"$ORIGIN/later:relative:{folder}/one:$ORIGIN/two/libs"]


# Names


def test_add_needed_loads_a_library_more(folder: Path) -> None:
    app = folder / "app"
    before = tags(app)["needed"]
    patch("--add-needed", "libextra.so", "--add-rpath", "$ORIGIN", app)
    assert tags(app)["needed"] == [*before, "libextra.so"]
    assert run(app) == "extra " + FIRST


def test_prepend_needed_loads_a_library_before_the_others(folder: Path) -> None:
    app = folder / "app"
    before = tags(app)["needed"]
    compile_c("int which(void) { return 9; }\n", folder / "libfirst.so", "-shared", "-fPIC")
    patch("--clear-symbol-version", "which", "--add-needed", "libfirst.so", "--add-rpath", "$ORIGIN", app)
    assert run(app) == FIRST  # behind the others it is found too late
    words = ["--prepend-needed", "libfirst.so", "--prepend-needed", "libextra.so"]
    patch(*words, app)
    assert tags(app)["needed"] == ["libfirst.so", "libextra.so", *before]
    assert run(app) == "extra " + EXPECTED.format(9)
    once = state(app)
    assert "nothing to change" in bundler(*words, app).stderr
    assert state(app) == once


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

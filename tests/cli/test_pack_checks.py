"""What does nothing is told, and a dry run makes the checks of a pack."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.material.environments import bundler, empty_environment

EVERYTHING = pytest.mark.everything


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smallest that there is: no package in it."""
    folder = tmp_path_factory.mktemp("checks") / "env"
    empty_environment(folder)
    return folder


@pytest.fixture(scope="module")
def bundle(environment: Path) -> Path:
    out = environment.parent / "bundle"
    done = bundler(["pack", environment, "--out", out, "--no-verify", "-q"])
    assert done.returncode == 0, done.stderr
    return out


def test_names_that_fit_nothing_are_warnings(environment: Path, tmp_path: Path) -> None:
    names = (
        "--exclude",
        "nothing-like-this/",
        "--include",
        "nor-this",
        "--exclude-lib",
        "libfoo.so",
        "--thin",
        "arm64",
    )
    done = bundler(["pack", environment, "--out", tmp_path / "out", "--dry-run", *names])
    assert done.returncode == 0, done.stderr
    warnings = [line for line in done.stderr.splitlines() if line.startswith("warning: ")]
    for word in (
        "--exclude nothing-like-this/ fits no path",
        "--include nor-this fits no path",
        "--exclude-lib libfoo.so",
        "--thin arm64 does nothing here",
    ):
        assert any(word in line for line in warnings), warnings


def test_what_the_audit_saw_opened_is_no_misspelled_name(environment: Path, tmp_path: Path) -> None:
    """A real pack knows what no header tells; it does not say then that it could not know."""
    done = bundler(["pack", environment, "--out", tmp_path / "out", "--audit", "quick", "--exclude-lib", "libfoo.so"])
    assert done.returncode == 0, done.stderr
    assert re.search(r"--exclude-lib libfoo\.so: nothing asks for a library of that name$", done.stderr, re.MULTILINE)


@pytest.mark.parametrize(
    ("out", "options", "words"),
    [
        ("app", ["--entry", "http.server:mian"], "has no mian"),
        pytest.param("app", ["--add", "gone"], "gone does not exist", marks=EVERYTHING),
        pytest.param("app", ["--include-lib", "libgone.so.7"], "there is no such library", marks=EVERYTHING),
        ("app.tar.gz", ["--level", "17"], "--level 17: gzip has levels 0 to 9"),
        ("app.oci.tar", ["--level", "99"], "--level 99: gzip has levels 0 to 9"),
        ("app.oci.tar", ["--base", "gone.tar"], "gone.tar: cannot be read as an image"),
        ("standing.zip", [], "standing.zip exists"),
        pytest.param("folder.zip", ["--force"], "folder.zip is a directory", marks=EVERYTHING),
        pytest.param(
            "folder.zip", ["--force", "--format", "directory"], "is a directory and no bundle", marks=EVERYTHING
        ),
        pytest.param("file", [], "file exists", marks=EVERYTHING),
        pytest.param("file/app", [], "file", marks=EVERYTHING),
        ("file/app.tar", [], "file"),
        pytest.param(
            "folder.zip", ["--update", "--format", "directory"], "is a directory and no bundle", marks=EVERYTHING
        ),
    ],
)
def test_a_dry_run_refuses_what_the_pack_refuses(
    environment: Path, tmp_path: Path, out: str, options: list[str], words: str
) -> None:
    (tmp_path / "standing.zip").write_text("x")
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder.zip").mkdir()
    (tmp_path / "folder.zip/precious").write_text("x")
    dry = bundler(["pack", environment, "--out", tmp_path / out, "--no-verify", *options, "--dry-run"])
    status = 2 if "--level" in options else 1  # wrong whatever lies on the disk
    assert (dry.returncode, words in dry.stderr) == (status, True), dry.stderr
    wet = bundler(["pack", environment, "--out", tmp_path / out, "--no-verify", *options])
    assert (wet.returncode, words in wet.stderr) == (status, True), wet.stderr
    assert sorted(os.listdir(tmp_path)) == ["file", "folder.zip", "standing.zip"]


@pytest.mark.parametrize("options", [["--top", "a/../../b"], ["--image-name", "App"]])
def test_a_dry_run_refuses_words_that_the_pack_refuses(environment: Path, tmp_path: Path, options: list[str]) -> None:
    for dry in ([], ["--dry-run"]):
        done = bundler(["pack", environment, "--out", tmp_path / "app.oci.tar", "--no-verify", *options, *dry])
        assert (done.returncode, f"error: {' '.join(options)}: " in done.stderr) == (2, True), done.stderr
    assert os.listdir(tmp_path) == []


def test_a_bundle_below_several_folders_of_an_archive_is_audited(environment: Path, tmp_path: Path) -> None:
    done = bundler(["pack", environment, "--out", tmp_path / "a.tar", "--top", "srv/app", "--audit", "quick", "-q"])
    assert done.returncode == 0, done.stderr
    assert bundler(["verify", tmp_path / "a.tar"]).returncode == 0


def test_a_dry_run_of_an_update_sees_what_somebody_else_did(environment: Path, bundle: Path) -> None:
    command: list[str | Path] = ["pack", environment, "--out", bundle, "--update", "--no-verify", "--dry-run"]
    done = bundler(command)
    assert done.returncode == 0, done.stderr
    (bundle / "mine").write_text("x")
    done = bundler(command)
    assert (done.returncode, "was changed after the pack: mine" in done.stderr) == (1, True), done.stderr
    done = bundler([*command, "--force"])
    assert done.returncode == 0, done.stderr
    assert (bundle / "mine").read_text() == "x"


@pytest.mark.parametrize(
    "out",
    [
        "app.oci.tar",
        "deep/er/app.tar",
        *(pytest.param(out, marks=EVERYTHING) for out in ("app", "app.tar.gz", "app.run", "app.zip")),
    ],
)
def test_a_dry_run_of_what_can_be_done_leaves_nothing(environment: Path, tmp_path: Path, out: str) -> None:
    done = bundler(["pack", environment, "--out", tmp_path / out, "--dry-run"])
    assert done.returncode == 0, done.stderr
    assert os.listdir(tmp_path) == []

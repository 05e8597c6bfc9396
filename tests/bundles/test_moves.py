"""Promise 1: a bundle runs after any number of moves, wherever it is, whoever starts it."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.bundles.conftest import Sample
from tests.material.environments import pack
from tests.material.isolation import hidden, in_root
from tests.material.programs import need_unpacker


@pytest.fixture(scope="module")
def copied(sample: Sample) -> Iterator[Path]:
    """A copy of the bundle in a folder that every user may enter, which the tests hand on."""
    with tempfile.TemporaryDirectory(prefix="moved-") as folder:
        os.chmod(folder, 0o755)
        subprocess.run(["cp", "-a", sample.bundle, Path(folder) / "copy"], check=True)
        yield Path(folder) / "copy"


@pytest.fixture
def moved(copied: Path) -> Iterator[Path]:
    """The copy, moved to a folder of this test's own; a test that moves it on moves it back."""
    with tempfile.TemporaryDirectory(prefix="for-", dir=copied.parent) as folder:
        os.chmod(folder, 0o755)
        yield copied.rename(Path(folder) / "first")
        (Path(folder) / "first").rename(copied)


@contextmanager
def moved_on(bundle: Path, to: Path) -> Iterator[Path]:
    """The bundle in another place, and back."""
    bundle.rename(to)
    try:
        yield to
    finally:
        to.rename(bundle)


def where(done: subprocess.CompletedProcess[str]) -> dict[str, object]:
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert isinstance(answer, dict)
    return answer


def test_runs_moved_twice_with_the_original_hidden(sample: Sample, moved: Path) -> None:
    assert hidden(sample.originals, [moved / "bin/stockroom"]).returncode == 0
    with moved_on(moved, moved.parent / "second") as second:
        done = hidden(sample.originals, [second / "bin/stockroom", "where"])
        assert where(done)["prefix"] == str(second)


def test_runs_below_a_path_of_over_200_characters_with_spaces_quotes_and_accents(sample: Sample, moved: Path) -> None:
    deep = moved.parent / ("sp ace" * 20) / "quo\"te's é $HOME" / ("x" * 90)
    deep.parent.mkdir(parents=True)
    assert len(str(deep)) > 200
    with moved_on(moved, deep):
        answer = where(hidden(sample.originals, [deep / "bin/stockroom", "where"]))
        assert answer["prefix"] == str(deep)
        assert hidden(sample.originals, [deep / "bin/stockroom"]).returncode == 0


def test_runs_in_a_bare_root_read_only(sample: Sample, root: Path) -> None:
    done = in_root(root, sample.bundle, ["/opt/app/bin/stockroom"])
    assert done.returncode == 0, done.stderr
    assert "the count is right" in done.stdout
    written = in_root(root, sample.bundle, ["/bin/sh", "-c", "echo > /opt/app/x"])
    assert "Read-only" in written.stderr


def test_runs_as_another_user(sample: Sample, moved: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to become another user")
    done = hidden(sample.originals, [moved / "bin/stockroom", "where"], uid=4711)
    assert where(done)["prefix"] == str(moved)


def test_runs_with_an_empty_environment(sample: Sample, moved: Path) -> None:
    assert where(hidden(sample.originals, [moved / "bin/stockroom", "where"], env={}))["prefix"] == str(moved)


def test_a_foreign_pythonhome_does_not_reach_scripts(sample: Sample, moved: Path) -> None:
    env = {"PATH": "/usr/bin:/bin", "PYTHONHOME": "/usr"}
    done = hidden(sample.originals, [moved / "bin/stockroom", "echo"], env=env)
    assert where(done)["home"] is None


def test_runs_through_links_to_script_interpreter_and_tree(sample: Sample, moved: Path) -> None:
    links = moved.parent / "links -$ "
    links.mkdir()
    (links / "chain").symlink_to("app")
    (links / "app").symlink_to("../first/bin/stockroom")
    (links / "absolute").symlink_to(moved / "bin/stockroom")
    (links / "python").symlink_to(moved / "bin/python3")
    (links / "tree").symlink_to(moved)
    for command in (["chain"], ["app"], ["absolute"], ["tree/bin/stockroom"]):
        done = hidden(sample.originals, [links / command[0], "where"])
        assert os.path.realpath(str(where(done)["prefix"])) == str(moved), command
    code = "import sys, numpy, ssl; print(sys.prefix)"
    done = hidden(sample.originals, [links / "python", "-c", code])
    assert done.stdout.strip() == str(moved), done.stderr


def test_scripts_keep_arguments_and_the_working_directory(sample: Sample, moved: Path) -> None:
    arguments = ["a b", "", "*", "quo'te\"", "$HOME", "é"]
    answer = where(hidden(sample.originals, [moved / "bin/stockroom", "echo", *arguments], cwd=moved.parent))
    assert answer["arguments"] == arguments
    assert answer["cwd"] == str(moved.parent)


def test_scripts_run_from_path_and_by_relative_names(sample: Sample, moved: Path) -> None:
    env = {"PATH": f"{moved}/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
    assert where(hidden(sample.originals, ["stockroom", "where"], env=env))["prefix"] == str(moved)
    done = hidden(sample.originals, ["sh", "stockroom", "where"], cwd=moved / "bin")
    assert where(done)["prefix"] == str(moved)
    assert where(hidden(sample.originals, ["./bin/stockroom", "where"], cwd=moved))["prefix"] == str(moved)


def test_a_script_keeps_its_docstring_and_its_name(sample: Sample, moved: Path) -> None:
    done = hidden(sample.originals, [moved / "bin/stockroom-doc", "one", "two words"])
    assert done.stdout.splitlines() == [
        "Shows its own documentation: a script whose first line counts.",
        "stockroom-doc __main__ one two words",
    ], done.stderr


@pytest.mark.parametrize("reader", ["tar", "busybox tar", "python"])
def test_an_archive_runs_unpacked_by_any_tar(sample: Sample, archive: Path, reader: str, tmp_path: Path) -> None:
    target = tmp_path / "unpacked"
    target.mkdir()
    if reader == "python":
        import tarfile

        with tarfile.open(archive) as file:
            if not hasattr(tarfile, "data_filter"):
                pytest.skip("this Python's tarfile has no filters (3.11.4 and later have)")
            file.extractall(target, filter="data")
    else:
        subprocess.run([*need_unpacker(reader, archive.name), "xzf", archive, "-C", target], check=True)
    done = hidden(sample.originals, [target / "bin/stockroom", "where"])
    assert where(done)["prefix"] == str(target)


@pytest.fixture(scope="module")
def archive(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("archive") / "app.tar.gz"
    pack(sample.environment, out, "--no-verify", "--level", "1")
    return out

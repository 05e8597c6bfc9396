"""Which environment is meant: a file, a link, a list or a variable leads to it, and each error names both ends."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bundler.environment import find_environment
from bundler.environment.choice import Choice, choose_environment
from bundler.errors import BundlerError
from bundler.sysroot import Sysroot
from tests.material.environments import bundler, run, tool
from tests.material.interpreters import main_python


def environment(where: Path) -> Path:
    """A folder that looks like a virtual environment over the Python that runs the tests."""
    (where / "bin").mkdir(parents=True)
    (where / "pyvenv.cfg").write_text(f"home = {os.path.dirname(sys.executable)}\n")
    (where / "bin/python").symlink_to(sys.executable)
    return where


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory; nothing is active."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    return tmp_path / "project"


@pytest.mark.parametrize("mark", ["pyproject.toml", ".git"])
def test_below_a_project_s_root_it_is_the_nearest_one_up_to_there(
    project: Path, monkeypatch: pytest.MonkeyPatch, mark: str
) -> None:
    environment(project.parent / ".venv")
    (project / mark).touch()
    (project / "src/app").mkdir(parents=True)
    monkeypatch.chdir(project / "src/app")
    assert choose_environment(None) == Choice(".venv", ""), "what lies above the root is another project's"
    environment(project / ".venv")
    assert choose_environment(None) == Choice(str(project / ".venv"), f".venv of the project {project}")
    environment(project / "src/env")
    (project / "src/.venv").write_text("env\n")
    assert choose_environment(None) == Choice(str(project / "src/env"), f"the file {project}/src/.venv leads to it")


def test_the_environment_of_the_folder_goes_before_the_active_one_and_that_is_said(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment(project / ".venv")
    monkeypatch.setenv("VIRTUAL_ENV", str(project / ".venv"))
    assert choose_environment(None) == Choice(str(project / ".venv"), ".venv of this folder")
    monkeypatch.setenv("VIRTUAL_ENV", str(environment(project.parent / "other")))
    chosen = choose_environment(None)
    assert chosen.path == str(project / ".venv")
    assert (
        chosen.reason == f".venv of this folder, and not the active one, {project.parent}/other: name that to pack it"
    )


def test_without_anything_it_is_the_folder_here_and_not_one_above(project: Path) -> None:
    environment(project.parent / ".venv")
    assert choose_environment(None) == Choice(".venv", "")
    environment(project / ".venv")
    assert choose_environment(None) == Choice(str(project / ".venv"), ".venv of this folder")
    assert choose_environment("elsewhere") == Choice("elsewhere", "")


@pytest.mark.parametrize("named", [None, ".venv"])
@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\nanother line\n"])
@pytest.mark.parametrize("line", ["env with spaces ", "../project/env with spaces ", "{project}/env with spaces "])
def test_a_file_leads_to_the_environment_of_its_first_line(project: Path, line: str, end: str, named: str) -> None:
    """A relative path counts from the file's folder; spaces belong to it."""
    environment(project / "env with spaces ")
    (project / ".venv").write_bytes((line.format(project=project) + end).encode())
    chosen = choose_environment(named)
    assert chosen == Choice(str(project / "env with spaces "), f"the file {project}/.venv leads to it")
    assert find_environment(".venv").root == str(project / "env with spaces ")


def test_a_relative_line_counts_from_the_file_s_folder_wherever_one_is(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment(project / "env")
    (project / ".venv").write_text("env\n")
    (project / "below").mkdir()
    monkeypatch.chdir(project / "below")
    assert choose_environment("../.venv").path == str(project / "env")
    assert choose_environment(None) == Choice(".venv", "")


def test_only_a_file_of_that_name_leads_elsewhere(project: Path) -> None:
    environment(project / "env")
    (project / "text").write_text("env\n")
    with pytest.raises(BundlerError, match="text is not a folder"):
        find_environment("text")


def test_a_link_is_said_and_stays_what_it_is(project: Path) -> None:
    environment(project.parent / "cache/env")
    (project / ".venv").symlink_to("../cache/env")
    for named in (None, ".venv"):
        chosen = choose_environment(named)
        assert chosen == Choice(str(project / ".venv"), f"a link to {project.parent}/cache/env")
        assert f"turn {project.parent}/cache/env into a bundle" in chosen.line(in_place=True)
        assert "bundle" not in chosen.line(in_place=False)


def test_of_a_list_it_is_the_last_line_and_a_venv_comes_behind_it(project: Path) -> None:
    for name in ("one", "two", "active"):
        environment(project / name)
    (project / ".python-envs").write_text("two\none\n\n")
    assert choose_environment(None) == Choice(str(project / "one"), f"the last line of {project}/.python-envs")
    (project / ".python-envs").write_text(f"one\n{project}/two")
    assert choose_environment(None).path == str(project / "two")
    environment(project / ".venv")
    assert choose_environment(None).path == str(project / ".venv")


def test_a_folder_of_the_list_s_name_is_none(project: Path) -> None:
    environment(project / ".python-envs/one")
    assert choose_environment(None) == Choice(".venv", "")


def test_the_active_one_is_taken_where_there_is_no_other(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRTUAL_ENV", str(environment(project / "active")))
    assert choose_environment(None) == Choice(
        str(project / "active"), "the active one, by VIRTUAL_ENV: this folder has no .venv"
    )
    assert choose_environment(None, str(project)) == Choice(
        ".venv", ""
    )  # what is active here is not so in another root
    environment(project / "one")
    (project / ".python-envs").write_text("one\n")
    assert choose_environment(None).path == str(project / "one")
    assert choose_environment("named") == Choice("named", "")


@pytest.mark.parametrize("broken", ["gone", ".venv", "file", "folder", "", "\n", "\0", "\udcff", "other/.venv"])
def test_a_file_that_leads_to_no_environment_names_both(project: Path, broken: str) -> None:
    (project / "file").write_text("")
    (project / "folder").mkdir()
    environment(project / "other/env")
    (project / "other/.venv").write_text("env\n")
    (project / ".venv").write_bytes(os.fsencode(broken) + b"\n")
    refused(lambda: choose_environment(None), f"{project}/.venv", broken if broken.isprintable() else "")
    refused(lambda: find_environment(".venv"), ".venv", broken if broken.isprintable() else "")


def test_a_file_that_leads_to_itself_says_so(project: Path) -> None:
    for line in (".venv", str(project / ".venv"), "../project/.venv"):
        (project / ".venv").write_text(line)
        refused(lambda: choose_environment(None), f"{project}/.venv", "itself")


@pytest.mark.parametrize("broken", ["gone", ".venv", "folder"])
def test_a_link_that_leads_to_no_environment_names_both(project: Path, broken: str) -> None:
    (project / "folder").mkdir()
    (project / ".venv").symlink_to(broken)
    refused(lambda: find_environment(str(project / ".venv")), f"{project}/.venv", broken)


@pytest.mark.parametrize("broken", ["gone", "folder", "", "\udcff"])
def test_a_list_and_a_variable_that_lead_to_no_environment_are_named(
    project: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    (project / "folder").mkdir()
    environment(project / "one")
    (project / ".python-envs").write_bytes((b"one\n" if broken else b"") + os.fsencode(broken))
    refused(lambda: choose_environment(None), f"{project}/.python-envs", broken if broken.isprintable() else "")
    (project / ".python-envs").unlink()
    monkeypatch.setenv("VIRTUAL_ENV", str(project / (broken or "gone")))
    refused(lambda: choose_environment(None), "VIRTUAL_ENV")


def refused(choose: Callable[[], object], *words: str) -> None:
    with pytest.raises(BundlerError) as caught:
        choose()
    assert [word for word in words if word not in caught.value.message] == [], caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("line", ["../opt/env", "/opt/env", "../../../../opt/env"])
def test_in_another_root_a_file_leads_to_what_it_names_there(tmp_path: Path, line: str) -> None:
    root = tmp_path / "root"
    environment(root / "opt/env")
    (root / "opt/env/bin/python").unlink()
    shutil.copy(os.path.realpath(sys.executable), root / "opt/env/bin/python")
    (root / "app").mkdir()
    (root / "app/.venv").write_text(f"{line}\n")
    for name in ("/app/.venv", str(root / "app/.venv")):
        assert find_environment(name, Sysroot(str(root))).root == str(root / "opt/env")
        assert choose_environment(name, str(root)).path in (name, str(root / "opt/env"))


@pytest.fixture
def redirected(project: Path) -> Path:
    """What virtualenv makes of a project: an environment, and a file that leads to it."""
    (project / "pyproject.toml").write_text("[tool.bundler]\nprofile = 'slim'\n")
    run([tool("virtualenv"), "-q", "--no-seed", "--python", main_python().executable, project / "env"])
    (project / ".venv").write_text("env\n")
    return project


def test_the_command_follows_the_file_that_virtualenv_leaves(redirected: Path) -> None:
    """The configuration is the one beside the file, as beside a folder `.venv`."""
    for words in ([], [".venv"]):
        done = bundler(["pack", *words, "--out", "bundle", "--force", "--no-verify"])
        assert done.returncode == 0, done.stderr
        assert done.stderr.splitlines()[0] == (
            f"environment: {redirected}/env (the file {redirected}/.venv leads to it)"
        )
        assert not (redirected / f"bundle/lib/python{main_python().version}/test").exists()
    assert (redirected / ".venv").read_text() == "env\n"
    quiet = bundler(["pack", "--out", "bundle", "--force", "--no-verify", "-q"])
    assert (quiet.returncode, quiet.stderr) == (0, "")
    done = bundler(["pack", "--out", "bundle", "--force", "--no-verify", "--dry-run", "--json"])
    assert json.loads(done.stdout)["environment"] == {
        "path": f"{redirected}/env",
        "reason": f"the file {redirected}/.venv leads to it",
    }
    assert f"root: {redirected}/env\n" in bundler(["inspect", ".venv"]).stdout


def test_in_a_subfolder_the_command_takes_the_project_s_environment_and_configuration(
    redirected: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (redirected / "src/app").mkdir(parents=True)
    monkeypatch.chdir(redirected / "src/app")
    done = bundler(["pack", "--out", "bundle", "--no-verify"], {"VIRTUAL_ENV": "/opt/other"})
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[0] == (
        f"environment: {redirected}/env (the file {redirected}/.venv leads to it, and not the active one, /opt/other: "
        "name that to pack it)"
    )
    assert not (redirected / f"src/app/bundle/lib/python{main_python().version}/ensurepip").exists(), "profile = slim"
    done = bundler(["pack", "--in-place", "--no-verify"])
    assert (done.returncode, f"would turn {redirected}/env into a bundle" in done.stderr) == (1, True)


def test_in_place_behind_a_file_or_a_variable_says_what_it_would_turn_into_a_bundle(redirected: Path) -> None:
    before = sorted(os.listdir(redirected / "env"))
    for words in ([], [".venv"]):
        done = bundler(["pack", *words, "--in-place", "--no-verify"])
        assert done.returncode == 1
        assert f"would turn {redirected}/env into a bundle" in done.stderr
        assert f"bundler pack {redirected}/env --in-place" in done.stderr
    (redirected / ".venv").unlink()
    done = bundler(["pack", "--in-place", "--no-verify"], {"VIRTUAL_ENV": str(redirected / "env")})
    assert done.returncode == 1
    assert f"would turn {redirected}/env into a bundle" in done.stderr
    assert sorted(os.listdir(redirected / "env")) == before
    (redirected / ".venv").symlink_to("env")
    done = bundler(["pack", "--in-place", "--no-verify"])
    assert done.returncode == 0, done.stderr
    assert f"turn {redirected}/env into a bundle" in done.stderr.splitlines()[0]
    assert (redirected / "env/bundle.json").exists() and (redirected / ".venv").is_symlink()

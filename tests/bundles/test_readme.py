"""`README.txt` of real bundles: the same in every form, listed, proved, and true where the original is not."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from tests.material.environments import bundler, pack, quick_environment
from tests.material.isolation import in_root

README = "README.txt"
ENTRY = "tool:main"
QUICK = ("--no-verify", "-q", "--profile", "slim", "--pyc", "none")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with one small project of the user's own, installed without its dependencies."""
    folder = tmp_path_factory.mktemp("readme")
    project = folder / "tool"
    project.mkdir()
    (project / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        '[project]\nname = "tool"\nversion = "2.5"\n[project.scripts]\ntool = "tool:main"\n'
    )
    (project / "tool.py").write_text("def main():\n    print('the tool runs')\n")
    return quick_environment(folder / "env", [project])


def test_who_gets_a_bundle_can_start_what_its_text_names(environment: Path, tmp_path: Path, root: Path) -> None:
    out = tmp_path / "out"
    pack(environment, out, *QUICK)
    lines = (out / README).read_text("ascii").splitlines()
    assert lines[0] == "tool 2.5"
    named = [line.strip() for line in lines if line.startswith("    bin/")]
    assert named == ["bin/tool"]
    done = in_root(root, out, [f"/opt/app/{named[0]}"])
    assert (done.returncode, done.stdout) == (0, "the tool runs\n"), done.stderr
    manifest = json.loads((out / "bundle.json").read_text())
    assert manifest["files"][README]["origin"] == "bundler"
    assert README in [change["path"] for change in manifest["changed"]]
    assert bundler(["verify", out, "--strict", "--no-run"]).returncode == 0
    (out / README).write_text("changed")
    assert README in bundler(["verify", out, "--strict", "--no-run"]).stderr


def test_every_form_has_the_same_text_and_tells_the_entry(environment: Path, tmp_path: Path) -> None:
    options = (*QUICK, "--entry", ENTRY)
    pack(environment, tmp_path / "out", *options)
    pack(environment, tmp_path / "out.tar", *options)
    text = (tmp_path / "out" / README).read_bytes()
    assert b"    bin/start\n" in text
    with tarfile.open(tmp_path / "out.tar") as archive:
        member = archive.extractfile(README)
        assert member is not None and member.read() == text
    assert json.loads((tmp_path / "out/bundle.json").read_text())["entry"] == ENTRY
    pack(tmp_path / "out", tmp_path / "again", *QUICK)
    assert (tmp_path / "again" / README).read_bytes() == text
    pack(environment, tmp_path / "out", "--update", "--no-readme", *options)
    assert not (tmp_path / "out" / README).exists()


def test_a_project_file_can_do_without(environment: Path, tmp_path: Path) -> None:
    config = tmp_path / "pyproject.toml"
    config.write_text("[tool.bundler]\nreadme = false\n")
    pack(environment, tmp_path / "out", *QUICK, "--config", str(config))
    assert not (tmp_path / "out" / README).exists()

"""The user's own part of a bundle: `--add`, `--entry` and `--symlinks none`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.bundles.conftest import Sample
from tests.material.environments import SLIM, bundler, pack, run
from tests.material.interpreters import main_python
from tests.material.isolation import in_root


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A folder of the user's own: a package with a nested function, a configuration, a link, and a link that leads out."""
    folder = tmp_path / "mine"
    (folder / "shop/pages").mkdir(parents=True)
    (folder / "shop/__init__.py").write_text(
        "class Site:\n    def open():\n        import sys\n        print('open', sys.argv[1:])\n"
    )
    (folder / "shop/pages/index").write_text("page")
    (folder / "shop/latest").symlink_to("pages/index")
    (tmp_path / "outside").write_text("from outside")
    (folder / "shop/outside").symlink_to(tmp_path / "outside")
    (folder / "conf.ini").write_text("[shop]\n")
    return folder


def test_added_files_and_a_start_function_work_in_a_bare_root(
    empty: Path, mine: Path, tmp_path: Path, root: Path
) -> None:
    version = main_python().version
    out = tmp_path / "out"
    place = f"lib/python{version}/site-packages/shop"
    options = ("--add", f"{mine}/shop={place}", "--add", f"{mine}/conf.ini=etc/shop.ini", "--entry", "shop:Site.open")
    pack(empty, out, *SLIM, *options)
    done = in_root(root, out, ["/opt/app/bin/start", "a b", "--flag"])
    assert done.returncode == 0, done.stderr
    assert done.stdout == "open ['a b', '--flag']\n"
    assert (out / "etc/shop.ini").read_text() == "[shop]\n"
    assert os.readlink(out / place / "latest") == "pages/index"
    assert (out / place / "outside").read_text() == "from outside"
    assert not (out / place / "outside").is_symlink()
    origins = {path: fact["origin"] for path, fact in json.loads((out / "bundle.json").read_text())["files"].items()}
    assert origins["etc/shop.ini"] == "added:etc/shop.ini", "no path of this machine"
    assert origins["bin/start"] == "bundler"


def test_a_start_command_hands_its_arguments_on_through_links(sample: Sample, tmp_path: Path, root: Path) -> None:
    out = tmp_path / "out"
    pack(sample.environment, out, *SLIM, "--no-verify", "--entry", "bin/stockroom echo 'two words' $HOME")
    done = in_root(root, out, ["/opt/app/bin/start", "more"])
    assert done.returncode == 0, done.stderr
    (tmp_path / "link").symlink_to(out / "bin/start")
    for said in (done.stdout, run([tmp_path / "link", "more"]).stdout):
        assert json.loads(said)["arguments"] == ["two words", "$HOME", "more"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--add", "nowhere"], "nowhere does not exist"),
        (["--add", "conf.ini=/"], ""),
        (["--add", "conf.ini=bin/python"], "has a bin/python of its own"),
        (["--add", "conf.ini=pyvenv.cfg"], "has a pyvenv.cfg of its own"),
        (["--entry", "nowhere:main"], "no module nowhere"),
        (["--entry", "bin/nowhere serve"], "bin/nowhere is not in the bundle"),
        (["--add", "nowhere", "--add", "conf.ini=../x"], "2 problems"),
    ],
)
def test_what_cannot_be_added_or_started_is_told_and_nothing_is_left(
    empty: Path, mine: Path, tmp_path: Path, options: list[str], said: str
) -> None:
    options = [option.replace("conf.ini", str(mine / "conf.ini"), 1) for option in options]
    out = tmp_path / "out"
    done = bundler(["pack", *SLIM, empty, "--out", out, "--dry-run", *options])
    if said:
        assert done.returncode == 1
        assert said in done.stderr
    else:
        assert done.returncode == 0, "a slash alone is the bundle's root: the file keeps its name"
    assert not out.exists()


@pytest.mark.parametrize("name", ["out", "out.zip"])
def test_without_links_files_take_their_places(empty: Path, mine: Path, tmp_path: Path, root: Path, name: str) -> None:
    out = tmp_path / name
    level = ("--level", "1") if name.endswith("zip") else ()
    pack(
        empty,
        out,
        *SLIM,
        *level,
        "--symlinks",
        "none",
        "--add",
        f"{mine}/shop=share/shop",
        "--entry",
        "python -c 'print(1)'",
    )
    if name.endswith("zip"):
        import zipfile

        with zipfile.ZipFile(out) as archive:
            kinds = {info.external_attr >> 28 for info in archive.infolist()}
            names = set(archive.namelist())
        assert kinds == {0o4, 0o10}, "folders and files, no link"
        assert {"bin/python", "bin/python3", "share/shop/latest"} <= names
        return
    assert [path for path in out.rglob("*") if path.is_symlink()] == []
    assert (out / "share/shop/latest").read_text() == "page"
    for program in ("python", "python3", f"python{main_python().version}"):
        done = in_root(root, out, [f"/opt/app/bin/{program}", "-c", "import sys, ssl; print(sys.prefix)"])
        assert (done.stdout, done.stderr) == ("/opt/app\n", "")
    assert in_root(root, out, ["/opt/app/bin/start"]).stdout == "1\n"

"""The page is made with its bundle or not at all, replaces nothing that was not given up, and lies in no bundle."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bundler.errors import BundlerError, OutputExists, OutputFailed, UnfittingOption
from bundler.formats import ARCHIVES
from bundler.pack import pack
from bundler.trees.settled import settle
from tests.contents.made_up import entries, files_of, write_folder
from tests.material.environments import bundler
from tests.material.tiny import tiny_base, tiny_environment
from tests.page.test_rendering import Page
from tests.sinks.samples import write


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("made-up") / "app", entries(files_of()))


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tiny")
    return tiny_environment(made / "env", tiny_base(made / "base"))


def left_in(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def test_inspect_makes_it_and_replaces_none_without_force(folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "new/page.html"
    done = bundler(["inspect", folder, "--html", page])
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"wrote {page}\n"
    first = page.read_bytes()
    assert "wheels" in Page(first).text
    again = bundler(["inspect", folder, "--html", page])
    assert again.returncode == 1 and "exists" in again.stderr and "--force" in again.stderr
    page.write_text("mine")
    assert bundler(["inspect", folder, "--html", page, "--force", "--json"]).returncode == 0
    assert page.read_bytes() == first
    assert left_in(page.parent) == ["page.html"]


def test_where_there_is_no_bundle_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = bundler(["inspect", tmp_path / "empty", "--html", tmp_path / "new/page.html"])
    assert done.returncode == 1
    assert left_in(tmp_path) == ["empty"]


@pytest.mark.parametrize("words", [["--size"], ["--why", "x"], ["--changed"]])
def test_it_is_one_question_of_several(folder: Path, words: list[str], tmp_path: Path) -> None:
    assert bundler(["inspect", folder, "--html", tmp_path / "a.html", *words]).returncode == 2
    assert bundler(["inspect", folder, "--force"]).returncode == 2


@pytest.mark.everything
@pytest.mark.parametrize("form", [form.name for form in ARCHIVES])
def test_an_archive_of_every_format_has_the_page_of_the_directory(folder: Path, form: str, tmp_path: Path) -> None:
    archive = write(form, tmp_path / f"a.{form}", list(settle(entries(files_of())).entries))
    for bundle, page in ((folder, "one.html"), (archive, "other.html")):
        done = bundler(["inspect", bundle, "--html", tmp_path / page])
        assert done.returncode == 0, done.stderr
    one, other = (Page((tmp_path / page).read_bytes()) for page in ("one.html", "other.html"))
    assert one.data() == other.data()


@pytest.mark.parametrize("out", ["app", "app.tar.gz"])
def test_pack_makes_the_page_that_inspect_makes_of_what_it_made(environment: Path, tmp_path: Path, out: str) -> None:
    page = tmp_path / "page.html"
    report = pack(environment, tmp_path / out, page=page, verify=False)
    assert report.page == str(page) == report.to_dict()["page"]
    assert os.stat(page).st_mode & 0o022 == 0
    done = bundler(["inspect", tmp_path / out, "--html", tmp_path / "other.html"])
    assert done.returncode == 0, done.stderr
    assert page.read_bytes() == (tmp_path / "other.html").read_bytes()
    assert left_in(tmp_path) == sorted([out, "other.html", "page.html"])


def test_what_is_there_is_looked_at_before_anything_is_packed(environment: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.html").write_text("mine")
    (tmp_path / "folder").mkdir()
    for page, error in (("mine.html", OutputExists), ("folder", OutputExists), ("app/page.html", OutputFailed)):
        with pytest.raises(error):
            pack(environment, tmp_path / "app", page=tmp_path / page)
    with pytest.raises(OutputExists):
        pack(environment, tmp_path / "app", page=tmp_path / "mine.html", dry_run=True)
    with pytest.raises(OutputFailed, match="would lie in"):
        pack(environment, tmp_path / "app", page=environment / "page.html", force=True)
    with pytest.raises(OutputFailed, match="would lie in"):
        pack(environment, tmp_path / "app.zip", page=tmp_path / "app.zip", force=True)
    with pytest.raises(UnfittingOption):
        pack(environment, "-", format="tar", page=tmp_path / "page.html")
    assert left_in(tmp_path) == ["folder", "mine.html"]
    assert (tmp_path / "mine.html").read_text() == "mine"


def test_an_update_brings_it_up_to_date(environment: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    pack(environment, tmp_path / "app", page=page, verify=False)
    first = page.read_bytes()
    pack(environment, tmp_path / "app", page=page, verify=False, update=True, exclude=["os.py.bak", "small/*.txt"])
    assert page.read_bytes() != first, "the patterns are told"
    assert left_in(tmp_path) == ["app", "page.html"]


def test_a_dry_run_makes_none_and_a_pack_that_fails_leaves_the_old_one(
    environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.html"
    assert pack(environment, tmp_path / "app", page=page, dry_run=True).page is None
    assert left_in(tmp_path) == []
    page.write_text("old")
    with pytest.raises(BundlerError):
        pack(environment, tmp_path / "app", page=page, force=True, verify=False, exclude=["/bin/python3*"])
    monkeypatch.setattr("bundler.page.writing.render", lambda _: (_ for _ in ()).throw(MemoryError()))
    with pytest.raises(MemoryError):
        pack(environment, tmp_path / "app", page=page, force=True, verify=False)
    assert left_in(tmp_path) == ["page.html"], "without its page no bundle is put in place"
    assert page.read_text() == "old"


def test_a_bundle_with_faults_gets_none_and_that_is_said(environment: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    options = ("--page", page, "--json", "--target", "glibc2.2", "--no-cache")
    done = bundler(["pack", environment, "--out", tmp_path / "app", *options])
    assert done.returncode == 3, done.stderr
    report = json.loads(done.stdout)
    assert "page" not in report
    assert any("no page was made" in line for line in report["warnings"])
    assert left_in(tmp_path) == ["app"]

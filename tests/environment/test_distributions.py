"""What is installed in a package folder, and which files are whose."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundler.environment import Distribution
from bundler.environment.distributions import find_distributions
from bundler.rewrite.direct_url import DirectUrl

METADATA = "Metadata-Version: 2.1\nName: Some.Package\nVersion: 1.0\n\nName: in the description\n"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """An empty package folder of an environment."""
    folder = tmp_path / "lib/python3.12/site-packages"
    folder.mkdir(parents=True)
    return folder


def put(folder: Path, **files: str) -> None:
    """Write files into a new folder; `__` in a name stands for a dot."""
    folder.mkdir()
    for name, text in files.items():
        (folder / name.replace("__", ".").replace("_files", "-files")).write_text(text)


def only(site: Path) -> Distribution:
    (found,) = find_distributions([str(site)])
    return found


def described(site: Path) -> tuple[str, str]:
    found = only(site)
    return found.name, found.version


def test_the_metadata_tells_name_and_version(site: Path) -> None:
    put(site / "some_package-1.0.dist-info", METADATA=METADATA)
    assert described(site) == ("Some.Package", "1.0")
    (site / "some_package-1.0.dist-info/METADATA").write_text("name: Some.Package\r\nVERSION: 1.0\r\n\r\nText")
    assert described(site) == ("Some.Package", "1.0")


def test_without_metadata_the_folder_s_name_tells_them(site: Path) -> None:
    put(site / "some_package-1.0.dist-info")
    assert described(site) == ("some_package", "1.0")
    assert only(site).unreadable == ()


def test_metadata_that_cannot_be_read_is_told(site: Path) -> None:
    put(site / "some_package-1.0.dist-info")
    for name in ("METADATA", "direct_url.json"):
        (site / "some_package-1.0.dist-info" / name).mkdir()
    assert described(site) == ("some_package", "1.0")
    assert only(site).unreadable == (
        "some_package-1.0.dist-info: its metadata cannot be read (Is a directory)",
        "some_package-1.0.dist-info/direct_url.json cannot be read (Is a directory)",
    )


def test_what_setuptools_wrote_before_there_was_dist_info_is_a_distribution(site: Path) -> None:
    put(
        site / "Old-2.0-py3.12.egg-info",
        **{"PKG-INFO": METADATA},
        installed_files__txt="../old.py\n../../../../bin/old\n",
    )
    assert described(site) == ("Some.Package", "1.0")
    assert only(site).files.paths == (f"{site}/old.py", f"{site.parents[2]}/bin/old")
    assert only(site).files.record is None


def test_an_egg_info_that_is_a_file_is_its_own_metadata(site: Path) -> None:
    (site / "older-3.0-py3.12.egg-info").write_text(METADATA)
    assert described(site) == ("Some.Package", "1.0")
    assert not only(site).files.is_there
    (site / "older-3.0-py3.12.egg-info").write_text("")
    assert described(site) == ("older", "3.0")


def test_other_files_and_folders_are_none(site: Path) -> None:
    put(site / "package")
    (site / "file-1.0.dist-info").write_text(METADATA)
    assert find_distributions([str(site), str(site / "gone")]) == ()


def test_an_editable_install_is_told_by_its_url(site: Path) -> None:
    put(site / "a-1.dist-info", direct_url__json='{"url": "file:///src/a", "dir_info": {"editable": true}}')
    put(site / "b-1.dist-info")
    first, second = find_distributions([str(site)])
    assert first.direct_url == DirectUrl("file:///src/a", editable=True)
    assert (first.editable, second.editable, second.direct_url) == (True, False, None)


def test_the_files_of_a_distribution_are_those_in_its_record(site: Path) -> None:
    put(site / "a-1.dist-info", RECORD="a.py,sha256=x,1\n../../../bin/a,,\n/elsewhere/./a,,\n")
    files = only(site).files
    assert files.paths == (f"{site}/a.py", f"{site.parents[2]}/bin/a", "/elsewhere/a")
    assert files.record is not None and len(files.record.paths) == 3
    assert (files.problem, files.is_there) == ("", True)


def test_a_record_is_read_once(site: Path) -> None:
    put(site / "a-1.dist-info", RECORD="a.py,,\n")
    found = only(site)
    assert found.files is found.files
    (site / "a-1.dist-info/RECORD").write_text("b.py,,\n")
    assert found.files.paths == (f"{site}/a.py",)


def test_a_record_that_is_not_there_is_none_and_no_problem(site: Path) -> None:
    put(site / "a-1.dist-info")
    files = only(site).files
    assert (files.paths, files.record, files.problem, files.is_there) == ((), None, "", False)


def test_a_record_that_cannot_be_read_is_a_problem_and_none(site: Path) -> None:
    put(site / "a-1.dist-info")
    (site / "a-1.dist-info/RECORD").mkdir()
    files = only(site).files
    assert (files.paths, files.record, files.is_there) == ((), None, True)
    assert files.problem == "a-1.dist-info/RECORD cannot be read (Is a directory)"


def test_of_a_damaged_record_the_beginning_is_known(site: Path) -> None:
    put(site / "a-1.dist-info", RECORD='a.py,,\n"b' + "x" * 200_000)
    files = only(site).files
    assert files.paths == (f"{site}/a.py",)
    assert files.problem.startswith("a-1.dist-info/RECORD is damaged (")

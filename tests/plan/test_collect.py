"""Every path of the environment and its base gets an entry; links and mounts that lie over others lose nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundler.entries import Directory, Layer, Link, Source
from bundler.errors import BundlerError
from bundler.plan.collect import Collected, collect
from bundler.plan.mounts import Mount, MountTable


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A base with a manual page."""
    page = tmp_path / "base/share/man/man1/python.1"
    page.parent.mkdir(parents=True)
    page.write_text("base")
    return tmp_path / "base"


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """An environment with a module, in a project."""
    module = tmp_path / "project/env/lib/module.py"
    module.parent.mkdir(parents=True)
    module.write_text("environment")
    (tmp_path / "project/code.py").write_text("project")
    return tmp_path / "project/env"


def walk(base: Path, environment: Path) -> Collected:
    """The environment over its base."""
    mounts = [Mount(str(base), "", "base:", Layer.RUNTIME), Mount(str(environment), "", "env:", Layer.PACKAGES)]
    return collect(MountTable(mounts))


def origins(collected: Collected) -> dict[str, str]:
    """The files, and where they came from."""
    return {path: entry.origin for path, entry in collected.entries.items() if isinstance(entry.content, Source)}


def consistent(collected: Collected) -> bool:
    """Whether everything lies in folders."""
    entries = collected.entries
    parents = {path.rpartition("/")[0] for path in entries} - {""}
    return all(isinstance(entries[parent].content, Directory) for parent in parents if parent in entries)


def test_folders_of_both_are_one(base: Path, environment: Path) -> None:
    (environment / "share/man/man1").mkdir(parents=True)
    (environment / "share/man/man1/tool.1").write_text("environment")
    assert origins(walk(base, environment)) == {
        "lib/module.py": "env:lib/module.py",
        "share/man/man1/python.1": "base:share/man/man1/python.1",
        "share/man/man1/tool.1": "env:share/man/man1/tool.1",
    }


def test_a_file_over_a_folder_takes_the_place_of_all_that_is_in_it(base: Path, environment: Path) -> None:
    (environment / "share").mkdir()
    (environment / "share/man").write_text("a file")
    found = walk(base, environment)
    assert origins(found) == {"lib/module.py": "env:lib/module.py", "share/man": "env:share/man"}
    assert consistent(found)


def test_a_folder_over_a_file_takes_its_place(base: Path, environment: Path) -> None:
    (base / "lib").write_text("a file")
    assert origins(walk(base, environment))["lib/module.py"] == "env:lib/module.py"


def test_a_link_to_a_folder_over_a_folder_joins_both(base: Path, environment: Path) -> None:
    (environment / "man/man1").mkdir(parents=True)
    (environment / "man/man1/tool.1").write_text("environment")
    (environment / "share").mkdir()
    (environment / "share/man").symlink_to("../man")
    found = walk(base, environment)
    assert consistent(found)
    assert origins(found) == {
        "lib/module.py": "env:lib/module.py",
        "man/man1/tool.1": "env:man/man1/tool.1",
        "share/man/man1/python.1": "base:share/man/man1/python.1",
        "share/man/man1/tool.1": "env:share/man/man1/tool.1",
    }


def test_a_link_to_a_file_over_a_folder_takes_its_place(base: Path, environment: Path) -> None:
    (environment / "share").mkdir()
    (environment / "share/man").symlink_to("../lib/module.py")
    found = walk(base, environment)
    assert consistent(found)
    assert found.entries["share/man"].content == Link("../lib/module.py")
    assert origins(found) == {"lib/module.py": "env:lib/module.py"}


def test_a_link_to_the_project_around_the_environment_brings_the_project(base: Path, environment: Path) -> None:
    (environment / "lib/linked").symlink_to(environment.parent)
    found = walk(base, environment)
    assert origins(found)["lib/linked/code.py"] == "env:lib/linked/code.py"
    assert not any(path.startswith("lib/linked/env") for path in found.entries)
    assert [warning for warning in found.warnings if "lib/linked/env lies behind a link" in warning]


def test_links_around_each_other_end(base: Path, environment: Path) -> None:
    (environment.parent / "data").mkdir()
    (environment.parent / "data/up").symlink_to("..")
    (environment.parent / "data/file").write_text("data")
    (environment / "lib/data").symlink_to(environment.parent / "data")
    found = walk(base, environment)
    assert origins(found)["lib/data/file"] == "env:lib/data/file"
    assert [warning for warning in found.warnings if "lib/data/up is a link to a folder around it" in warning]


def test_a_file_has_a_stamp_where_it_was_left_alone_before_the_walk(base: Path, environment: Path) -> None:
    changed = (environment / "lib/module.py").stat().st_ctime_ns

    def stamped(now: int) -> bool:
        mounts = MountTable([Mount(str(environment), "", "env:", Layer.PACKAGES)])
        content = collect(mounts, now=now).entries["lib/module.py"].content
        assert isinstance(content, Source)
        return content.stamp is not None

    assert stamped(changed + 10 * 10**9)
    assert not stamped(changed), "a later change could have the same times"
    assert not stamped(changed - 10 * 10**9), "it changed after the environment was read"
    assert not stamped(0), "nobody knows when that was"


def test_a_link_that_leads_out_of_the_environment_is_told_with_what_it_brings(base: Path, environment: Path) -> None:
    outside = environment.parents[1] / "outside"
    (outside / "below").mkdir(parents=True)
    for name in ("one", "below/two"):
        (outside / name).write_bytes(bytes(1500))
    (environment / "to_folder").symlink_to(outside)
    (environment / "to_file").symlink_to(outside / "one")
    (environment / "to_base").symlink_to(base)
    (base / "to_outside").symlink_to(outside / "one")
    collected = walk(base, environment)
    (told,) = collected.warnings
    assert told.startswith(
        "2 links lead out of the environment, and what is there came along (3 files, 5 KiB): env:to_file, env:to_folder; "
    )
    assert str(outside) not in told
    assert origins(collected)["to_folder/below/two"] == "env:to_folder/below/two"


def test_many_links_that_lead_out_are_told_in_one_line(base: Path, environment: Path) -> None:
    (environment.parents[1] / "outside").write_text("x")
    for number in range(9):
        (environment / f"link{number}").symlink_to(environment.parents[1] / "outside")
    (told,) = walk(base, environment).warnings
    assert told.startswith("9 links lead out of the environment")
    assert ": env:link0, env:link1, env:link2 and 6 more; " in told


def test_folders_outside_that_lead_to_each_other_are_taken_once_on_each_way(base: Path, environment: Path) -> None:
    """Two links in each of two folders: 2 to the power of 100 ways, if each were followed as deep as folders may be."""
    one, other = environment.parents[1] / "one", environment.parents[1] / "other"
    for folder, to in ((one, other), (other, one)):
        folder.mkdir()
        (folder / "file").write_text("x")
        (folder / "a").symlink_to(to)
        (folder / "b").symlink_to(to)
    (environment / "way").symlink_to(one)
    collected = walk(base, environment)
    assert {path for path in origins(collected) if path.startswith("way")} == {"way/file", "way/a/file", "way/b/file"}
    assert sum("is a link to a folder around it and is left out" in text for text in collected.warnings) == 4


def test_links_that_lead_to_more_than_any_environment_has_are_an_error(
    base: Path, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twelve folders of which each has a link to every other: no circle, and millions of ways."""
    monkeypatch.setattr("bundler.plan.collect._MOST_BY_LINKS", 5000)
    folders = [environment.parents[1] / f"folder{number}" for number in range(12)]
    for folder in folders:
        folder.mkdir()
    for folder in folders:
        for number, to in enumerate(folders):
            (folder / f"to{number}").symlink_to(to)
    (environment / "way").symlink_to(folders[0])
    with pytest.raises(BundlerError, match="lead to more than 5000 files and folders, env:way"):
        walk(base, environment)


def test_a_link_to_the_whole_machine_ends(base: Path, environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bundler.plan.collect._MOST_BY_LINKS", 2000)
    (environment / "everything").symlink_to("/")
    with pytest.raises(BundlerError, match="lead to more than 2000 files and folders"):
        walk(base, environment)

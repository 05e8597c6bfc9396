"""What differs between two bundles, whatever their formats; and that nothing does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bundler.comparison import diff
from bundler.contents import read_contents
from bundler.contents.differences import Difference
from bundler.contents.why import why
from bundler.entries import Entry
from bundler.host_package import HostPackage, PackageKind
from bundler.manifest import LibraryFact, RecordedOptions
from bundler.trees.settled import settle
from tests.contents.made_up import EXTENSION, LINKS, SITE, WHICH, distribution, entries, files_of, write_folder
from tests.sinks.samples import write


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("made-up") / "app-1", entries(files_of()))


def against(old: Path, tmp_path: Path, new: list[Entry]) -> Difference:
    found = diff(old, write_folder(tmp_path / "app-2", new))
    told = json.loads(json.dumps(found.to_dict()))
    assert told["same"] is found.same and told["same_files"] is found.same_files
    return found


def names(found: Difference) -> list[tuple[str, str | None, str | None]]:
    return [(part.name, part.old_version, part.new_version) for part in found.parts]


@pytest.mark.parametrize("form", ["tar", "tar.gz", "tar.xz", "zip", "run", "oci.tar"])
def test_two_formats_of_one_bundle_are_the_same(old: Path, tmp_path: Path, form: str) -> None:
    archive = write(form, tmp_path / f"a.{form}", list(settle(entries(files_of())).entries))
    for pair in ((old, archive), (archive, old)):
        found = diff(*pair)
        assert found.same and found.same_files and found.unchanged == 4


def test_times_are_not_compared(old: Path, tmp_path: Path) -> None:
    import os

    new = write_folder(tmp_path / "app-2", entries(files_of()))
    os.utime(new / f"{SITE}/zebra.py", (1, 1))
    assert diff(old, new).same


def test_the_one_distribution_that_changed_is_named(old: Path, tmp_path: Path) -> None:
    found = against(old, tmp_path, entries(files_of(wheels="1.1")))
    assert names(found) == [("wheels", "1.0", "1.1")]
    (part,) = found.parts
    assert (part.added, part.removed) == ((), ())
    assert [each.new.path.rpartition("/")[2] for each in part.changed] == ["METADATA", "RECORD", "__init__.py"]
    assert not found.same and found.unchanged == 3


def test_what_is_added_and_removed(old: Path, tmp_path: Path) -> None:
    files = {path: data for path, data in files_of().items() if "zebra" not in path}
    yak = distribution("yak", "3", {"yak.py": b"hair = 1\n"})
    files |= {f"{SITE}/{path}": data for path, data in yak.items()}
    files |= {"share/app/more.toml": b"b = 2\n"}
    found = against(old, tmp_path, entries(files))
    assert names(found) == [("yak", None, "3"), ("zebra", "0.1", None), ("added files", None, None)]
    yak_part, zebra, added = found.parts
    assert yak_part.is_added and not yak_part.is_removed and yak_part.old_size == 0
    assert zebra.is_removed and zebra.new_size == 0 and len(zebra.removed) == 3
    assert [item.path for item in added.added] == ["share/app/more.toml"]
    told = found.to_dict()["distributions"]
    assert isinstance(told, dict)
    assert [each["name"] for each in told["added"]] == ["yak"] and told["unchanged"] == 3


def test_another_version_of_python_has_the_same_files_in_other_places(old: Path, tmp_path: Path) -> None:
    links = {**LINKS, "bin/python3": "python3.13"}
    found = against(old, tmp_path, entries(files_of(python="3.13"), release="3.13", links=links))
    assert (found.old.python, found.new.python) == ("3.12.1", "3.13.1")
    changed = {part.name: [each.new.path for each in part.changed] for part in found.parts}
    # The extension module's name says which Python it is for, and here it did not change.
    assert changed == {"wheels": [], "interpreter": ["bin/python3"]}
    assert [item.path for item in found.parts[0].removed] == [EXTENSION]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"options": RecordedOptions({"profile": "slim"})}, [("--profile", "full", "slim")]),
        ({"warnings": ("one", "two")}, [("warnings", "none", "one, two")]),
        ({"bundler": "2"}, [("bundler", "1", "2")]),
        ({"distributions": ()}, [("distributions", "4 entries", "none")]),
        ({"schema": 0}, [("schema", "1", "0")]),
    ],
)
def test_what_only_bundle_json_tells_otherwise(
    old: Path, tmp_path: Path, more: dict[str, Any], told: list[tuple[str, str, str]]
) -> None:
    found = against(old, tmp_path, entries(files_of(), **more))
    assert not found.same and found.same_files
    assert [tuple(each) for each in found.told] == told


def test_origins_and_the_text_of_bundle_json_alone(old: Path, tmp_path: Path) -> None:
    new = write_folder(tmp_path / "app-2", entries(files_of()))
    text = (new / "bundle.json").read_text()
    (new / "bundle.json").write_text(text.replace("added:share", "added:other"))
    assert [tuple(each) for each in diff(old, new).told] == [("origins", "26 entries", "26 entries, others")]
    (new / "bundle.json").write_text(text + "\n")
    found = diff(old, new)
    assert not found.same and found.told[0].new == "the same facts in another text"


def test_needs_and_libraries(old: Path, tmp_path: Path) -> None:
    hosts = ("libc.so.6", "libX11.so.6")
    found = against(old, tmp_path, entries(files_of(), floor=None, host_libraries=hosts, bundled=()))
    assert found.old.floor is not None and found.new.floor is None
    assert [fact.path for fact in found.libraries_removed] == [WHICH, "lib/bundled/deep/libinner.so"]
    assert (found.host_added, found.host_removed) == (("libX11.so.6",), ("libextra.so",))
    assert not found.same


def test_a_library_of_the_host_that_is_another(old: Path, tmp_path: Path) -> None:
    files = files_of()
    files[WHICH] += b"\0"
    found = against(old, tmp_path, entries(files))
    assert [(each.new.path, each.what) for each in found.libraries_changed] == [(WHICH, "content")]


def test_a_library_of_another_release_of_its_package(old: Path, tmp_path: Path) -> None:
    packages = [HostPackage(PackageKind.DEB, "libwhich1", version) for version in ("1.0-1", "1.0-2")]
    folders = [
        write_folder(
            tmp_path / package.version, entries(files_of(), bundled=(LibraryFact(WHICH, "host:", (), package=package),))
        )
        for package in packages
    ]
    found = diff(*folders)
    (library,) = found.libraries_changed
    assert library.what == "libwhich1 1.0-1 (deb) -> libwhich1 1.0-2 (deb)"
    assert not found.same and found.same_files
    assert why(read_contents(str(folders[0])), "libwhich")[0].facts[2] == "libwhich1 1.0-1 (deb)"


def test_links_and_modes(old: Path, tmp_path: Path) -> None:
    new = write_folder(tmp_path / "app-2", entries(files_of(), links={**LINKS, "lib/bundled/libother.so": "deep/x"}))
    told = json.loads((new / "bundle.json").read_text())
    told["files"]["bin/app"]["mode"] = "755"
    (new / "bundle.json").write_text(json.dumps(told))
    found = {part.name: part.changed[0].what for part in diff(old, new).parts}
    assert found == {"host libraries": "link libwhich.so -> deep/x", "other files": "mode 644 -> 755"}


def test_a_file_that_somebody_changed_is_seen_though_its_size_is_the_same(old: Path, tmp_path: Path) -> None:
    new = write_folder(tmp_path / "app-2", entries(files_of()))
    (new / f"{SITE}/zebra.py").write_bytes(b"stripes = 4\n")
    assert names(diff(old, new)) == [("zebra", "0.1", "0.1")]

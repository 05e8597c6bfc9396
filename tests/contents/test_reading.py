"""The contents of a bundle are what its files and its `bundle.json` tell, in every format alike."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bundler.audit.tree import read_tree
from bundler.contents import Contents, FileKind, Need, Place, read_contents
from bundler.contents.sizes import sizes
from bundler.entries import Layer, Source
from bundler.errors import NotABundle
from bundler.formats import ARCHIVES
from bundler.manifest import PythonFacts
from bundler.trees.settled import settle
from tests.binaries.pe.samples import make_pe
from tests.contents.made_up import EXTENSION, INNER, SITE, STDLIB, WHICH, entries, files_of, write_folder
from tests.material.schemes import WINDOWS_312
from tests.sinks.samples import entry, write

HERE = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("made-up") / "app", entries(files_of()))


@pytest.fixture(scope="module")
def contents(folder: Path) -> Contents:
    return read_contents(str(folder))


@pytest.mark.parametrize("form", [form.name for form in ARCHIVES])
def test_an_archive_of_every_format_has_the_contents_of_the_directory(
    contents: Contents, tmp_path: Path, form: str
) -> None:
    archive = write(form, tmp_path / f"a.{form}", list(settle(entries(files_of())).entries))
    before = sorted(os.listdir(tmp_path))
    found = read_contents(str(archive))
    assert found.name == archive.name
    assert replace(found, name="app") == contents
    assert sorted(os.listdir(tmp_path)) == before


def test_each_file_has_its_owner_layer_and_kind(contents: Contents) -> None:
    found = {item.path: (item.owner, item.layer, item.kind) for item in contents.items}
    assert found["bin/python3.12"] == ("", Layer.RUNTIME, FileKind.PROGRAM)
    assert found["bin/python3"] == ("", Layer.RUNTIME, FileKind.LINK)
    assert found["bin/app"][2] is FileKind.SCRIPT
    assert found[f"{STDLIB}/os.py"] == ("", Layer.RUNTIME, FileKind.MODULE)
    assert found[f"{STDLIB}/__pycache__/os.cpython-312.pyc"] == ("", Layer.RUNTIME, FileKind.COMPILED)
    assert found["include/python3.12/Python.h"] == ("", Layer.RUNTIME, FileKind.HEADER)
    assert found[WHICH] == ("", Layer.RUNTIME, FileKind.LIBRARY)
    assert found[EXTENSION] == ("wheels", Layer.PACKAGES, FileKind.EXTENSION)
    assert found[f"{SITE}/wheels/data.bin"] == ("wheels", Layer.PACKAGES, FileKind.DATA)
    assert found[f"{SITE}/zebra-0.1.dist-info/RECORD"] == ("zebra", Layer.PACKAGES, FileKind.METADATA)
    assert found["share/app/settings.toml"] == ("", Layer.APPLICATION, FileKind.DATA)
    assert found["bundle.json"] == ("", Layer.APPLICATION, FileKind.METADATA)
    changed = [(item.path, item.reason) for item in contents.items if item.reason]
    assert changed == [("bin/app", "its first line named the environment")]


def test_binaries_tell_what_they_need_where_it_is_and_which_libc(contents: Contents) -> None:
    assert list(contents.binaries) == ["bin/python3.12", INNER, WHICH, EXTENSION]
    assert contents.binaries[EXTENSION].needs == (
        Need("libwhich.so", Place.BUNDLE, WHICH),
        Need("libc.so.6", Place.HOST),
        Need("ld-linux-x86-64.so.2", Place.HOST),
        Need("libextra.so", Place.HOST),
    )
    demand = contents.binaries[WHICH].demand
    assert demand is not None and (demand.text, demand.file, demand.reason) == ("2.3", WHICH, "GLIBC_2.3")
    assert contents.binaries[INNER].demand is None


def test_a_link_leads_to_the_file_that_the_loader_takes(tmp_path: Path) -> None:
    asks = files_of()
    asks[EXTENSION] = asks[EXTENSION].replace(b"libwhich.so", b"libother.so")
    (need, *_) = read_contents(str(write_folder(tmp_path / "app", entries(asks)))).binaries[EXTENSION].needs
    assert need == Need("libother.so", Place.BUNDLE, WHICH)


def test_what_no_search_finds_is_missing_whatever_this_machine_has(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "app", entries(files_of(), host_libraries=("libc.so.6",)))
    needs = {need.name: need.place for need in read_contents(str(folder)).binaries[EXTENSION].needs}
    assert needs["libextra.so"] is Place.MISSING and needs["libc.so.6"] is Place.HOST


def test_distributions_are_those_that_are_there(contents: Contents) -> None:
    found = {each.name: each for each in contents.distributions}
    assert list(found) == ["app", "middle", "wheels", "zebra"]
    assert found["app"].is_requested and not found["middle"].is_requested
    assert (found["middle"].version, found["middle"].extras) == ("1.5", ("fast", "slow"))
    assert found["app"].requires == ("middle[fast]>=1",)


def test_counts_and_bytes_are_those_of_verify_and_of_the_disk(folder: Path, contents: Contents) -> None:
    tree = read_tree(str(folder))
    assert contents.files == len(tree.files) and contents.links == len(tree.links) == 2
    there = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    assert contents.size == sum(path.stat().st_size for path in there)


def test_what_came_after_the_pack_is_there_and_has_no_origin(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "app", entries(files_of()))
    (folder / SITE / "wheels/__pycache__").mkdir()
    (folder / SITE / "wheels/__pycache__/__init__.cpython-312.pyc").write_bytes(b"x")
    (folder / SITE / "wheels/later.py").write_bytes(b"y")
    (folder / SITE / "__pycache__").mkdir()
    (folder / SITE / "__pycache__/middle.cpython-312.pyc").write_bytes(b"x")
    (folder / SITE / "zebra.py").write_bytes(b"stripes = 30\n")
    found = {item.path: item for item in read_contents(str(folder)).items}
    for name in ("__pycache__/__init__.cpython-312.pyc", "later.py"):
        item = found[f"{SITE}/wheels/{name}"]
        assert (item.origin, item.owner) == ("", "wheels")
    assert found[f"{SITE}/zebra.py"].size == 13
    assert found[f"{SITE}/__pycache__/middle.cpython-312.pyc"].owner == "middle"


def test_a_directory_is_taken_at_its_word_unless_it_is_read_whole(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "app", entries(files_of()))
    (folder / SITE / "zebra.py").write_bytes(b"stripes = 4\n")
    told, whole = (
        {item.path: item.sha256 for item in read_contents(str(folder), whole=whole).items} for whole in (False, True)
    )
    assert [path for path in told if told[path] != whole[path]] == [f"{SITE}/zebra.py"]


def test_owners_of_distributions_without_a_list(tmp_path: Path) -> None:
    """As Debian installs them (no RECORD), and as setuptools did before there was one."""
    files = {
        **{path: data for path, data in files_of().items() if not path.endswith("zebra-0.1.dist-info/RECORD")},
        f"{SITE}/old-1.egg-info": b"Metadata-Version: 1.0\nName: Old\nVersion: 1\n",
        f"{SITE}/old/__init__.py": b"",
        f"{SITE}/listed-2.egg-info/PKG-INFO": b"Name: listed\nVersion: 2\n",
        f"{SITE}/listed-2.egg-info/installed-files.txt": b"../several/a.py\n../../../../../outside.py\n",
        f"{SITE}/several/a.py": b"",
        f"{SITE}/tops-3.dist-info/METADATA": b"Name: tops\nVersion: 3\n",
        f"{SITE}/tops-3.dist-info/top_level.txt": b"upper\nlower\n",
        f"{SITE}/lower.py": b"",
        f"{SITE}/upper/deep/x.txt": b"",
        f"{SITE}/stray.py": b"",
    }
    folder = write_folder(tmp_path / "app", entries(files))
    found = {item.path[len(SITE) + 1 :]: item.owner for item in read_contents(str(folder)).items}
    assert found["zebra.py"] == "zebra"
    assert (found["old-1.egg-info"], found["old/__init__.py"]) == ("Old", "Old")
    assert found["several/a.py"] == "listed"
    assert (found["lower.py"], found["upper/deep/x.txt"]) == ("tops", "tops")
    assert found["stray.py"] == ""


def test_what_is_no_bundle_is_told(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("x")
    for path in (tmp_path, tmp_path / "text", tmp_path / "nothing"):
        with pytest.raises(NotABundle):
            read_contents(str(path))


def test_a_bundle_without_its_interpreter_still_has_contents(tmp_path: Path) -> None:
    manifest = {"bundler": "1", "schema": 1, "python": {"executable": "bin/python3"}}
    (tmp_path / "bundle.json").write_text(json.dumps(manifest))
    (tmp_path / "x").write_text("x")
    contents = read_contents(str(tmp_path))
    assert [item.path for item in contents.items] == ["bundle.json", "x"]
    assert contents.binaries == {}


def test_a_bundle_for_windows(tmp_path: Path) -> None:
    """As python.org's embeddable Python lies there: its modules beside the program, with the suffix of all."""
    python = PythonFacts(
        "3.12.1", WINDOWS_312, "python312.dll", ("Lib/site-packages",), (".cp312-win_amd64.pyd", ".pyd")
    )
    files = {
        "python.exe": make_pe(["python312.dll", "kernel32.dll"], dll=False),
        "pythonw.exe": make_pe(["python312.dll"], dll=False),
        "python312.dll": make_pe(),
        "_ssl.pyd": make_pe(["libssl-3.dll"]),
        "libssl-3.dll": make_pe(),
        "python312.zip": b"PK",
        "Lib/site-packages/own.pyd": make_pe(["python312.dll"]),
        "Scripts/tool.exe": make_pe([], dll=False),
    }
    more: dict[str, Any] = {
        "python": python,
        "system": "win32",
        "libc": None,
        "machine": "AMD64",
        "bundled": (),
        "floor": None,
    }
    contents = read_contents(str(write_folder(tmp_path / "app", entries(files, links={}, **more))))
    kinds = {item.path: item.kind for item in contents.items if item.path in files}
    assert kinds == {
        "python.exe": FileKind.PROGRAM, "pythonw.exe": FileKind.PROGRAM, "Scripts/tool.exe": FileKind.PROGRAM,
        "python312.dll": FileKind.LIBRARY, "libssl-3.dll": FileKind.LIBRARY, "python312.zip": FileKind.DATA,
        "_ssl.pyd": FileKind.EXTENSION, "Lib/site-packages/own.pyd": FileKind.EXTENSION,
    }  # fmt: skip
    assert {portion.name: portion.files for portion in sizes(contents).parts} == {
        "interpreter": 3, "standard library": 3, "other files": 2, "made by bundler": 0,
    }  # fmt: skip
    assert contents.binaries["_ssl.pyd"].needs == (Need("libssl-3.dll", Place.BUNDLE, "libssl-3.dll"),)


@pytest.mark.everything
def test_reading_an_archive_needs_bounded_memory(tmp_path: Path) -> None:
    """What is decompressed at once has a bound: 256 MiB of data need no more than 64."""
    code = (
        "import re, sys; from bundler.contents import read_contents; read_contents(sys.argv[1]);"
        "print(re.search(r'VmHWM:\\s*(\\d+) kB', open('/proc/self/status').read())[1])"
    )
    peaks = []
    for megabytes in (64, 256):
        large = tmp_path / "large"
        large.write_bytes(os.urandom(1 << 20) * megabytes)
        made = settle([entry("share/large", Source(str(large), megabytes << 20)), *entries(files_of())]).entries
        archive = write("tar.zst", tmp_path / f"{megabytes}.tar.zst", list(made))
        done = subprocess.run(
            [sys.executable, "-c", code, archive], capture_output=True, text=True, check=True, cwd=HERE
        )
        peaks.append(int(done.stdout) >> 10)
    assert peaks[1] - peaks[0] < 40, peaks

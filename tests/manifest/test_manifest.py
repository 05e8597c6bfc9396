"""`bundle.json` survives the way out and back, whatever the names, and nothing else is taken for one."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundler.ceiling import NO_CEILING, Ceiling, Demand
from bundler.companions import CompanionFact, CompiledInPath
from bundler.errors import NotABundle, UnsupportedBundle
from bundler.floor import Floor
from bundler.host_package import Copyleft, HostPackage, PackageKind
from bundler.manifest import (
    ChangedFile,
    FileFact,
    LibraryFact,
    Manifest,
    MissingLibrary,
    OpenedFact,
    PackageFact,
    PythonFacts,
    RecordedOptions,
    read_manifest,
    write_manifest,
)
from tests.material.schemes import POSIX_312

MANIFEST = Manifest(
    bundler="0.1.0",
    python=PythonFacts(
        "3.12.1",
        POSIX_312,
        "lib/libpython3.12.so.1.0",
        ("lib/python3.12/site-packages",),
        (".so",),
        package=HostPackage(PackageKind.RPM, "python3.12", "0:3.12.1-2", "x86_64", "python3.12-3.12.1-2.src.rpm"),
        licence_files=("share/licenses/bundled/python3.12/LICENSE",),
    ),
    machine="x86_64",
    floor=Floor("glibc", (2, 34), "lib/x.so", "GLIBC_2.34", (2, 17)),
    libc="glibc",
    distributions=(("rich", "13.0"),),
    files={"bin/\udce9": FileFact("00" * 32, 5, None, "env:bin/\udce9"), "bin/python": FileFact(link="python3.12")},
    changed=(ChangedFile("bin/x", "env:bin/x", "because"),),
    bundled=(
        LibraryFact("lib/bundled/libz.so.1", "host:/lib/libz.so.1", ("bin/python3.12",), "GPL", Copyleft.STRONG),
        LibraryFact(
            "lib/bundled/libssl.so.3",
            "host:/lib/libssl.so.3",
            ("bin/python3.12",),
            "Apache-2.0",
            Copyleft.NO,
            HostPackage(PackageKind.DEB, "libssl3", "3.0.17-1", "amd64", "openssl", "3.0.17", "debian", "12"),
            ("share/licenses/bundled/libssl3/copyright",),
        ),
    ),
    application=("shop", "1.0"),
    host_libraries=("libc.so.6",),
    missing=(MissingLibrary("lib/x.so", "libtbb.so.12"),),
    companions=(
        CompanionFact("lib/y.so", "lib/plugins", "host:/usr/lib/plugins", 2, "plugins", "all of it", "a constant"),
    ),
    companion_packages=(
        PackageFact(HostPackage(PackageKind.APK, "plugins", "1-r0"), ("lib/plugins/a.so",), "MIT", ("share/x",)),
    ),
    compiled_in=(CompiledInPath("lib/y.so", "/usr/share/y", 7),),
    opened=(OpenedFact("lib/x.so", ("liby.so.1",), "required", "y", "bundled", "lib/bundled/liby.so.1"),),
    ceiling=Ceiling(
        ("a.so",), ("b.so",), Demand("x86-64-v3", "c.so"), (Demand("GLIBC_ABI_X", "d.so"),), ("e.so",), ("f.so",)
    ),
    import_failures={"a.b": "ImportError: no"},
    entry="bin/app 'two words'",
    start_module="a.b",
    options=RecordedOptions({"profile": "slim", "isolated": True, "exclude": ("a", "!b")}, ("profile",)),
    warnings=("careful",),
)


def test_everything_comes_back() -> None:
    data = write_manifest(MANIFEST)
    assert data.isascii()
    assert read_manifest(data) == MANIFEST
    assert list(json.loads(data))[-1] == "files"


def test_a_library_of_a_bundle_of_before_has_a_licence_for_strong_copyleft_alone() -> None:
    told = json.loads(write_manifest(MANIFEST))
    told["libraries"]["bundled"] = [
        {"path": "lib/bundled/libreadline.so.8", "origin": "host:x", "needed_by": [], "licence": "GPL-3.0-or-later"},
        {"path": "lib/bundled/libz.so.1", "origin": "host:x", "needed_by": []},
    ]
    del told["python"]["package"], told["python"]["licence_files"], told["application"]
    read = read_manifest(json.dumps(told).encode())
    assert [fact.copyleft for fact in read.bundled] == [Copyleft.STRONG, Copyleft.NO]
    assert [fact.package for fact in read.bundled] == [None, None]
    assert (read.python.package, read.python.licence_files, read.application) == (None, (), ("", ""))


def test_a_package_of_a_manager_that_is_not_known_is_none() -> None:
    told = json.loads(write_manifest(MANIFEST))
    told["libraries"]["bundled"][1]["package"]["kind"] = "pacman"
    assert read_manifest(json.dumps(told).encode()).bundled[1].package is None


def test_a_release_of_musl_has_three_numbers() -> None:
    floor = Floor("musl", (1, 2, 5), "lib/x.so", "statx", (1, 2, 3))
    assert read_manifest(write_manifest(dataclasses.replace(MANIFEST, floor=floor, libc="musl"))).floor == floor


def test_a_bundle_of_before_has_no_ceiling_and_tells_no_options() -> None:
    told = json.loads(write_manifest(MANIFEST))
    del told["platform"]["ceiling"], told["libraries"]["opened"], told["options"]
    del told["libraries"]["companions"], told["libraries"]["compiled_in"]
    read = read_manifest(json.dumps(told).encode())
    assert (read.ceiling, read.opened, read.options) == (NO_CEILING, (), None)
    assert (read.companions, read.compiled_in) == ((), ())


@given(st.text(alphabet=st.characters(exclude_categories=[]), min_size=1))
def test_any_name_comes_back(name: str) -> None:
    changed = dataclasses.replace(MANIFEST, files={name: FileFact("00", 1, None, name)})
    assert read_manifest(write_manifest(changed)).files == changed.files


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b"3", b'{"bundler": 3}', b'{"bundler": "1", "files": []}', b"[" * 9999]
)
def test_what_is_no_manifest_is_refused(data: bytes) -> None:
    with pytest.raises(NotABundle):
        read_manifest(data)


def test_a_later_schema_is_refused_with_a_hint() -> None:
    with pytest.raises(UnsupportedBundle, match="schema 99"):
        read_manifest(b'{"bundler": "9", "schema": 99}')


def test_a_bundle_that_does_not_tell_its_layout_has_that_of_a_plain_installation() -> None:
    told = json.loads(write_manifest(MANIFEST))
    for later in ("scheme", "library"):
        del told["python"][later]
    del told["platform"]["floor_of"]
    read = read_manifest(json.dumps(told).encode())
    assert read.python.scheme == dataclasses.replace(POSIX_312, libpython=())
    assert read.floor == MANIFEST.floor


def test_paths_that_lead_out_of_a_bundle_are_told() -> None:
    """No pack writes any; who reads one must neither look there nor write."""
    whole = read_manifest(
        json.dumps({"bundler": "1", "python": {"executable": "bin/python3", "stdlib": "lib/python3.12"}}).encode()
    )
    assert list(whole.leading_out()) == []
    python = {
        "executable": "/usr/bin/python3", "stdlib": "lib/python3.12", "library": "../lib/x.so",
        "site_packages": ["lib/./site"], "scheme": {"scripts": "bin/", "libpython": ["a//b"]},
    }  # fmt: skip
    told = {
        "bundler": "1",
        "python": python,
        "files": {"a/../../b": {}, "a/.hidden": {}, "c/..d": {}},
        "libraries": {"loader": "/ld.so"},
    }
    found = set(read_manifest(json.dumps(told).encode()).leading_out())
    assert found == {"/usr/bin/python3", "../lib/x.so", "lib/./site", "bin/", "a//b", "a/../../b", "/ld.so"}


@pytest.mark.parametrize(
    ("version", "release"),
    [("3.12.1", (3, 12)), ("3.15.0rc1", (3, 15)), ("", (0, 0)), ("x", (0, 0)), ("9" * 5000, (0, 0))],
)
def test_a_version_that_is_none_is_no_release(version: str, release: tuple[int, int]) -> None:
    read = read_manifest(json.dumps({"bundler": "1", "python": {"version": version}}).encode())
    assert read.python.release == release

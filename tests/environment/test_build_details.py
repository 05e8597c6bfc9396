"""`build-details.json`: what a Python says of itself, under its own name and under Debian's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bundler.environment.build_details import read_build_details
from bundler.environment.facts import VersionInfo
from bundler.environment.from_files.posix import _extension_suffixes
from bundler.sysroot import HOST


def write(folder: Path, name: str, *flags: str, **more: object) -> None:
    version = {"major": 3, "minor": 15, "micro": 2, "releaselevel": "candidate", "serial": 1}
    details = {
        "implementation": {"name": "cpython", "version": version},
        "abi": {"flags": list(flags)},
        "suffixes": {"extensions": ["." + "".join(flags) + ".so", ".so"]},
    }
    (folder / name).write_text(json.dumps(details | more))


@pytest.mark.parametrize(
    "names",
    [
        ("build-details.json", "build-details.d.json"),
        ("build-details..x86_64-linux-gnu.json", "build-details.d.x86_64-linux-gnu.json"),
    ],
)
def test_it_is_read_by_the_flags_of_the_interpreter(tmp_path: Path, names: tuple[str, str]) -> None:
    write(tmp_path, names[0])
    write(tmp_path, names[1], "d")
    for flags in ("", "d"):
        found = read_build_details(str(tmp_path), flags, HOST)
        assert found is not None
        assert found.extension_suffixes == (f".{flags}.so", ".so")
        assert found.version_info == VersionInfo(3, 15, 2, "candidate", 1)
    assert read_build_details(str(tmp_path), "t", HOST) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"abi": 1, "suffixes": {"extensions": [1]}}', "[" * 100_000])
def test_what_says_nothing_is_passed_over(tmp_path: Path, text: str) -> None:
    (tmp_path / "build-details.json").write_text(text)
    found = read_build_details(str(tmp_path), "", HOST)
    assert found is None or (found.version_info, found.extension_suffixes) == (None, ())


def test_flags_are_those_of_the_interpreter_in_any_order(tmp_path: Path) -> None:
    write(tmp_path, "build-details.json", "d", "t")
    assert read_build_details(str(tmp_path), "td", HOST) is not None


@pytest.mark.parametrize(
    ("minor", "thread", "suffixes"),
    [
        (14, "", ".abi3.so .so"),
        (13, "t", ".abi3.so .so"),
        (15, "", ".abi3-x86_64-linux-gnu.so .abi3.so .abi3t-x86_64-linux-gnu.so .abi3t.so .so"),
        (15, "t", ".abi3t-x86_64-linux-gnu.so .abi3t.so .so"),
    ],
)
def test_without_it_the_suffixes_are_those_of_the_version(minor: int, thread: str, suffixes: str) -> None:
    data = {"SOABI_PLATFORM": "x86_64-linux-gnu"}
    found = _extension_suffixes(minor, {"EXT_SUFFIX": ".cpython.so"}, data, thread)
    assert found == (".cpython.so", *suffixes.split())

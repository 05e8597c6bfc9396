"""The script of a file that unpacks itself is bundler's own, or `verify` says so: the checksum does not cover it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bundler.audit.self_extracting import audit_script
from bundler.audit.tree import BundleTree
from bundler.manifest.model import Manifest, PythonFacts
from bundler.sinks.archives.self_extracting import has_own_script
from bundler.version import VERSION
from tests.material.schemes import POSIX_312
from tests.sinks.samples import FACTS, open_sink, sample, write


def tree(version: str = VERSION) -> BundleTree:
    python = PythonFacts("3.12.1", POSIX_312, None, (), ())
    return BundleTree("/bundle", Manifest(version, python, "x86_64", None, (), {}), {}, {}, frozenset(), frozenset())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write("run", tmp_path / "a.run", [item for item in sample(tmp_path) if item.path != "big"])


@pytest.mark.parametrize("start", ["", "bin/run", 'bin/it\'s "so" $(x) `y`', "bin/é"])
def test_what_bundler_writes_is_its_own(tmp_path: Path, start: str) -> None:
    facts = replace(FACTS, start=start)
    with open_sink("run", tmp_path / "a b' $(x).run", facts=facts) as sink:
        for item in sample(tmp_path)[:3]:
            sink.add(item)
        sink.finish()
        sink.place()
    (path,) = tmp_path.glob("*.run")
    assert has_own_script(str(path))
    assert list(audit_script(str(path), tree())) == []


def behind_the_second_line(data: bytes) -> bytes:
    first, second, rest = data.split(b"\n", 2)
    return b"\n".join((first, second, b"touch /tmp/x", rest))


@pytest.mark.parametrize(
    "spoil",
    [
        behind_the_second_line,
        lambda data: data.replace(b"set -eu", b"set -e "),
        lambda data: data.replace(b"name=app", b"name=$(x"),
        lambda data: data.replace(b"name=app", b"name=../"),
        lambda data: data.replace(b"start=bin/run", b"start=../../x"),
        lambda data: data.replace(b"start=bin/run", b"start=/bin/run"),
        lambda data: data.replace(b"tar -xf -", b"tar -xf- "),
        lambda data: data.replace(b"exit 0\n", b"exit 0 \n"),
    ],
)
def test_a_script_that_was_changed_is_a_fault(file: Path, spoil: Callable[[bytes], bytes]) -> None:
    spoiled = spoil(file.read_bytes())
    assert spoiled != file.read_bytes()
    file.write_bytes(spoiled)
    assert not has_own_script(str(file))
    (fault,) = audit_script(str(file), tree())
    assert "is not the one that bundler wrote" in fault.message
    assert list(audit_script(str(file), tree("0.0.1"))) == [], "of another version's nothing is known"


def test_an_archive_without_a_script_has_none_to_be_wrong(tmp_path: Path) -> None:
    path = write("tar.gz", tmp_path / "a.tar.gz", sample(tmp_path)[:3])
    assert list(audit_script(str(path), tree())) == []

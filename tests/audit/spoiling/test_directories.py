"""Each way to spoil a bundle (docs/spoiled.md) is told by the audit: a fault of the right kind, which names the right path."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

import pytest

from bundler.audit import verify
from bundler.errors import NotABundle, UnsupportedBundle
from tests.audit.spoiling import binaries, files, metadata, scripts, starts
from tests.audit.spoiling.way import WAYS, Spoiled, Way
from tests.material.environments import run
from tests.material.interpreters import main_python

MODULES = (binaries, files, metadata, scripts, starts)


def filled(text: str, bundle: Spoiled) -> str:
    """The text with the bundle's own paths in it."""
    zlib = bundle.library("libz.so") if "{zlib" in text else ""
    floor_file = bundle.manifest["platform"]["floor_file"]
    names = ("python", "stdlib", "site", "zip", "dynload", "suffix", "tag")
    own = {name: getattr(bundle, name) for name in names}
    return text.format(**own, zlib=zlib, zlib_name=zlib.rpartition("/")[2], floor_file=floor_file)


def test_a_bundle_that_nobody_spoiled_has_no_fault(bundle: Spoiled) -> None:
    report = verify(bundle.root, run=False)
    assert (report.faults, report.added, report.notes) == ((), (), ())


def test_what_changes_nothing_is_counted_and_a_fault_where_that_is_asked_for(bundle: Spoiled) -> None:
    bundle.write("NOTES.txt", b"ours")
    report = verify(bundle.root, run=False)
    assert (report.faults, report.added) == ((), ("NOTES.txt",))
    assert [fault.path for fault in verify(bundle.root, run=False, strict=True).faults] == ["NOTES.txt"]


@pytest.mark.parametrize("way", [pytest.param(way, id=way.name) for way in WAYS])
def test_it_is_told(bundle: Spoiled, way: Way) -> None:
    path, words = filled(way.path, bundle), filled(way.words, bundle)
    way.spoil(bundle)
    faults = verify(bundle.root, run=False).faults
    told = [fault for fault in faults if (fault.kind, fault.path) == (way.kind, path) and words in fault.message]
    assert told, "\n".join(f"{fault.kind.value}: {fault.path}: {fault.message}" for fault in faults)
    assert all(fault.hint for fault in faults)


def cut(data: bytes) -> bytes:
    return data[:-200]


def no_object(_: bytes) -> bytes:
    return b"[]"


def deep(_: bytes) -> bytes:
    return b"[" * 1_000_000


def entry_twice(data: bytes) -> bytes:
    """A second entry for one path, as text: no value of JSON has it."""
    return data.replace(b'"files": {', b'"files": {"pyvenv.cfg": {"sha256": "00", "size": 1}, "pyvenv.cfg": {},', 1)


def key_twice(data: bytes) -> bytes:
    return data.replace(b"{", b'{"schema": 1,', 1)


@pytest.mark.parametrize("change", [cut, no_object, deep, entry_twice, key_twice])
def test_a_bundle_json_that_nobody_can_go_by_is_an_error(bundle: Spoiled, change: Callable[[bytes], bytes]) -> None:
    bundle.write("bundle.json", change(bundle.read("bundle.json")))
    with pytest.raises(NotABundle, match=r"bundle\.json"):
        verify(bundle.root, run=False)


def test_one_of_a_later_bundler_asks_for_that(bundle: Spoiled) -> None:
    bundle.edit(lambda manifest: manifest.update(schema=99))
    with pytest.raises(UnsupportedBundle, match="schema 99"):
        verify(bundle.root, run=False)


def test_one_that_lies_elsewhere_is_none(bundle: Spoiled) -> None:
    elsewhere = bundle.root.parent / "elsewhere.json"
    elsewhere.write_text(json.dumps(bundle.manifest))
    bundle.link("bundle.json", str(elsewhere))
    with pytest.raises(NotABundle):
        verify(bundle.root, run=False)


def compiled(bundle: Spoiled, source: str, code: bytes) -> str:
    """Compile other code in a module's name, as Python does it where it imports that module; the bundle path of the pyc."""
    place = bundle.root / source
    times = place.stat()
    data = place.read_bytes()
    assert len(code) == len(data)
    bundle.write(source, code)
    os.utime(place, ns=(times.st_atime_ns, times.st_mtime_ns))
    script = "import py_compile, sys; print(py_compile.compile(sys.argv[1]))"
    done = run([main_python().executable, "-c", script, place])
    bundle.write(source, data)
    os.utime(place, ns=(times.st_atime_ns, times.st_mtime_ns))
    return os.path.relpath(done.stdout.strip(), bundle.root)


@pytest.mark.parametrize(("price", "is_told"), [(b"PRICE = 1\n", False), (b"PRICE = 9\n", True)])
def test_a_compiled_module_with_other_code_is_told_and_nothing_is_imported(
    bundle: Spoiled, price: bytes, is_told: bool
) -> None:
    pyc = compiled(bundle, f"{bundle.site}/stall/trade.py", price)
    assert verify(bundle.root, run=False).faults == (), "no reading tells it"
    report = verify(bundle.root, run=True)
    told = [fault.path for fault in report.faults if "has other code than" in fault.message]
    assert told == ([pyc] if is_told else [])
    assert (report.run is None) is is_told

"""No process of a bundle may have parts of this machine's libc beside parts of the bundle's."""

from __future__ import annotations

from dataclasses import replace

from bundler.audit.alone import own_names
from bundler.audit.observation import Observation
from bundler.audit.seen_files import SeenFile
from bundler.audit.tree import BundleTree
from bundler.audit.two_libcs import mixed_libcs, own_libc
from bundler.bundle_paths import BundleRoot
from bundler.floor import Floor
from bundler.manifest import LibraryFact, Manifest, PythonFacts
from tests.material.schemes import POSIX_312

OWN = ("lib/libc/ld-linux-x86-64.so.2", "lib/libc/libc.so.6", "lib/libc/libm.so.6")
PYTHON = PythonFacts("3.12.1", POSIX_312, None, (), (".so",))
MANIFEST = Manifest(
    "1",
    PYTHON,
    "x86_64",
    None,
    (),
    {},
    bundled=(LibraryFact("lib/bundled/libz.so.1", "host:/lib/libz.so.1", ()), LibraryFact(OWN[1], "host:", ())),
    loader=OWN[0],
    host_libc=Floor("glibc", (2, 36), "lib/x.so", "GLIBC_2.36"),
)
SEEN = SeenFile("", 0)
TREE = BundleTree("/b", MANIFEST, dict.fromkeys(OWN, SEEN), {}, frozenset(), frozenset())
ROOT = BundleRoot("/b")


def mixed(*mapped: str) -> list[str]:
    return [fault.path for fault in mixed_libcs([Observation("x", libraries=frozenset(mapped))], TREE, ROOT)]


def test_all_of_one_libc_is_no_fault() -> None:
    assert mixed("/lib/libc.so.6", "/lib/libm.so.6", "/b/lib/bundled/libz.so.1") == []
    assert mixed(*(f"/b/{path}" for path in OWN), "/lib/libnss_sss.so.2") == []


def test_parts_of_two_are_a_fault_with_the_machine_s_part() -> None:
    assert mixed("/b/lib/libc/libc.so.6", "/lib/libm.so.6", "/lib/ld-linux-x86-64.so.2") == [
        "/lib/ld-linux-x86-64.so.2",
        "/lib/libm.so.6",
    ]


def test_names_of_libc_are_nobody_else_s_where_the_bundle_never_takes_the_machine_s() -> None:
    assert own_names(TREE) == {"libz.so.1"}
    always = replace(TREE, manifest=replace(MANIFEST, host_libc=None))
    assert own_names(always) == {"libz.so.1", "libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2"}
    none = replace(TREE, manifest=replace(MANIFEST, host_libc=None, loader=""))
    assert own_libc(none) == frozenset()

"""Headers of typelibs, read as GObject introspection reads them."""

from __future__ import annotations

import struct
import subprocess

import pytest

from bundler.errors import BinaryFormatError
from bundler.systems.linux.typelib import Typelib, read_typelib, versions_of, with_dependencies
from tests.material.gobject import need_gi, typelibs

ASK = """
import sys
from gi.repository import GIRepository
repository = GIRepository.Repository.get_default()
for line in sys.stdin:
    namespace, _, version = line.strip().rpartition("-")
    repository.require(namespace, version, 0)
    print(line.strip(), repository.get_shared_library(namespace) or "", *sorted(repository.get_immediate_dependencies(namespace)))
"""


def typelib(
    namespace: str, version: str, needed: str = "", libraries: str = "", order: str = "<", major: int = 4
) -> bytes:
    """A typelib that is a header and its strings; an empty string is none."""
    head = struct.calcsize(f"{order}16sBBHHH9I")
    strings, places = b"", []
    for text in (needed, namespace, version, libraries):
        places.append(head + len(strings) if text else 0)
        strings += text.encode() + b"\0" if text else b""
    size = head + len(strings)
    numbers = (0, 0, 0, places[0], size, *places[1:], 0)
    return struct.pack(f"{order}16sBBHHH9I", b"GOBJ\nMETADATA\r\n\x1a", major, 0, 0, 0, 0, *numbers) + strings


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_header_is_read_in_either_byte_order(order: str) -> None:
    data = typelib("Gtk", "3.0", "Gdk-3.0|xlib-2.0", "libgtk-3.so.0,libgdk-3.so.0", order)
    expected = Typelib("Gtk", "3.0", ("Gdk-3.0", "xlib-2.0"), ("libgtk-3.so.0", "libgdk-3.so.0"))
    assert read_typelib(data) == expected
    assert expected.name == "Gtk-3.0"
    assert read_typelib(typelib("xlib", "2.0", order=order)) == Typelib("xlib", "2.0", (), ())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GOBJ\nMETADATA\r\n\x1a",
        typelib("Gtk", "3.0")[:-1],
        typelib("Gtk", "3.0") + b"more",
        typelib("Gtk", "3.0", major=5),
        b"X" + typelib("Gtk", "3.0")[1:],
        typelib("Gtk", "3.0")[:-1] + b"x",
    ],
)
def test_other_bytes_are_no_typelib(data: bytes) -> None:
    with pytest.raises(BinaryFormatError):
        read_typelib(data)


def test_typelibs_of_this_machine_say_what_the_library_reads_in_them() -> None:
    need_gi()
    every = [read_typelib(path.read_bytes()) for path in typelibs()]
    read = {each.namespace: each for each in every}  # two versions of one do not go together
    assert len(read) >= 5  # the library itself brings so many
    ours = [" ".join([each.name, ",".join(each.libraries), *sorted(each.dependencies)]) for each in read.values()]
    names = "".join(f"{each.name}\n" for each in read.values())
    done = subprocess.run(["/usr/bin/python3", "-c", ASK], input=names, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ours


KNOWN = {
    name: Typelib(name.partition("-")[0], name.partition("-")[2], needed, ())
    for name, needed in {
        "Gtk-3.0": ("Gdk-3.0",), "Gtk-4.0": ("Gdk-4.0",), "Gdk-3.0": ("Gio-2.0", "gone-1.0"), "Gdk-4.0": ("Gio-2.0",),
        "Gio-2.0": ("GObject-2.0",), "GObject-2.0": (), "Gtk-10.0": (),
    }.items()
}  # fmt: skip


def test_what_a_typelib_needs_comes_with_it() -> None:
    assert with_dependencies(["Gtk-3.0", "absent-1.0"], KNOWN) == {"Gtk-3.0", "Gdk-3.0", "Gio-2.0", "GObject-2.0"}


def test_versions_are_numbers() -> None:
    assert versions_of("Gtk", KNOWN) == ["Gtk-10.0", "Gtk-4.0", "Gtk-3.0"]
    assert versions_of("Gst", KNOWN) == []

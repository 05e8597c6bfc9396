"""Which typelibs code requires is read from its text; where it cannot be, all of them come along."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundler.entries import Entry, Source
from bundler.plan.binaries.linux.introspection import UNTOLD, RequiredTypelibs, Requirement, chosen, requirements
from tests.material.schemes import POSIX_312
from tests.plan.made_up import SITE, entry
from tests.systems.linux.test_typelib import KNOWN, typelib

GTK = Requirement("Gtk")
GST = Requirement("Gst", any_version=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from gi.repository import Gtk, Gdk as G", {GTK, Requirement("Gdk")}),
        ("def f():\n    from gi.repository import (\n        Gtk,\n    )", {GTK}),
        ("from gi.repository.Gtk import Window", {GTK}),
        ("import gi.repository.Gtk as g", {GTK}),
        ("import gi.repository\ngi.repository.Gtk.main()", {GTK}),
        ("from gi import repository as r\nr.Gtk.main()", {GTK}),
        ("import gi\ngi.require_version('Gtk', '3.0')", {Requirement("Gtk", "3.0")}),
        ("from gi import require_version\nrequire_version('Gtk', '3.0')", {Requirement("Gtk", "3.0")}),
        ("import gi\ngi.require_version('Gtk', version)", {Requirement("Gtk", any_version=True)}),
        ("import gi\ngi.require_versions({'Gtk': '3.0', 'Gst': V})", {Requirement("Gtk", "3.0"), GST}),
        ("import importlib\nimportlib.import_module('gi.repository.Gtk')", {GTK}),
        ("import gi\ngi.require_version(name, '3.0')", {UNTOLD}),
        ("import gi\ngi.require_versions({**more})", {UNTOLD}),
        ("import gi\ngi.require_versions(every)", {UNTOLD}),
        ("import importlib\nimportlib.import_module('gi.repository.' + name)", {UNTOLD}),
        ("import importlib\nimportlib.import_module(f'gi.repository.{name}')", {UNTOLD}),
        ("from gi.repository import Gtk\nprint 'an older Python'", {UNTOLD}),
        ("'''Says: from gi.repository import Gtk'''", set()),
        ("def _require_version_compare(f): ...", set()),
        ("from .repository import Gtk", set()),
        ("import gi", set()),
    ],
)  # fmt: skip
def test_what_code_requires_is_read_from_its_text(text: str, expected: set[Requirement]) -> None:
    assert requirements(text.encode()) == expected


@pytest.mark.parametrize(
    ("required", "expected"),
    [
        ([Requirement("Gtk", "3.0"), GTK], {"Gtk-3.0"}),
        ([GTK], {"Gtk-10.0"}),
        ([Requirement("Gtk", "3.0"), Requirement("Gtk", any_version=True)], {"Gtk-3.0", "Gtk-4.0", "Gtk-10.0"}),
        ([Requirement("Gst", "1.0"), Requirement("Absent")], set()),
        ([], set()),
    ],
)
def test_a_version_that_somebody_tells_is_taken_and_else_the_newest(
    required: list[Requirement], expected: set[str]
) -> None:
    assert {name for name in chosen(required, KNOWN) if name.startswith("Gtk")} == expected


def test_where_code_makes_names_up_it_is_all_of_them() -> None:
    assert chosen([UNTOLD, GTK], KNOWN) == {*KNOWN}


class Code:
    """Files of a bundle, and typelibs of a machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.entries: dict[str, Entry] = {}
        for name in ("GLib", "GObject", "Gio", "Gtk", "Gdk", "Gst"):
            (folder / f"{name}-2.0.typelib").write_bytes(typelib(name, "2.0", libraries=f"lib{name}.so"))

    def put(self, path: str, data: str | bytes, origin: str = "env:") -> None:
        place = self.folder / str(len(self.entries))
        place.write_bytes(data if isinstance(data, bytes) else data.encode())
        made = entry(path)._replace(content=Source(str(place), place.stat().st_size), origin=origin + path)
        self.entries[path] = made

    @property
    def required(self) -> RequiredTypelibs:
        there = {f"lib/girepository-1.0/{path.name}": str(path) for path in self.folder.glob("*.typelib")}
        return RequiredTypelibs(there, self.entries, POSIX_312)

    @property
    def names(self) -> set[str]:
        return {name.partition("-")[0] for name in self.required.files}


ALL = {"GLib", "GObject", "Gio", "Gtk", "Gdk", "Gst"}
BASIC = {"GLib", "GObject", "Gio"}


@pytest.fixture
def code(tmp_path: Path) -> Code:
    return Code(tmp_path)


def test_what_the_environment_s_own_code_requires_comes_along_with_what_pygobject_does(code: Code) -> None:
    code.put(f"{SITE}/gi/overrides/Gtk.py", "from gi.repository import Gdk")
    code.put(f"{SITE}/gi/overrides/Gst.py", "from gi.repository import Absent")
    code.put(f"{SITE}/pygtkcompat/__init__.py", "from gi.repository import Gst")
    code.put(f"{SITE}/app/window.py", "from gi.repository import Gtk")
    assert code.names == {*BASIC, "Gtk", "Gdk"}
    assert code.required.libraries == (*("libGLib.so", "libGObject.so", "libGdk.so", "libGio.so", "libGtk.so"),)


def test_a_script_is_code(code: Code) -> None:
    code.put("bin/app", "#!/usr/bin/python3\nfrom gi.repository import Gst")
    assert code.names == {*BASIC, "Gst"}


@pytest.mark.parametrize("origin", ["base:", "host:"])
def test_where_only_the_system_s_packages_tell_the_application_is_elsewhere(code: Code, origin: str) -> None:
    code.put(f"{POSIX_312.system_site_packages(1)}/dbus/service.py", "from gi.repository import GObject", origin)
    assert code.names == ALL
    code.put(f"{SITE}/app.py", "from gi.repository import Gio", "project:")
    assert code.names == BASIC


def test_without_any_code_it_is_all_of_them(code: Code) -> None:
    assert code.names == ALL


def test_a_typelib_of_a_package_brings_what_it_needs(code: Code) -> None:
    code.put(f"{SITE}/app.py", "from gi.repository import Own")
    code.put(f"{SITE}/app/Own-1.0.typelib", typelib("Own", "1.0", "Gst-2.0", "libown.so.1"))
    code.put(f"{SITE}/app/Broken-1.0.typelib", b"no typelib")
    assert code.names == {*BASIC, "Gst"}
    assert "libown.so.1" in code.required.libraries

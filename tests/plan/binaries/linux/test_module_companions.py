"""What libraries of the host find by lines in a Python package: which files come along, and where the lines stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bundler.entries import Entry, Literal, Source
from bundler.plan.binaries.linux.companions import CompanionFinder, Companions
from bundler.plan.binaries.linux.compiled_in import CompiledInPaths
from bundler.plan.binaries.linux.module_companions import ModuleCompanionFinder, ModuleTaken
from bundler.sysroot import Sysroot
from bundler.systems.libraries import BundledLibrary
from bundler.systems.linux.module_companions import MODULE_COMPANIONS
from tests.binaries.elf.programs import compile_c
from tests.material.schemes import POSIX_312
from tests.plan.made_up import SITE, entry
from tests.systems.linux.test_typelib import typelib

LIB = "/usr/lib/somewhere"
GIO = "lib/bundled/libgio-2.0.so.0"
PIXBUF = "lib/bundled/libgdk_pixbuf-2.0.so.0"
GIREPOSITORY = "lib/bundled/libgirepository-1.0.so.1"
MAGICK = "lib/bundled/libMagickCore-6.Q16.so.6"
LOADERS = "gdk-pixbuf-2.0/2.10.0"


@dataclass
class Material:
    """A root with libraries, and an environment with PyGObject."""

    folder: Path
    entries: dict[str, Entry] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for module in dict.fromkeys(module for line in MODULE_COMPANIONS for module in line.lines.modules):
            self.module(f"{SITE}/{module}", f"import sys  # {module}\n")
        for name in ("libgio-2.0.so.0", "libgdk_pixbuf-2.0.so.0", "libgirepository-1.0.so.1"):
            self.put(f"{LIB}/{name}")

    def put(self, name: str, data: str | bytes = "") -> str:
        place = self.folder / "root" / name[1:]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data if isinstance(data, bytes) else data.encode())
        return str(place)

    def module(self, path: str, text: str) -> None:
        place = self.folder / "env" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        self.entries[path] = entry(path)._replace(content=Source(str(place), len(text)))

    def finder(self, *excluded: str, cache: Mapping[str, tuple[str, ...]] = {}) -> ModuleCompanionFinder:
        sysroot = Sysroot(str(self.folder / "root"))
        return ModuleCompanionFinder(
            self.entries, POSIX_312, sysroot, CompiledInPaths(sysroot), frozenset(excluded), cache
        )

    def find(self, library: str, *excluded: str, cache: Mapping[str, tuple[str, ...]] = {}) -> dict[str, ModuleTaken]:
        """What comes along with a library, by its folder in the bundle."""
        name = library.rpartition("/")[2]
        found = self.finder(*excluded, cache=cache).find(library, str(self.folder / f"root{LIB}/{name}"))
        return {taken.fact.path: taken for taken in found}


@pytest.fixture
def source(tmp_path: Path) -> Material:
    return Material(tmp_path)


def names(taken: ModuleTaken) -> list[str]:
    return [path for path, _ in taken.files]


def test_what_lies_below_the_library_s_folder_comes_along(source: Material) -> None:
    source.put(f"{LIB}/gio/modules/libtls.so")
    source.put(f"{LIB}/gio/modules/giomodule.cache", "libtls.so: gio-tls-backend")
    source.put(f"{LIB}/gio/modules/notes.txt")
    source.put("/usr/share/glib-2.0/schemas/gschemas.compiled")
    source.put("/usr/share/glib-2.0/schemas/one.gschema.xml")
    found = source.find(GIO)
    assert {path: names(taken) for path, taken in found.items()} == {
        "lib/bundled/gio/modules": ["lib/bundled/gio/modules/giomodule.cache", "lib/bundled/gio/modules/libtls.so"],
        "lib/bundled/glib-2.0/schemas": ["lib/bundled/glib-2.0/schemas/gschemas.compiled"],
    }
    modules = found["lib/bundled/gio/modules"]
    assert (modules.fact.origin, modules.fact.files, modules.made) == (f"host:{LIB}/gio/modules", 1, ())


def test_where_the_source_has_none_the_library_asks_no_other_host_s(source: Material) -> None:
    (taken,) = source.find(GIO).values()
    assert (taken.fact.path, taken.fact.origin, taken.fact.files) == ("lib/bundled/gio/modules", "bundler", 0)
    (cache,) = taken.made
    assert (cache.path, cache.content) == ("lib/bundled/gio/modules/giomodule.cache", Literal(b""))
    (taken,) = source.find(PIXBUF).values()
    (cache,) = taken.made
    assert (cache.path, cache.content) == (f"lib/bundled/{LOADERS}/loaders.cache", Literal(b""))
    assert source.find(GIREPOSITORY) == {}


def test_what_a_cache_names_comes_along_and_the_cache_names_it_there(source: Material) -> None:
    svg, away = f"{LIB}/{LOADERS}/loaders/libsvg.so", "/opt/away/libaway.so"
    lines = [f'"{path}"\n"info" 6 "" "" ""\n' for path in (svg, away, f"{LIB}/{LOADERS}/loaders/libgone.so")]
    source.put(f"{LIB}/{LOADERS}/loaders.cache", "".join(lines))
    for path in (svg, away, f"{LIB}/{LOADERS}/loaders/libunnamed.so"):
        source.put(path)
    (taken,) = source.find(PIXBUF).values()
    assert names(taken) == [f"lib/bundled/{LOADERS}/libaway.so", f"lib/bundled/{LOADERS}/loaders/libsvg.so"]
    (cache,) = taken.made
    text = "".join(lines).replace(svg, f"$ORIGIN/{LOADERS}/loaders/libsvg.so")
    assert cache.content == Literal(text.replace(away, f"$ORIGIN/{LOADERS}/libaway.so").encode())
    (taken,) = source.find(PIXBUF, "libsvg.so").values()
    assert names(taken) == [f"lib/bundled/{LOADERS}/libaway.so"]


def test_a_folder_is_read_in_the_library(source: Material) -> None:
    constants = (f"{LIB}/Magick-6.9//modules-Q16/coders", f"{LIB}/Magick-7.1/modules-Q16/coders")
    compile_c(
        f'const char *a(void) {{ return "{constants[0]}"; }} const char *b(void) {{ return "/usr/share/all"; }}',
        Path(source.put(f"{LIB}/{MAGICK[12:]}")),
        "-shared",
        "-fPIC",
    )
    for folder in constants:
        for name in ("png.so", "png.la", "gone.la", "old.so"):
            source.put(f"{folder}/{name}", f"libdir='{folder}'")
    source.put("/usr/share/all/other.so")
    (taken,) = source.find(MAGICK, "old.so").values()
    assert (taken.fact.path, taken.fact.files) == ("lib/bundled/ImageMagick-6/coders", 1)
    assert taken.fact.origin == f"host:{LIB}/Magick-6.9/modules-Q16/coders"
    assert names(taken) == ["lib/bundled/ImageMagick-6/coders/png.so"]
    assert [(made.path, made.content) for made in taken.made] == [
        ("lib/bundled/ImageMagick-6/coders/png.la", Literal(b"libdir=''"))
    ]


def test_a_library_that_takes_a_path_is_told_it_under_its_own_name(source: Material) -> None:
    place = Path(source.put(f"{LIB}/libgdal.so.99"))
    compile_c('const char *a(void) { return "/usr/share/gdal"; }', place, "-shared", "-fPIC")
    source.put("/usr/share/gdal/header.dxf")
    assert names(source.find("lib/bundled/libgdal.so.99")["share/gdal"]) == ["share/gdal/header.dxf"]
    found = source.finder().find("lib/bundled/libgdal.so.99", str(place))
    (content,) = (
        made.content for made in source.finder().module_entries(found) if made.path == f"{SITE}/osgeo/__init__.py"
    )
    assert isinstance(content, Literal)
    up = "../" * (SITE.count("/") + 2)
    assert (
        f"('libgdal.so.99', 'CPLSetConfigOption', (b'GDAL_DATA', '{up}share/gdal'), 'GDAL_DATA')".encode()
        in content.data
    )


def test_typelibs_lie_in_one_folder_and_the_libraries_that_they_open_come_along(source: Material) -> None:
    libraries = "libglib-2.0.so.0,libbeside.so.1,libabsent.so.1,libc.so.6,liblisted.so.2,/opt/whole.so"
    source.put(f"{LIB}/girepository-1.0/GLib-2.0.typelib", typelib("GLib", "2.0", "", libraries))
    source.put("/usr/lib/girepository-1.0/GLib-2.0.typelib", typelib("GLib", "2.0", "", "libsecond.so"))
    source.put("/usr/lib/girepository-1.0/Kit-1.0.typelib", typelib("Kit", "1.0"))
    source.put(f"{LIB}/libbeside.so.1")
    cache = {name: (f"{LIB}/{name}",) for name in ("libglib-2.0.so.0", "libc.so.6", "liblisted.so.2")}
    (taken,) = source.find(GIREPOSITORY, "liblisted.so.2", cache=cache).values()
    assert names(taken) == ["lib/girepository-1.0/GLib-2.0.typelib", "lib/girepository-1.0/Kit-1.0.typelib"]
    assert taken.opens == ("libglib-2.0.so.0", f"{LIB}/libbeside.so.1")
    assert taken.folders == (f"{LIB}/girepository-1.0", "/usr/lib/girepository-1.0")
    (taken,) = source.find(GIREPOSITORY, "Kit-1.0.typelib", cache=cache).values()
    assert names(taken) == ["lib/girepository-1.0/GLib-2.0.typelib"]


def test_what_the_user_has_put_there_stays(source: Material) -> None:
    source.put(f"{LIB}/girepository-1.0/Own-1.0.typelib", typelib("Own", "1.0"))
    source.put(f"{LIB}/girepository-1.0/GLib-2.0.typelib", typelib("GLib", "2.0"))
    source.entries["lib/girepository-1.0/Own-1.0.typelib"] = entry("lib/girepository-1.0/Own-1.0.typelib")
    (taken,) = source.find(GIREPOSITORY).values()
    assert names(taken) == ["lib/girepository-1.0/GLib-2.0.typelib"]


@pytest.mark.parametrize("text", [None, "def broken(:\n"])
def test_without_a_module_that_can_lead_there_nothing_comes_along(source: Material, text: str | None) -> None:
    path = f"{SITE}/gi/repository/__init__.py"
    source.put(f"{LIB}/gio/modules/libtls.so")
    if text is None:
        del source.entries[path]
    else:
        source.module(path, text)
    assert source.find(GIO) == {}


def test_each_module_has_lines_for_all_that_it_leads_to(source: Material) -> None:
    source.put("/usr/share/glib-2.0/schemas/gschemas.compiled")
    source.put("/usr/share/mime/mime.cache")
    second = f"{POSIX_312.system_site_packages(1)}/gi/overrides/Gio.py"
    source.module(second, "import sys\n")
    changed = {made.path: made for made in source.finder().module_entries(source.find(GIO).values())}
    assert {*changed} == {f"{SITE}/gi/repository/__init__.py", f"{SITE}/gi/overrides/Gio.py", second}
    for path in (f"{SITE}/gi/overrides/Gio.py", second):
        content = changed[path].content
        assert isinstance(content, Literal)
        up = "../" * (path.count("/") - 1)
        assert f"('GSETTINGS_SCHEMA_DIR', '{up}bundled/glib-2.0/schemas', True, '')".encode() in content.data
        assert f"('XDG_DATA_DIRS', '{up}bundled/share', True, '/usr/local/share/:/usr/share/')".encode() in content.data
        assert changed[path].reason == "leads libraries to what came along with them"


def test_what_came_along_is_no_folder_that_is_left(source: Material) -> None:
    source.put(f"{LIB}/gio/modules/libtls.so")
    source.put("/usr/share/other/data")
    real = source.folder / f"root{LIB}/libgio-2.0.so.0"
    text = f'const char *a(void) {{ return "{LIB}/gio/modules"; }} const char *b(void) {{ return "/usr/share/other"; }}'
    compile_c(text, real, "-shared", "-fPIC")
    library = BundledLibrary(GIO, str(real), (), ("bin/python",))
    sysroot = Sysroot(str(source.folder / "root"))
    finder = CompanionFinder(
        sysroot, CompiledInPaths(sysroot), frozenset(), "lib", frozenset({LIB}), source.finder().find
    )
    companions = finder.settle([library], Companions())
    assert "lib/bundled/gio/modules/libtls.so" in companions.files
    assert [each.path for each in finder.left([library], companions)] == ["/usr/share/other"]
    assert [each.path for each in finder.left([library], Companions())] == [f"{LIB}/gio/modules", "/usr/share/other"]

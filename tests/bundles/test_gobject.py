"""PyGObject runs from a bundle in a root without GLib, where broken typelibs, modules and caches lie at the compiled-in places."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.material.debian import debian_root, inside
from tests.material.display import WIDTH, display
from tests.material.environments import FIXTURES, bundler, pack, pure_dependencies
from tests.material.gobject import gi_environment, need_gi, typelibs
from tests.material.isolation import ENVIRONMENT, bare_root, in_root

HOME = {**ENVIRONMENT, "HOME": "/tmp"}
CHILD = "import os, subprocess, sys; c = 'import os; print(sorted(os.environ.items()))'"
CHILD += "; print(subprocess.check_output([sys.executable, '-c', c], text=True), end='')"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle whose application requires Gio."""
    return packed(tmp_path_factory.mktemp("small"), "from gi.repository import Gio\n")


@pytest.fixture(scope="module")
def windows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle whose application requires GTK."""
    need_gi("Gtk-3.0")
    return packed(
        tmp_path_factory.mktemp("windows"),
        "import gi\ngi.require_version('Gtk', '3.0')\nfrom gi.repository import Gtk\n",
    )


def packed(folder: Path, application: str) -> Path:
    """A bundle of an environment with PyGObject and a module `application`; it was moved."""
    need_gi()
    environment = gi_environment(folder / "env")
    (next(environment.glob("lib/python3*/site-packages")) / "application.py").write_text(application)
    pack(environment, folder / "packed", "--profile", "slim")
    return (folder / "packed").rename(folder / "bundle")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A bare root with what does not work at the places that are compiled into the libraries."""
    root = bare_root(tmp_path / "root")
    libraries = typelibs()[0].parents[1]
    planted = {
        **{f"{libraries}/girepository-1.0/{path.name}": "another machine's" for path in typelibs()},
        f"{libraries}/gio/modules/libplanted.so": "another machine's",
        f"{libraries}/gdk-pixbuf-2.0/2.10.0/loaders.cache": '"/planted.so"\n"svg" 6 "" "" ""\n"image/svg+xml" ""\n"svg" ""\n',
    }
    for path, text in planted.items():
        (root / path[1:]).parent.mkdir(parents=True, exist_ok=True)
        (root / path[1:]).write_text(text)
    return root


def said(root: Path, bundle: Path, code: str, env: Mapping[str, str] = HOME) -> list[str]:
    """What code says in the bundle, without a word of complaint."""
    done = in_root(root, bundle, ["/opt/app/bin/python", "-c", code], env=env)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


GIO = """
from gi.repository import GLib, Gio
import gi
print(gi._gi.Repository.get_default().get_typelib_path("Gio"))
print(Gio.SettingsBackend.get_default().__gtype__.name)
print(Gio.SettingsSchemaSource.get_default().list_schemas(True)[0] != [])
print(Gio.content_type_guess(None, b"\\x89PNG\\r\\n\\x1a\\n")[0])
print(*sorted({line.split()[-1] for line in open("/proc/self/maps") if "/gio/modules/" in line}))
"""


def test_gio_and_its_modules_are_the_bundle_s(small: Path, root: Path) -> None:
    path, backend, schemas, kind, modules = said(root, small, GIO)
    assert path == "/opt/app/lib/girepository-1.0/Gio-2.0.typelib"
    assert schemas == str(os.path.exists("/usr/share/glib-2.0/schemas/gschemas.compiled"))
    assert kind == ("image/png" if os.path.exists("/usr/share/mime/mime.cache") else "application/octet-stream")
    if (typelibs()[0].parents[1] / "gio/modules/libdconfsettings.so").exists():
        assert (backend, modules) == ("DConfSettingsBackend", "/opt/app/lib/bundled/gio/modules/libdconfsettings.so")
    assert bundler(["verify", small]).returncode == 0


def test_only_typelibs_that_the_application_requires_come_along(small: Path) -> None:
    there = {path.name for path in (small / "lib/girepository-1.0").iterdir()}
    assert there == {"GLib-2.0.typelib", "GObject-2.0.typelib", "Gio-2.0.typelib"}
    facts = json.loads((small / "bundle.json").read_text())["libraries"]["companions"]
    (fact,) = (each for each in facts if each["path"] == "lib/girepository-1.0")
    assert fact["library"] == "lib/bundled/libgirepository-1.0.so.1"
    assert (fact["origin"], fact["files"]) == (f"host:{typelibs()[0].parent}", 3)
    assert fact["pointing"] == "lines in gi/__init__.py set GI_TYPELIB_PATH while the library reads it"


def test_child_processes_see_nothing_of_it(small: Path, root: Path) -> None:
    plain = said(root, small, CHILD)
    assert said(root, small, f"from gi.repository import Gio\n{CHILD}") == plain


def test_the_user_s_own_typelibs_count_as_ever(small: Path, root: Path) -> None:
    own = next((path for path in typelibs() if path.name == "xlib-2.0.typelib"), None)
    if own is None:
        pytest.skip("this machine has no typelib xlib-2.0 (apt-get install gir1.2-freedesktop)")
    (root / "own").mkdir()
    shutil.copy(own, root / "own")
    env = {**HOME, "GI_TYPELIB_PATH": "/own"}
    code = f"import gi\ngi.require_version('xlib', '2.0')\nfrom gi.repository import xlib, Gio\n{CHILD}"
    assert "('GI_TYPELIB_PATH', '/own')" in said(root, small, code, env)[0]


PIXBUF = """
import gi
gi.require_version("GdkPixbuf", "2.0")
from gi.repository import GdkPixbuf
pixel = bytes([255, 0, 0])
png = GdkPixbuf.Pixbuf.new_from_data(pixel, 0, False, 8, 1, 1, 3).save_to_bufferv("png", [], [])[1]
svg = b"<svg xmlns='http://www.w3.org/2000/svg' width='8' height='8'><rect width='8' height='8' fill='red'/></svg>"
for data in (png, svg):
    loader = GdkPixbuf.PixbufLoader()
    loader.write(data)
    loader.close()
    print(*loader.get_pixbuf().get_pixels()[:3])
print(*sorted({line.split()[-1] for line in open("/proc/self/maps") if "loader" in line}))
"""


@pytest.mark.everything
def test_images_are_loaded_by_loaders_of_the_bundle(windows: Path, root: Path) -> None:
    *colours, loaders = said(root, windows, PIXBUF)
    assert colours == ["255 0 0", "255 0 0"]
    assert loaders == "/opt/app/lib/bundled/gdk-pixbuf-2.0/2.10.0/loaders/libpixbufloader-svg.so"


GTK = """
import os
import gi
gi.require_version("Gtk", "3.0")
from gi.repository import GLib, Gtk
window = Gtk.Window(default_width=300, default_height=200)
box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL)
window.add(box)
for widget in (Gtk.Label(label="A window of the bundle"), Gtk.Button(label="Press"), Gtk.CheckButton(active=True),
               Gtk.Image.new_from_icon_name("document-open-symbolic", 6), Gtk.FileChooserButton()):
    box.add(widget)
window.show_all()
GLib.timeout_add(50, lambda: not os.path.exists("/tmp/seen") or Gtk.main_quit())
GLib.timeout_add_seconds(30, Gtk.main_quit)
Gtk.main()
strangers = {line.split()[-1] for line in open("/proc/self/maps") if ".so" in line and "/opt/app" not in line}
print(*sorted(path for path in strangers if not path.startswith(("/lib/", "/lib64/"))))
"""


@pytest.mark.everything
def test_a_window_of_gtk_is_drawn(windows: Path, root: Path, tmp_path: Path) -> None:
    for folder in ("/etc/fonts", "/usr/share/fontconfig", "/usr/share/fonts/truetype/dejavu"):
        if not os.path.isdir(folder):
            pytest.skip(f"this machine has no {folder} (apt-get install fonts-dejavu-core)")
        shutil.copytree(folder, root / folder[1:])  # fonts are the target's
    is_drawn = False
    with display(tmp_path / "display") as shown, ThreadPoolExecutor() as pool:
        command = ["/opt/app/bin/python", "-c", GTK]
        running = pool.submit(in_root, root, windows, command, env={**HOME, "LANG": "C", "DISPLAY": shown.name})
        while not running.done() and not (is_drawn := looks_drawn(shown.pixels())):
            time.sleep(0.1)
        (root / "tmp/seen").touch()
        done = running.result()
    assert (done.returncode, done.stdout, is_drawn) == (0, "\n", True), done.stderr


def looks_drawn(pixels: Sequence[int]) -> bool:
    """Whether a window of 300 by 200 stands at the corner of a black screen, with letters (many greys) and blue in it."""
    inside = [pixels[row * WIDTH + column] for row in range(200) for column in range(300)]
    blue = sum(colour & 0xFF > (colour >> 16 & 0xFF) + 100 for colour in inside)
    return 0 not in inside and len({*inside}) > 50 and blue > 30 and not any(pixels[250 * WIDTH :])


@pytest.mark.everything
def test_typelibs_of_a_later_release_are_found(tmp_path_factory: pytest.TempPathFactory) -> None:
    """PyGObject 3.51 and later open GLib's own libgirepository-2.0."""
    folder = tmp_path_factory.mktemp("release")
    root = debian_root("forky", folder / "root", ("python3-venv", "python3-gi", "gir1.2-glib-2.0"), "gi")
    script = (
        "python3 -m venv --without-pip /venv; cp -r /usr/lib/python3/dist-packages/gi /venv/lib/python*/site-packages;"
        " PYTHONPATH=/bundler:/dependencies python3 -m bundler pack /venv --out /opt/app --profile slim"
    )
    binds = [(FIXTURES.parent, "bundler"), (pure_dependencies(folder / "dependencies"), "dependencies")]
    done = inside(root, script, binds)
    assert done.returncode == 0, done.stdout + done.stderr
    for path in (
        *root.glob("usr/lib/*/girepository-1.0"),
        *root.glob("usr/lib/python3*"),
        *root.glob("usr/lib/*/libg[io]*.so*"),
    ):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    code = (
        "from gi.repository import GLib, Gio; import gi; print(gi._gi.Repository.get_default().get_typelib_path('Gio'))"
    )
    done = inside(root, f'/opt/app/bin/python -c "{code}"')
    assert (done.returncode, done.stdout, done.stderr) == (0, "/opt/app/lib/girepository-1.0/Gio-2.0.typelib\n", "")

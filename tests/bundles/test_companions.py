"""What libraries of the host open by themselves comes along, and wins over what stands at the path that was compiled in."""

from __future__ import annotations

import glob
import json
import os
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.material.environments import bundler, empty_environment, pack, run
from tests.material.isolation import bare_root, hidden, in_root

OPENING = """
import ctypes, re, ssl
{code}
print(int(bool(opened)))
print(*sorted(set(re.findall(r"/\\S+{plugin}$", open("/proc/self/maps").read(), re.M))))
"""


class Row(NamedTuple):
    """A library, and what makes it open a plugin: `opened` tells whether it did."""

    library: str
    plugin: str
    options: tuple[str, ...]
    code: str


ROWS = (  # and what is asked for in addition, for a library that Python does not need
    Row(
        *("libcrypto.so.3", "ossl-modules/legacy.so", ()),
        code="""
crypto = ctypes.CDLL("libcrypto.so.3")
crypto.OSSL_PROVIDER_load.restype = ctypes.c_void_p
opened = crypto.OSSL_PROVIDER_load(None, b"legacy")
""",
    ),
    Row(
        *("libcrypto.so.3", "engines-3/padlock.so", ()),
        code="""
crypto = ctypes.CDLL("libcrypto.so.3")
crypto.ENGINE_by_id.restype = ctypes.c_void_p
opened = crypto.OPENSSL_init_crypto(ctypes.c_uint64(0x8), None)
crypto.ENGINE_by_id(b"padlock")
""",
    ),
    Row(
        *("libmariadb.so.3", "libmariadb3/plugin/client_ed25519.so", ("--include-lib", "libmariadb.so.3")),
        code="""
client = ctypes.CDLL("libmariadb.so.3")
client.mysql_init.restype = ctypes.c_void_p
client.mysql_load_plugin.restype = ctypes.c_void_p
client.mysql_load_plugin.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_int]
opened = client.mysql_load_plugin(client.mysql_init(None), b"client_ed25519", 2, 0)
""",
    ),
)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return empty_environment(tmp_path_factory.mktemp("companions") / "env")


def at_home(row: Row) -> Path:
    """Where the plugin lies on this machine; skips where it does not."""
    machine = os.uname().machine
    for folder in (f"/usr/lib/{machine}-linux-gnu", "/usr/lib64", "/usr/lib"):
        if os.path.exists(f"{folder}/{row.plugin}"):
            return Path(f"{folder}/{row.plugin}")
    pytest.skip(f"this machine has no {row.plugin}")


@pytest.mark.parametrize("row", ROWS, ids=[row.plugin for row in ROWS])
def test_a_plugin_is_the_bundle_s_and_no_other(environment: Path, tmp_path: Path, row: Row) -> None:
    home, bundle, root = at_home(row), tmp_path / "bundle", bare_root(tmp_path / "root")
    pack(environment, bundle, "--profile", "slim", *row.options)
    (planted := root / str(home)[1:]).parent.mkdir(parents=True)
    planted.write_text("another build's")
    done = in_root(root, bundle, ["/opt/app/bin/python", "-c", OPENING.format(code=row.code, plugin=row.plugin)])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["1", f"/opt/app/lib/bundled/{row.plugin}"]
    (fact,) = (
        fact
        for fact in json.loads((bundle / "bundle.json").read_text())["libraries"]["companions"]
        if row.plugin.startswith(os.path.relpath(fact["path"], "lib/bundled"))
    )
    assert (fact["library"], fact["origin"]) == (f"lib/bundled/{row.library}", f"host:{home.parent}")
    assert fact["files"] == len([name for name in os.listdir(home.parent) if name.endswith(".so")])
    assert bundler(["verify", bundle]).returncode == 0


def test_one_that_the_user_leaves_to_the_host_stays_there(environment: Path, tmp_path: Path) -> None:
    at_home(ROWS[0])
    pack(environment, tmp_path / "bundle", "--exclude-lib", "legacy.so", "--no-verify")
    assert not (tmp_path / "bundle/lib/bundled/ossl-modules").exists()
    assert (tmp_path / "bundle/lib/bundled/libcrypto.so.3").exists()


PROJ = """
import ctypes
proj = ctypes.CDLL("libproj.so.25")
proj.proj_context_create.restype = ctypes.c_void_p
proj.proj_context_get_database_path.restype = ctypes.c_char_p
print(proj.proj_context_get_database_path(ctypes.c_void_p(proj.proj_context_create())).decode())
"""


def test_data_that_a_library_finds_from_its_own_folder_lies_there(environment: Path, tmp_path: Path) -> None:
    if not os.path.exists("/usr/share/proj/proj.db"):
        pytest.skip("this machine has no /usr/share/proj (apt-get install libproj25)")
    bundle, root = tmp_path / "bundle", bare_root(tmp_path / "root")
    pack(environment, bundle, "--profile", "slim", "--include-lib", "libproj.so.25")
    shutil.copytree("/usr/share/proj", root / "usr/share/proj")
    done = in_root(root, bundle, ["/opt/app/bin/python", "-c", PROJ])
    assert (os.path.normpath(done.stdout.strip()), done.stderr) == ("/opt/app/lib/share/proj/proj.db", "")


GSTREAMER = """
import ctypes
gstreamer = ctypes.CDLL("libgstreamer-1.0.so.0")
gstreamer.gst_init(None, None)
gstreamer.gst_element_factory_make.restype = ctypes.c_void_p
assert gstreamer.gst_element_factory_make(b"audiotestsrc", None)
print(*{line.split()[-1] for line in open("/proc/self/maps") if "gstaudiotest" in line})
"""


@pytest.mark.everything
def test_gstreamer_finds_its_plugins_and_the_program_that_looks_at_them(environment: Path, tmp_path: Path) -> None:
    homes = [*glob.glob("/usr/lib/*/gstreamer-1.0"), *glob.glob("/usr/lib/*/gstreamer1.0")]
    if len(homes) != 2 or not os.path.exists(f"{homes[0]}/libgstaudiotestsrc.so"):
        pytest.skip("this machine has no plugins of GStreamer (apt-get install gstreamer1.0-plugins-base)")
    bundle = tmp_path / "bundle"
    pack(environment, bundle, "--profile", "slim", "--include-lib", "libgstreamer-1.0.so.0")
    command: list[str | Path] = ["env", f"XDG_CACHE_HOME={tmp_path}", bundle / "bin/python", "-c", GSTREAMER]
    done = hidden([environment, *homes], command)
    assert (done.stdout, done.stderr) == (f"{bundle}/lib/bundled/gstreamer-1.0/libgstaudiotestsrc.so\n", "")


QT = """
from PyQt{version}.QtGui import QGuiApplication, QImage, QColor
application = QGuiApplication(["app"])
image = QImage(20, 20, QImage.Format.Format_RGB32)
image.fill(QColor("red"))
assert image.save("/tmp/qt-companion.jpg"), "no plugin for JPEG"
print(application.platformName())
print(*{{line.split()[-1] for line in open("/proc/self/maps") if "/qt{version}/" in line or "libQt{version}" in line}})
"""


@pytest.mark.everything
@pytest.mark.parametrize("version", [5, 6])
def test_debian_s_qt_finds_its_plugins_in_the_bundle(tmp_path: Path, version: int) -> None:
    packages = Path(f"/usr/lib/python3/dist-packages/PyQt{version}")
    if not packages.is_dir():
        pytest.skip(f"this machine has no PyQt{version} (apt-get install python3-pyqt{version})")
    environment, bundle = tmp_path / "env", tmp_path / "bundle"
    run(["/usr/bin/python3", "-m", "venv", "--without-pip", environment])
    shutil.copytree(packages, next(environment.glob("lib/python3*/site-packages")) / packages.name)
    pack(environment, bundle, "--profile", "slim", "--audit", "quick")
    (plugins,) = glob.glob(f"/usr/lib/*/qt{version}/plugins")
    moved = bundle.rename(tmp_path / "moved")
    command: list[str | Path] = [
        "env",
        "QT_QPA_PLATFORM=offscreen",
        moved / "bin/python",
        "-c",
        QT.format(version=version),
    ]
    done = hidden([environment, plugins, packages], command)
    assert done.returncode == 0, done.stderr
    platform, *paths = done.stdout.split()
    assert platform == "offscreen"
    assert sum(f"/qt{version}/plugins/" in path for path in paths) >= 2
    assert all(path.startswith(f"{moved}/") for path in paths), paths

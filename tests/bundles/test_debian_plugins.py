"""Libraries of Debian's releases find what they open by themselves in a bundle, and nothing of it at the compiled-in places.

A release is a root of its own, where environments are packed. They run in a bare root with that release's libc.
"""

from __future__ import annotations

import shutil
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.binaries.elf.programs import compile_c
from tests.material.debian import bare_root_of, debian_root, inside
from tests.material.environments import FIXTURES, pure_dependencies, run
from tests.material.isolation import ENVIRONMENT, in_root

pytestmark = pytest.mark.everything

DISTRIBUTED = "/usr/lib/python3/dist-packages"
BOOKWORM = (
    *("python3-venv", "libmagickwand-6.q16-6", "python3-gdal", "python3-pyodbc", "libsqliteodbc"),
    *("python3-gssapi", "krb5-kdc", "krb5-admin-server"),
    *("python3-pyqt5.qtquick", "qml-module-qtquick2", "qttranslations5-l10n"),
    *("python3-pyqt6.qtquick", "qml6-module-qtquick", "qml6-module-qtqml-workerscript", "qt6-translations-l10n"),
)
SID = (
    *("python3-venv", "libmagickwand-7.q16-10", "libheif-plugin-aomenc", "libheif-plugin-dav1d"),
    *("libmysqlclient24", "mysql-server-core"),
)
HOME = {**ENVIRONMENT, "HOME": "/tmp"}
CHILD = """
import os, subprocess, sys
code = "import os; print(*(name for name in os.environ if name.startswith(('MAGICK', 'LIBHEIF', 'GDAL'))))"
print(subprocess.check_output([sys.executable, "-c", code], text=True), end="")
"""


def mapped(words: Sequence[str]) -> str:
    """Code that says which files of some names a process has mapped."""
    return (
        "lines = open('/proc/self/maps').read().splitlines()\n"
        f"print(*sorted({{line.split()[-1] for line in lines if any(word in line for word in {words!r})}}))\n"
    )


@dataclass(frozen=True)
class Release:
    """A root of a release, and what is bound to it where something is packed: bundler, what that needs, packages of the index."""

    root: Path
    binds: Sequence[tuple[Path, str]]

    @property
    def libraries(self) -> str:
        """The folder of libraries, as the release names it."""
        (folder,) = self.root.glob("usr/lib/*-linux-gnu*")
        return f"/{folder.relative_to(self.root)}"

    def packed(self, name: str, packages: str, *options: str) -> Path:
        """A bundle of an environment with some packages, by patterns for their paths in the root."""
        script = f"""
            python3 -m venv --without-pip /{name}/env
            {f"cp -r {packages} /{name}/env/lib/python3*/site-packages/" if packages else ":"}
            export PYTHONPATH=/bundler:/dependencies PYTHONDONTWRITEBYTECODE=1
            python3 -m bundler pack /{name}/env --out /{name}/bundle --profile slim {" ".join(options)}
        """
        done = inside(self.root, script, self.binds)
        assert done.returncode == 0, done.stdout + done.stderr
        return self.root / name / "bundle"

    def own(self, *patterns: str) -> dict[str, Path]:
        """Files and folders of the release by their names there."""
        found = {f"/{path.relative_to(self.root)}": path for each in patterns for path in self.root.glob(each)}
        assert found, patterns
        return found

    def said(self, bundle: Path, code: str, planted: Mapping[str, str | Path] = {}, **variables: str) -> list[str]:
        """What code says in a bundle, without a word of complaint, in a bare root with some texts, files and folders in it."""
        bare = bundle.parent / "bare"
        shutil.rmtree(bare, ignore_errors=True)
        bare_root_of(self.root, bare)
        for name, what in planted.items():
            place = bare / name[1:]
            place.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(what, str):
                place.write_text(what)
            elif what.is_dir():
                shutil.copytree(what, place)
            else:
                shutil.copy(what, place)
        done = in_root(bare, bundle, ["/opt/app/bin/python", "-c", code], env={**HOME, **variables})
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.splitlines()


def made(suite: str, packages: Sequence[str], factory: pytest.TempPathFactory) -> Release:
    """The root of a release with some packages, and Wand of the index."""
    folder = factory.mktemp(suite)
    root = debian_root(suite, folder / "root", packages, "plugins")
    wand = folder / "wand"
    run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", wand, "wand"])
    dependencies = pure_dependencies(folder / "dependencies")
    return Release(root, [(FIXTURES.parent, "bundler"), (dependencies, "dependencies"), (wand, "index")])


@pytest.fixture(scope="module")
def bookworm(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return made("bookworm", BOOKWORM, tmp_path_factory)


@pytest.fixture(scope="module")
def sid(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return made("sid", SID, tmp_path_factory)


STRANGE = """
#include <stdio.h>
__attribute__((constructor)) static void loaded(void) { fputs("another build's coder was loaded", stderr); }
"""
WAND = """
from wand.color import Color
from wand.exceptions import WandException
from wand.image import Image
from wand.resource import limits
with Image(width=20, height=20, background=Color("red")) as image:
    for name in {formats}:
        with Image(blob=image.make_blob(name)) as again:
            print(again.format, again[3, 3].red > 0.9, again[3, 3].blue < 0.1)
for name in ("png", "strange"):
    try:
        Image(filename=f"/tmp/none.{{name}}")
    except WandException as error:
        print(str(error).partition(" '")[0].partition(" `")[0])
print(limits["width"])
"""


@pytest.mark.parametrize(
    ("suite", "version", "formats"),
    [("bookworm", 6, ("png", "jpeg", "tiff", "webp")), ("sid", 7, ("png", "jpeg", "tiff", "webp", "avif"))],
)
def test_imagemagick_loads_coders_of_the_bundle(
    request: pytest.FixtureRequest, tmp_path: Path, suite: str, version: int, formats: Sequence[str]
) -> None:
    release: Release = request.getfixturevalue(suite)
    bundle = release.packed("wand", "/index/wand")
    (coders,) = release.own(f"usr/lib/*/ImageMagick-{version}.*/modules-*/coders")
    planted: dict[str, str | Path] = {**release.own(f"{coders[1:]}/*", "usr/lib/*/libheif*")}
    # A coder for a format that the bundle has none for.
    strange = compile_c(STRANGE, tmp_path / "strange.so", "-shared", "-fPIC")
    planted |= {f"{coders}/strange.so": strange, f"{coders}/strange.la": "dlname='strange.so'\ninstalled=yes\n"}
    code = WAND.format(formats=formats) + mapped(["/coders/png", "libheif-aomenc"]) + CHILD
    *said, fault, unknown, width, used, child = release.said(bundle, code, planted)
    assert said == [f"{name.upper()} True True" for name in formats]
    assert fault == "unable to open image", "messages are words"
    assert unknown in ("unable to open image", "no decode delegate for this image format")
    policy = (release.root / f"etc/ImageMagick-{version}/policy.xml").read_text()
    assert f'name="width" value="{int(width) // 1000}KP"' in policy, "the limits of its policy came along"
    names = [
        f"ImageMagick-{version}/coders/png.so",
        *(["libheif/plugins/libheif-aomenc.so"] if "avif" in formats else []),
    ]
    assert used == " ".join(f"/opt/app/lib/bundled/{name}" for name in names)
    assert child == ""


POLICY = """
from wand.exceptions import PolicyError
from wand.image import Image
from wand.resource import limits
print(limits["width"])
try:
    print(bool(Image(width=1, height=1).make_blob("gif")))
except PolicyError:
    print("denied")
"""


def test_the_source_s_policy_of_imagemagick_stands_beside_the_target_s(bookworm: Release) -> None:
    lines = '<policy domain="resource" name="width" value="7KP"/><policy domain="coder" rights="none" pattern="GIF"/>'
    target = {"/etc/ImageMagick-6/policy.xml": f"<policymap>{lines}</policymap>"}
    bundle = bookworm.packed("policy", "/index/wand")
    assert bookworm.said(bundle, POLICY, {}) == ["16000", "True"]
    assert bookworm.said(bundle, POLICY, target) == ["16000", "denied"]
    bundle = bookworm.packed("targets", "/index/wand", "--exclude-lib policy.xml")
    assert bookworm.said(bundle, POLICY, target) == ["7000", "denied"]


GDAL = """
import os, threading
from osgeo import gdal, ogr
gdal.UseExceptions()
thread = threading.Thread(target=lambda: print(gdal.FindFile("gdal", "s57objectclasses.csv")))
thread.start()
thread.join()
ogr.GetDriverByName("DXF").CreateDataSource("/tmp/drawing.dxf").CreateLayer("layer")
print(os.path.getsize("/tmp/drawing.dxf") > 1000)
"""


def test_gdal_reads_data_of_the_bundle_and_loads_no_drivers_of_another(bookworm: Release) -> None:
    bundle = bookworm.packed("gdal", f"{DISTRIBUTED}/osgeo {DISTRIBUTED}/numpy")
    names = ("header.dxf", "trailer.dxf", "s57objectclasses.csv")
    planted: dict[str, str | Path] = {f"/usr/share/gdal/{name}": "another build's" for name in names}
    planted[f"{bookworm.libraries}/gdalplugins/gdal_PLANTED.so"] = "another build's"
    said = bookworm.said(bundle, GDAL + CHILD, planted)
    assert said == ["/opt/app/share/gdal/s57objectclasses.csv", "True", ""]
    found = "from osgeo import gdal\nprint(gdal.FindFile('gdal', 'header.dxf'))"
    own = bookworm.said(bundle, found, {"/own/header.dxf": "the user's"}, GDAL_DATA="/own")
    assert own == ["/own/header.dxf"]


ODBC = """
import pyodbc
print(*pyodbc.drivers(), *pyodbc.dataSources())
connection = pyodbc.connect("DSN=stock")
print(connection.execute("select 6 * 7").fetchval(), connection.getinfo(pyodbc.SQL_DATABASE_NAME))
"""


def test_unixodbc_opens_the_drivers_that_the_target_names(bookworm: Release) -> None:
    bundle = bookworm.packed("odbc", f"{DISTRIBUTED}/pyodbc.*.so")
    assert "drivers of ODBC" in (bundle / "README.txt").read_text()
    planted: dict[str, str | Path] = {
        **bookworm.own("usr/lib/*/odbc/libsqlite3odbc.so", "usr/lib/*/libsqlite3.so.0", "etc/odbcinst.ini"),
        "/etc/odbc.ini": "[stock]\nDriver=SQLite3\nDatabase=/tmp/stock.db\n",
    }
    drivers, answer, used = bookworm.said(bundle, ODBC + mapped(["odbc"]), planted)
    assert (drivers, answer) == ("SQLite SQLite3 stock", "42 /tmp/stock.db")
    libraries = [path for path in used.split() if "pyodbc" not in path]
    assert libraries == [
        *(f"/opt/app/lib/bundled/{name}.so.2" for name in ("libodbc", "libodbcinst")),
        f"{bookworm.libraries}/odbc/libsqlite3odbc.so",
    ]


KERBEROS = """
import gssapi
from gssapi.raw import acquire_cred_with_password
me = gssapi.Name("me@EXAMPLE.ORG", gssapi.NameType.kerberos_principal)
ticket = acquire_cred_with_password(me, b"secret", usage="initiate").creds
service = gssapi.Name("me@EXAMPLE.ORG", gssapi.NameType.kerberos_principal)
print(len(gssapi.SecurityContext(name=service, creds=ticket, usage="initiate").step()) > 100)
"""
KRB5_CONF = """
[libdefaults]
default_realm = EXAMPLE.ORG
spake_preauth_groups = edwards25519
[realms]
EXAMPLE.ORG = {{
kdc = 127.0.0.1:{port}
kdc_listen = 127.0.0.1:{port}
kdc_tcp_listen = 127.0.0.1:{port}
database_name = /tmp/principal
key_stash_file = /tmp/stash
disable_encrypted_timestamp = true
}}
"""


def test_kerberos_logs_in_by_a_plugin_of_the_bundle(bookworm: Release, tmp_path: Path) -> None:
    bundle = bookworm.packed("kerberos", f"{DISTRIBUTED}/gssapi {DISTRIBUTED}/decorator.py")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        conf = KRB5_CONF.format(port=free.getsockname()[1])
    (bookworm.root / "etc/krb5.conf").write_text(conf)
    (tmp_path / "code.py").write_text(KERBEROS + mapped(["/preauth/"]))
    script = """
        export KRB5_KDC_PROFILE=/etc/krb5.conf
        kdb5_util create -s -P master
        kadmin.local -q "addprinc -pw secret +requires_preauth me"
        krb5kdc -P /tmp/kdc.pid
        echo "another build's" > /tmp/planted
        for plugin in /usr/lib/*/krb5/plugins/*/*.so; do mount --bind /tmp/planted $plugin; done
        status=0
        /kerberos/bundle/bin/python /test/code.py >&3 || status=$?
        kill $(cat /tmp/kdc.pid)
        exit $status
    """
    done = inside(bookworm.root, f"exec 3>&1 >/dev/null\n{script}", [(tmp_path, "test")])
    assert done.returncode == 0, done.stderr
    used = f"{bundle.relative_to(bookworm.root)}/lib/bundled/krb5/plugins/preauth/spake.so"
    assert done.stdout.splitlines() == ["True", f"/{used}"]


QT = """
import os
os.makedirs("/tmp/run", 0o700)
os.environ["XDG_RUNTIME_DIR"] = "/tmp/run"
from PyQt{version} import QtCore, QtGui, QtQml, QtQuick
application = QtGui.QGuiApplication(["app"])
info = QtCore.QLibraryInfo
folder = info.location(info.TranslationsPath) if {version} == 5 else info.path(info.LibraryPath.TranslationsPath)
translator = QtCore.QTranslator()
assert translator.load("qtbase_de", folder), folder
application.installTranslator(translator)
print(QtCore.QCoreApplication.translate("QPlatformTheme", "Cancel"))
engine = QtQml.QQmlEngine()
component = QtQml.QQmlComponent(engine)
component.setData(b"import QtQuick 2.0\\nRectangle {{ width: 6 * 7 }}", QtCore.QUrl())
rectangle = component.create()
print(rectangle.width() if rectangle else component.errorString())
"""


@pytest.mark.parametrize("version", [5, 6])
def test_qt_finds_its_words_and_its_modules_of_qml(bookworm: Release, version: int) -> None:
    bundle = bookworm.packed(f"qt{version}", f"{DISTRIBUTED}/PyQt{version}", "--audit quick")
    needed = bookworm.own("usr/lib/*/libGL*.so.?", "usr/lib/*/libEGL.so.1", "usr/lib/*/libOpenGL.so.0", "etc/fonts")
    planted = {f"{bookworm.libraries}/qt{version}/qml/QtQuick{'.2' if version == 5 else ''}/qmldir": "module Planted"}
    code = QT.format(version=version) + mapped(["quick2plugin"])
    words, width, used = bookworm.said(bundle, code, {**needed, **planted}, QT_QPA_PLATFORM="offscreen")
    assert (words, float(width)) == ("Abbrechen", 42)
    # Qt 6 has the types of that plugin in a library.
    assert used == ("/opt/app/lib/qt5/qml/QtQuick.2/libqtquick2plugin.so" if version == 5 else "")


MYSQL = """
import ctypes, os
os.dup2(1, 2)  # the plugin has something to say
client = ctypes.CDLL("libmysqlclient.so.24")
client.mysql_init.restype = ctypes.c_void_p
client.mysql_error.restype = ctypes.c_char_p
client.mysql_load_plugin.restype = ctypes.c_void_p
client.mysql_load_plugin.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_int]
connection = client.mysql_init(None)
print(bool(client.mysql_load_plugin(connection, b"telemetry_client", -1, 0)), client.mysql_error(ctypes.c_void_p(connection)))
"""


def test_mysql_s_client_loads_plugins_of_the_bundle(sid: Release) -> None:
    bundle = sid.packed("mysql", "", "--include-lib", "libmysqlclient.so.24")
    planted = {"/usr/lib/mysql/plugin/telemetry_client.so": "another build's"}
    *_, loaded, used = sid.said(bundle, MYSQL + mapped(["telemetry"]), planted)
    assert (loaded, used) == ("True b''", "/opt/app/lib/bundled/mysql/plugin/telemetry_client.so")

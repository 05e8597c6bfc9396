"""What libraries of the host open by themselves, and how they find it in a bundle: a table, with a reason on each line.

A library may open plugins and data by whole paths that were compiled into it. No header names them, and no import opens them. Each
line was run, from Debian's packages, in a root where the originals are out of reach.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bundler.systems.linux.policy import matches


class Pointing(enum.Enum):
    """How a library is led to what came along with it."""

    CONSTANT = "the path in the library is overwritten by one below $ORIGIN"
    """The library hands the path to `dlopen` untouched, and glibc replaces $ORIGIN by the folder of the library that calls."""
    ITSELF = "the library looks for it from its own folder, before it looks where its path leads"
    QT_CONF = "bin/qt.conf names it"
    """Qt reads the file beside the program: only programs of the bundle."""


@dataclass(frozen=True, slots=True)
class CompiledIn:
    """A folder whose whole path is a constant in the library."""

    pattern: str
    kept: int
    """How many of its last parts are its path beside the library in the bundle."""


@dataclass(frozen=True, slots=True)
class FoundByItself:
    """A folder whose whole path is a constant in the library, which looks elsewhere first."""

    pattern: str
    place: str
    """Where it looks, from its own folder."""


@dataclass(frozen=True, slots=True)
class Beside:
    """A folder whose path the library puts together: from its own folder, and in the bundle from that for libraries."""

    folder: str


@dataclass(frozen=True, slots=True)
class BelowPrefix:
    """A folder whose path the library puts together, and which has the same path below the bundle as below `/usr`."""

    folder: str
    """From the library's own folder, or by its whole path."""


@dataclass(frozen=True, slots=True)
class QtPath:
    """A line of `qt.conf`."""

    version: int
    """Of Qt: one file is read by every version."""
    key: str


@dataclass(frozen=True, slots=True)
class Companion:
    """Files that come along with a library."""

    library: str
    """As in `policy`: its file name without a version."""
    source: CompiledIn | FoundByItself | Beside | BelowPrefix
    files: str
    """A pattern for the names of the files, in the folder and below it."""
    what: str
    without: str
    """What does not work without them."""
    pointing: Pointing
    qt: QtPath | None = None
    """What names it, where that is `qt.conf`."""


COMPANIONS: tuple[Companion, ...] = (
    Companion(
        *("libcrypto.so", CompiledIn("*/ossl-modules", 1), "*.so", "providers of OpenSSL"),
        without="algorithms of its legacy provider (MD4, RC4, Blowfish)",
        pointing=Pointing.CONSTANT,
    ),
    Companion(
        *("libcrypto.so", CompiledIn("*/engines-*", 1), "*.so", "engines of OpenSSL"),
        without="engines that openssl.cnf or a program names",
        pointing=Pointing.CONSTANT,
    ),
    Companion(
        *("libmariadb.so", CompiledIn("*/libmariadb3/plugin", 2), "*.so", "login plugins of MariaDB's client"),
        without="accounts with ed25519, caching_sha2_password, sha256_password or GSSAPI",
        pointing=Pointing.CONSTANT,
    ),
    Companion(
        *("libmysqlclient.so", CompiledIn("*/mysql/plugin", 2), "*_client.so", "plugins of MySQL's client"),
        without="accounts with LDAP, Kerberos, OCI or OpenID, where these are no part of the library; telemetry",
        pointing=Pointing.CONSTANT,
    ),
    # Two folders below it have constants of their own, and stay the target's: locators of KDCs (sssd, winbind), authdata.
    Companion(
        *("libkrb5.so", CompiledIn("*/krb5/plugins", 2), "*.so", "plugins of Kerberos"),
        without="logins with SPAKE, certificates (PKINIT) or one-time passwords, and KDCs behind HTTPS",
        pointing=Pointing.CONSTANT,
    ),
    Companion(
        *("libproj.so", FoundByItself("*/share/proj", "../share/proj"), "*", "the data of PROJ"),
        without="every transformation of coordinates (proj.db)",
        pointing=Pointing.ITSELF,
    ),
    Companion(
        *("libgstreamer-1.0.so", FoundByItself("*/gstreamer-1.0", "gstreamer-1.0"), "*.so", "plugins of GStreamer"),
        without="every element",
        pointing=Pointing.ITSELF,
    ),
    Companion(
        *(
            "libgstreamer-1.0.so",
            BelowPrefix("gstreamer1.0/gstreamer-1.0"),
            "gst-plugin-scanner",
            "GStreamer's scanner of plugins",
        ),
        without="a process of its own for the first look at plugins",
        pointing=Pointing.ITSELF,
    ),
    *(
        line
        for version, imports in ((5, "Qml2Imports"), (6, "QmlImports"))
        for line in (
            Companion(
                *(f"libQt{version}Core.so", Beside(f"qt{version}/plugins"), "*.so", f"plugins of Qt {version}"),
                without="windows on any screen (platforms), images, printing, TLS",
                pointing=Pointing.QT_CONF,
                qt=QtPath(version, "Plugins"),
            ),
            Companion(
                *(f"libQt{version}Core.so", BelowPrefix(f"/usr/share/qt{version}/translations"), "qt*.qm"),
                what=f"translations of Qt {version}",
                without="Qt's own words in the user's language",
                pointing=Pointing.QT_CONF,
                qt=QtPath(version, "Translations"),
            ),
            Companion(
                *(f"libQt{version}Qml.so", Beside(f"qt{version}/qml"), "*", f"modules of QML for Qt {version}"),
                without="every `import` of a QML file",
                pointing=Pointing.QT_CONF,
                qt=QtPath(version, imports),
            ),
        )
    ),
)


def companions_of(library: str) -> Iterator[Companion]:
    """The lines for a library of this file name."""
    return (line for line in COMPANIONS if matches(library, line.library))


# Opened by its name at run time: found like what is needed.
OPENED_BY_NAME: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("libodbc.so", ("libodbcinst.so.2",)),  # unixODBC's driver manager, for the attributes of a DSN
    ("libQt5Network.so", ("libssl.so.3", "libcrypto.so.3")),
    ("libqopensslbackend.so", ("libssl.so.3", "libcrypto.so.3")),  # a plugin of Qt 6
)


def opened_by_name(library: str) -> Iterable[str]:
    """The names that a library of this file name opens at run time."""
    return (name for line, names in OPENED_BY_NAME if matches(library, line) for name in names)


class TargetData(enum.Enum):
    """What a library reads that belongs to the machine it runs on, and how Debian calls the packages that have it."""

    FONTS = ("fonts and their configuration", "fontconfig-config fonts-dejavu-core")
    KEYBOARDS = ("descriptions of keyboards", "xkb-data")
    ICONS = ("a theme of icons", "adwaita-icon-theme")
    SOUND = ("the configuration of sound", "libasound2-data")
    ODBC = (
        "drivers of ODBC, and the odbcinst.ini that names them",
        "odbcinst odbc-postgresql, libsqliteodbc and others",
    )
    MIME = ("kinds of files", "shared-mime-info")

    @property
    def what(self) -> str:
        """In words."""
        return self.value[0]

    @property
    def debian(self) -> str:
        """Names of packages."""
        return self.value[1]


_READ_FROM_TARGET: tuple[tuple[str, TargetData], ...] = (
    ("libfontconfig.so", TargetData.FONTS),
    ("libxkbcommon.so", TargetData.KEYBOARDS),
    ("libgtk-3.so", TargetData.ICONS),
    ("libgtk-4.so", TargetData.ICONS),
    ("libasound.so", TargetData.SOUND),
    ("pyodbc*", TargetData.ODBC),
)


def target_data(library: str) -> TargetData | None:
    """What a library of this file name reads from the machine that it runs on."""
    return next((data for name, data in _READ_FROM_TARGET if matches(library, name)), None)


# Folders that many libraries name, and that belong to the machine: translations, time zones, terminals, X's tables.
_OF_THE_MACHINE = (
    "/usr/share/locale", "/usr/share/zoneinfo", "/usr/share/terminfo", "/usr/share/X11", "/usr/share/fontconfig",
    "/usr/share/fonts", "/usr/share/icons", "/usr/share/themes", "/usr/share/mime", "/usr/share/doc", "/usr/share/info",
    "/usr/share/man", "/usr/share/applications", "/usr/share/xml", "/usr/share/sounds", "/usr/share/alsa", "/usr/share/i18n",
    "/usr/share/pki", "/usr/share/ca-certificates", "/usr/share/common-licenses", "/usr/share/dbus-1", "/usr/share/drirc.d",
    "/usr/lib/locale", "/usr/lib/ssl", "/usr/lib/terminfo", "/usr/lib/X11", "/usr/share/p11-kit", "/usr/lib/debug",
    "/usr/lib/systemd", "/usr/lib/binfmt.d", "/usr/lib/sysctl.d", "/usr/lib/sysusers.d", "/usr/lib/tmpfiles.d", "/usr/lib/udev",
    "/usr/share/tcltk",  # comes along as a part of Python's base
)  # fmt: skip
_ROOTS = ("/usr/lib", "/usr/share", "/usr/libexec", "/opt")


def is_searched_for(path: str) -> bool:
    """Whether a compiled-in path may name a library's own plugins or data: what lies below the machine's folders for these."""
    inside = any(path.startswith(root + "/") for root in _ROOTS)
    return inside and not any(path == folder or path.startswith(folder + "/") for folder in _OF_THE_MACHINE)

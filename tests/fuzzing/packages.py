"""Targets: databases of package managers, which any root may have, and what wheels say of themselves for a bill of materials."""

from __future__ import annotations

import json
import shutil

from bundler.sbom.embedded import read_embedded
from bundler.sbom.metadata import read_metadata, read_origin, spdx_or_none
from bundler.sysroot import Sysroot
from bundler.systems.linux.packages import find_packages
from bundler.systems.linux.packages.copyright_file import common_licences, read_copyright
from bundler.systems.linux.packages.licence_names import parse_licence
from bundler.systems.linux.packages.rpm_header import read_header
from tests.fuzzing.files import folder
from tests.fuzzing.target import Target

_NAMES = ("/usr/lib/libz.so.1", "/usr/lib/x86_64-linux-gnu/libssl.so.3")
_DATABASES = (
    "etc/os-release",
    "var/lib/dpkg/status",
    "var/lib/dpkg/diversions",
    "var/lib/dpkg/info/libz1.list",
    "var/lib/dpkg/status.d/libssl3",
    "var/lib/dpkg/status.d/libssl3.md5sums",
    "usr/share/doc/libz1/copyright",
    "lib/apk/db/installed",
)


def package_database(data: bytes) -> None:
    """The same bytes as every file of dpkg's and apk's databases: what is found has words that JSON holds."""
    place = folder() / "machine"
    for name in _DATABASES:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(data)
    root = Sysroot(str(place))
    for file in find_packages(map(root.path_of, _NAMES), root).files.values():
        json.dumps([file.licence, *map(str, file.package)])
        assert all(root.holds(path) for path in file.texts.values())
    shutil.rmtree(place)


def rpm_header(data: bytes) -> None:
    """Its values."""
    header = read_header(data)
    for tag in (1000, 1014, 1037, 1116, 1117, 1118):
        header.texts(tag)
        header.numbers(tag)


def copyright_file(data: bytes) -> None:
    """What it says is an expression, or words."""
    text = data.decode("utf-8", "replace")
    told = read_copyright(text, "libz.so.1", "zlib")
    json.dumps(told.licence)
    common_licences(text)
    parse_licence(text)


def embedded_sbom(data: bytes) -> None:
    """Its components have names."""
    assert all(part.name for part in read_embedded(data))


def wheel_metadata(data: bytes) -> None:
    """Licences and requirements, and where it came from."""
    spdx_or_none(read_metadata(data).licences.text)
    read_origin(data)


_LICENCES = (b"GPL-3+", b" and ", b" or ", b", and ", b"(", b")", b" with exceptions", b"LicenseRef-")
_JSON = (b"[" * 40, b'{"components":' * 20, b"null", b'"name":', b'"purl":', b'"\\ud800"')

TARGETS = (
    Target(
        "package-database",
        package_database,
        (),
        (b"\n\n", b"\nPackage: ", b"F:", b"R:", b"\0", b"/../", b"Version: ", b"'"),
    ),
    Target(
        "rpm-header", rpm_header, (ValueError,), (b"\0\0\0\x08", b"\xff\xff\xff\xff", b"\0\0\0\x04", b"\0\0\x04\x5d")
    ),
    Target("copyright-file", copyright_file, (), (*_LICENCES, b"\n\nFiles: ", b"\nLicense: ", b"Format: ", b" .\n")),
    Target("embedded-sbom", embedded_sbom, (), _JSON),
    Target(
        "wheel-metadata",
        wheel_metadata,
        (),
        (*_LICENCES, b"\nLicense: ", b"\nClassifier: License :: ", b"\nLicense-File: "),
    ),
)

"""Which package of an RPM system a library came from: databases made here, and one that rpm itself makes."""

from __future__ import annotations

import os
import shutil
import sqlite3
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from bundler.host_package import Copyleft, HostPackage, PackageKind
from bundler.sysroot import Sysroot
from bundler.systems.linux.packages import find_packages
from bundler.systems.linux.packages.rpm_header import read_header
from bundler.systems.packaged import Packaged
from tests.material.programs import need
from tests.systems.linux.packages.roots import put

Value = str | list[str] | list[int]
FEDORA = {"/etc/os-release": "ID=fedora\nVERSION_ID=40\n"}
TAGS: Mapping[int, Value] = {
    1000: "openssl-libs",
    1001: "3.2.2",
    1002: "3.fc40",
    1003: [1],
    1014: "Apache-2.0",
    1022: "x86_64",
    1044: "openssl-3.2.2-3.fc40.src.rpm",
    1037: [0, 0, 1 << 7],
    1116: [0, 0, 1],
    1117: ["libcrypto.so.3.2.2", "libssl.so.3.2.2", "LICENSE.txt"],
    1118: ["/usr/lib64/", "/usr/share/licenses/openssl-libs/"],
}


def header(tags: Mapping[int, Value]) -> bytes:
    """A header as the database keeps it."""
    index, data = b"", b""
    for tag, value in sorted(tags.items()):
        if isinstance(value, str):
            kind, count, stored = 6, 1, value.encode() + b"\0"
        elif value and isinstance(value[0], int):
            data += bytes(-len(data) % 4)
            kind, count, stored = 4, len(value), struct.pack(f">{len(value)}I", *value)
        else:
            kind, count, stored = 8, len(value), b"".join(str(text).encode() + b"\0" for text in value)
        index += struct.pack(">IIII", tag, kind, len(data), count)
        data += stored
    return struct.pack(">II", len(index) // 16, len(data)) + index + data


def database(place: Path, *headers: Mapping[int, Value], wal: bool = False, killed: bool = True) -> Path:
    """A database with packages, in SQLite's form; with a log, as rpm has it, that a process leaves which is `killed`."""
    place.parent.mkdir(parents=True, exist_ok=True)
    made = sqlite3.connect(place)
    if wal:
        made.execute("PRAGMA journal_mode = WAL")
    made.execute("CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
    made.execute("CREATE TABLE 'Basenames' (key 'TEXT' NOT NULL, hnum INTEGER NOT NULL, idx INTEGER NOT NULL)")
    for number, tags in enumerate(headers, 1):
        made.execute("INSERT INTO Packages VALUES (?, ?)", (number, header(tags)))
        names = tags[1117]
        made.executemany(
            "INSERT INTO Basenames VALUES (?, ?, ?)", [(name, number, at) for at, name in enumerate(names)]
        )
    made.commit()
    if wal and killed:
        for end in ("", "-wal"):
            shutil.copy(f"{place}{end}", f"{place}.copy{end}")
    made.close()
    if wal and killed:
        for end in ("", "-wal"):
            os.replace(f"{place}.copy{end}", f"{place}{end}")
        Path(f"{place}-shm").unlink(missing_ok=True)
    return place


def found(root: Path, *names: str) -> Packaged:
    sysroot = Sysroot(str(root))
    return find_packages([sysroot.path_of(name) for name in names], sysroot)


@pytest.mark.parametrize("folder", ["usr/lib/sysimage/rpm", "var/lib/rpm"])
def test_a_library_has_the_package_whose_header_lists_it(tmp_path: Path, folder: str) -> None:
    put(tmp_path, {**FEDORA, "/usr/share/licenses/openssl-libs/LICENSE.txt": "the text\n"})
    other = {**TAGS, 1000: "other", 1118: ["/opt/other/", "/usr/share/licenses/other/"]}
    place = database(tmp_path / folder / "rpmdb.sqlite", other, TAGS, wal=True, killed=False)
    before = os.stat(place.parent).st_mtime_ns
    path = f"{tmp_path}/usr/lib64/libssl.so.3.2.2"
    file = found(tmp_path, "/usr/lib64/libssl.so.3.2.2", "/usr/lib64/libown.so").files[path]
    assert file.package == HostPackage(
        PackageKind.RPM, "openssl-libs", "1:3.2.2-3.fc40", "x86_64", "openssl-3.2.2-3.fc40.src.rpm", "", "fedora", "40"
    )
    assert (file.licence, file.copyleft) == ("Apache-2.0", Copyleft.NO)
    assert dict(file.texts) == {"openssl-libs/LICENSE.txt": f"{tmp_path}/usr/share/licenses/openssl-libs/LICENSE.txt"}
    assert os.stat(place.parent).st_mtime_ns == before, "something was written beside the database"


def test_what_lies_in_the_log_of_a_process_that_was_killed_is_read_too(tmp_path: Path) -> None:
    place = database(tmp_path / "var/lib/rpm/rpmdb.sqlite", TAGS, wal=True)
    assert os.path.getsize(f"{place}-wal") > 0
    before = sorted(os.listdir(place.parent))
    assert len(found(tmp_path, "/usr/lib64/libssl.so.3.2.2").files) == 1
    assert sorted(os.listdir(place.parent)) == before


@pytest.mark.parametrize(
    ("licence", "told", "copyleft"),
    [
        ("GPLv3+", "GPL-3.0-or-later", Copyleft.STRONG),
        ("GPLv2+ and LGPLv2+", "GPL-2.0-or-later AND LGPL-2.0-or-later", Copyleft.NO),
        ("GPL-3.0-or-later AND GFDL-1.3-or-later", "GPL-3.0-or-later AND GFDL-1.3-or-later", Copyleft.STRONG),
        (
            "GPL-3.0-or-later WITH GCC-exception-3.1",
            "GPL-3.0-or-later WITH GCC-exception-3.1",
            Copyleft.NO,
        ),
    ],
)
def test_a_package_of_several_licences_is_strong_copyleft_where_all_of_them_are(
    tmp_path: Path, licence: str, told: str, copyleft: Copyleft
) -> None:
    database(tmp_path / "var/lib/rpm/rpmdb.sqlite", {**TAGS, 1014: licence})
    (file,) = found(tmp_path, "/usr/lib64/libssl.so.3.2.2").files.values()
    assert (file.licence, file.copyleft) == (told, copyleft)


@pytest.mark.parametrize(("name", "form"), [("Packages", "Berkeley DB"), ("Packages.db", "ndb")])
def test_a_database_in_another_form_is_told(tmp_path: Path, name: str, form: str) -> None:
    put(tmp_path, {f"/var/lib/rpm/{name}": "\0"})
    packaged = found(tmp_path, "/usr/lib64/libssl.so.3.2.2")
    assert not packaged.files
    (note,) = packaged.notes
    assert form in note and "SQLite" in note


@pytest.mark.parametrize("data", [b"", b"no database", b"SQLite format 3\0" + bytes(200)])
def test_a_damaged_database_is_told(tmp_path: Path, data: bytes) -> None:
    put(tmp_path, {"/var/lib/rpm/rpmdb.sqlite": ""})
    (tmp_path / "var/lib/rpm/rpmdb.sqlite").write_bytes(data)
    packaged = found(tmp_path, "/usr/lib64/libssl.so.3.2.2")
    assert not packaged.files and "cannot be read" in packaged.notes[0]


@pytest.mark.parametrize("length", [0, 7, 20, -1])
def test_a_header_that_ends_too_early_is_none(length: int) -> None:
    with pytest.raises(ValueError, match=r"header|fit"):
        read_header(header(TAGS)[:length])


def test_values_that_reach_behind_the_header_are_told() -> None:
    whole = bytearray(header({1117: ["a", "b"], 1037: [1]}))
    struct.pack_into(">I", whole, 8 + 12, 1 << 30)  # of the numbers
    struct.pack_into(">I", whole, 24 + 12, 1 << 30)  # of the texts
    read = read_header(bytes(whole))
    with pytest.raises(ValueError, match="numbers"):
        read.numbers(1037)
    with pytest.raises(ValueError, match="texts"):
        read.texts(1117)


@pytest.mark.everything
def test_a_database_of_rpm_itself_is_read(tmp_path: Path) -> None:
    """A package that rpmbuild makes, installed by rpm into a root of its own."""
    rpm, rpmbuild = need("rpm"), need("rpmbuild")
    spec = tmp_path / "made.spec"
    spec.write_text(
        "Name: made-libs\nEpoch: 2\nVersion: 1.4\nRelease: 7\nSummary: made here\nLicense: GPL-3.0-or-later\nBuildArch: noarch\n"
        "%description\nMade here.\n%install\nmkdir -p %{buildroot}/usr/lib64 %{buildroot}/usr/share/licenses/made-libs\n"
        "echo library > %{buildroot}/usr/lib64/libmade.so.1\necho text > %{buildroot}/usr/share/licenses/made-libs/COPYING\n"
        "%files\n/usr/lib64/libmade.so.1\n%license /usr/share/licenses/made-libs/COPYING\n"
    )
    root = tmp_path / "root"
    folder = root / "var/lib/rpm"
    folder.mkdir(parents=True)
    here = {**os.environ, "HOME": str(tmp_path)}
    build = [rpmbuild, "-bb", "--define", f"_topdir {tmp_path}/top", "--nodeps", str(spec)]
    subprocess.run(build, check=True, capture_output=True, env=here)
    (package,) = (tmp_path / "top/RPMS").rglob("*.rpm")
    install = [rpm, "--root", str(root), "--dbpath", "/var/lib/rpm", "--define", "_db_backend sqlite"]
    subprocess.run([*install, "--initdb"], check=True, capture_output=True, env=here)
    subprocess.run(
        [*install, "-i", "--nodeps", "--nosignature", str(package)], check=True, capture_output=True, env=here
    )
    path = f"{root}/usr/lib64/libmade.so.1"
    file = found(root, "/usr/lib64/libmade.so.1").files[path]
    assert file.package == HostPackage(PackageKind.RPM, "made-libs", "2:1.4-7", "noarch", "made-libs-1.4-7.src.rpm")
    assert (file.licence, file.copyleft) == ("GPL-3.0-or-later", Copyleft.STRONG)
    assert dict(file.texts) == {"made-libs/COPYING": f"{root}/usr/share/licenses/made-libs/COPYING"}

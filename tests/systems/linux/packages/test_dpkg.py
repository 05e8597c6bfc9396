"""Which of Debian's packages a library came from: by dpkg's files, in every way in which they can name it."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from bundler.host_package import Copyleft, HostPackage, PackageKind
from bundler.sysroot import HOST, Sysroot
from bundler.systems.linux.packages import find_packages
from tests.material.programs import need
from tests.systems.linux.packages.roots import LIB, debian, put

SSL = (
    "Architecture: amd64\nSource: openssl\nVersion: 3.0.17-1~deb12u2",
    [f"{LIB}/libssl.so.3", f"{LIB}/libcrypto.so.3"],
)


def found(root: Path, *names: str) -> dict[str, HostPackage]:
    """The packages of files by their names in a root, in which they need not be."""
    sysroot = Sysroot(str(root))
    packaged = find_packages([sysroot.path_of(name) for name in names], sysroot)
    return {sysroot.name_of(path): file.package for path, file in packaged.files.items()}


def test_a_package_is_told_with_version_machine_source_and_distribution(tmp_path: Path) -> None:
    root = debian(
        tmp_path, libssl3__amd64=SSL, zlib1g=("Architecture: amd64\nVersion: 1:1.2.13-1", [f"{LIB}/libz.so.1.2.13"])
    )
    assert found(root, f"{LIB}/libssl.so.3", f"{LIB}/libcrypto.so.3", f"{LIB}/libz.so.1.2.13") == {
        **dict.fromkeys(
            (f"{LIB}/libssl.so.3", f"{LIB}/libcrypto.so.3"),
            HostPackage(PackageKind.DEB, "libssl3", "3.0.17-1~deb12u2", "amd64", "openssl", "", "debian", "12"),
        ),
        f"{LIB}/libz.so.1.2.13": HostPackage(PackageKind.DEB, "zlib1g", "1:1.2.13-1", "amd64", "", "", "debian", "12"),
    }


def test_a_list_that_names_a_file_as_it_was_before_the_merge_with_usr_names_it_still(tmp_path: Path) -> None:
    root = debian(tmp_path, libtinfo6=("Version: 6.4-4", ["/lib/x86_64-linux-gnu/libtinfo.so.6.4"]))
    assert found(root, f"{LIB}/libtinfo.so.6.4")[f"{LIB}/libtinfo.so.6.4"].name == "libtinfo6"
    newer = debian(tmp_path / "newer", libtinfo6=("Version: 6.5-2", [f"{LIB}/libtinfo.so.6.5"]))
    name = "/lib/x86_64-linux-gnu/libtinfo.so.6.5"
    assert found(newer, name)[name].version == "6.5-2"


def test_of_two_machines_in_one_database_that_of_the_file_is_told(tmp_path: Path) -> None:
    other = "/usr/lib/i386-linux-gnu/libssl.so.3"
    root = debian(
        tmp_path, libssl3__amd64=SSL, libssl3__i386=("Architecture: i386\nVersion: 3.0.17-1~deb12u2", [other])
    )
    packages = found(root, other, f"{LIB}/libssl.so.3")
    assert {name: package.architecture for name, package in packages.items()} == {
        other: "i386",
        f"{LIB}/libssl.so.3": "amd64",
    }


def test_a_source_package_of_another_version_is_told_with_it(tmp_path: Path) -> None:
    root = debian(tmp_path, libbz2_1_0=("Source: bzip2 (1.0.8-5)\nVersion: 1.0.8-5+b1", [f"{LIB}/libbz2.so.1.0.4"]))
    package = found(root, f"{LIB}/libbz2.so.1.0.4")[f"{LIB}/libbz2.so.1.0.4"]
    assert (package.source, package.source_version, package.version) == ("bzip2", "1.0.8-5", "1.0.8-5+b1")


def test_a_diverted_file_is_that_of_the_package_which_had_it(tmp_path: Path) -> None:
    gl, elsewhere = f"{LIB}/libGL.so.1", f"{LIB}/mesa/libGL.so.1"
    root = debian(tmp_path, libgl1=("Version: 1", [gl]), driver_libgl=("Version: 2", [gl]))
    put(root, {"/var/lib/dpkg/diversions": f"{gl}\n{elsewhere}\ndriver-libgl\n"})
    packages = found(root, gl, elsewhere)
    assert {name: package.name for name, package in packages.items()} == {gl: "driver-libgl", elsewhere: "libgl1"}


def test_images_without_dpkg_have_a_stanza_and_sums_a_package(tmp_path: Path) -> None:
    root = put(
        tmp_path,
        {
            "/etc/os-release": "ID=debian\nVERSION_ID='13'\n",
            "/var/lib/dpkg/status.d/libssl3t64": "Package: libssl3t64\nVersion: 3.5.1-1\nArchitecture: arm64\nSource: openssl\n",
            "/var/lib/dpkg/status.d/libssl3t64.md5sums": f"d41d8cd98f00b204e9800998ecf8427e  {LIB.lstrip('/')}/libssl.so.3\n",
        },
    )
    package = found(root, f"{LIB}/libssl.so.3")[f"{LIB}/libssl.so.3"]
    assert (package.name, package.version, package.architecture, package.release) == (
        "libssl3t64",
        "3.5.1-1",
        "arm64",
        "13",
    )


def test_what_no_package_brought_has_none(tmp_path: Path) -> None:
    root = debian(tmp_path, libssl3__amd64=SSL)
    assert found(root, f"{LIB}/libown.so.1", "/usr/local/lib/libssl.so.3", "/opt/vendor/libssl.so.3") == {}
    assert found(tmp_path / "empty", f"{LIB}/libssl.so.3") == {}


def test_a_library_whose_name_says_nothing_of_its_package_is_found(tmp_path: Path) -> None:
    others = {f"aa{number}": ("Version: 1", [f"/usr/share/{number}"]) for number in range(40)}
    others |= {f"libzz{number}": ("Version: 1", [f"/usr/share/zz{number}"]) for number in range(40)}
    root = debian(tmp_path, **others, unlike=("Version: 7", [f"{LIB}/libmagic.so.1"]))
    assert found(root, f"{LIB}/libmagic.so.1")[f"{LIB}/libmagic.so.1"].name == "unlike"


def test_licence_texts_come_with_what_they_refer_to(tmp_path: Path) -> None:
    root = debian(tmp_path, libreadline8=("Source: readline\nVersion: 8.2-1.3", [f"{LIB}/libreadline.so.8.2"]))
    put(
        root,
        {
            "/usr/share/doc/readline-common/copyright": "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n"
            "Files: *\nCopyright: 1987 FSF\nLicense: GPL-3+\n On Debian see /usr/share/common-licenses/GPL-3.\n",
            "/usr/share/common-licenses/GPL-3": "the text\n",
        },
    )
    (root / "usr/share/doc/libreadline8").symlink_to("readline-common")
    sysroot = Sysroot(str(root))
    path = sysroot.path_of(f"{LIB}/libreadline.so.8.2")
    file = find_packages([path], sysroot).files[path]
    assert (file.licence, file.copyleft) == ("GPL-3.0-or-later", Copyleft.STRONG)
    assert dict(file.texts) == {
        "libreadline8/copyright": f"{root}/usr/share/doc/readline-common/copyright",
        "common-licenses/GPL-3": f"{root}/usr/share/common-licenses/GPL-3",
    }


def test_every_library_of_this_machine_has_the_package_that_dpkg_names() -> None:
    query = need("dpkg-query")
    folder = Path(f"/usr/lib/{os.uname().machine}-linux-gnu")
    paths = sorted({os.path.realpath(path) for path in folder.glob("lib*.so*") if path.is_file()})[::7][:60]
    told = subprocess.run([query, "-S", *paths], capture_output=True, text=True, check=False).stdout
    merged = [path.removeprefix("/usr") for path in paths]
    told += subprocess.run([query, "-S", *merged], capture_output=True, text=True, check=False).stdout
    owners = {}
    for line in told.splitlines():
        package, _, path = line.rpartition(": ")
        if not line.startswith("diversion") and re.fullmatch(r"[a-z0-9.+-]+(:\w+)?", package):
            owners[path if path.startswith("/usr/") else f"/usr{path}"] = package.partition(":")[0]
    assert len(owners) > len(paths) / 2
    packaged = find_packages(paths, HOST)
    assert {path: file.package.name for path, file in packaged.files.items()} == owners

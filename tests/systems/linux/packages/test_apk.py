"""Which package of an Alpine a library came from, by a database in apk's form."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundler.host_package import Copyleft, HostPackage, PackageKind
from bundler.sysroot import Sysroot
from bundler.systems.linux.packages import find_packages
from tests.systems.linux.packages.roots import put

INSTALLED = """C:Q1abc=
P:musl
V:1.2.5-r0
A:x86_64
L:MIT
o:musl
F:lib
R:ld-musl-x86_64.so.1
a:0:0:755
Z:Q1def=

C:Q1ghi=
P:libcrypto3
V:3.3.2-r0
A:x86_64
L:Apache-2.0
o:openssl
F:etc
F:usr/lib
R:libcrypto.so.3
a:0:0:755

P:readline
V:8.2.10-r0
A:x86_64
L:GPL-3.0-or-later
o:readline
F:usr/lib
R:libreadline.so.8.2

P:bare
V:1-r0
F:usr/lib
R:libbare.so.1
"""


@pytest.mark.parametrize("place", ["/lib/apk/db/installed", "/usr/lib/apk/db/installed"])
def test_a_library_has_the_package_whose_paragraph_lists_it(tmp_path: Path, place: str) -> None:
    root = Sysroot(str(put(tmp_path, {place: INSTALLED, "/etc/os-release": "ID=alpine\nVERSION_ID=3.20.3\n"})))
    names = ("/usr/lib/libcrypto.so.3", "/usr/lib/libreadline.so.8.2", "/usr/lib/libown.so")
    packaged = find_packages([root.path_of(name) for name in names], root)
    crypto, readline = (packaged.files[root.path_of(name)] for name in names[:2])
    assert crypto.package == HostPackage(
        PackageKind.APK, "libcrypto3", "3.3.2-r0", "x86_64", "openssl", "", "alpine", "3.20.3"
    )
    assert (crypto.licence, crypto.copyleft) == ("Apache-2.0", Copyleft.NO)
    assert (readline.package.source, readline.licence, readline.copyleft) == ("", "GPL-3.0-or-later", Copyleft.STRONG)
    assert len(packaged.files) == 2


def test_what_a_paragraph_does_not_say_nobody_says(tmp_path: Path) -> None:
    root = Sysroot(str(put(tmp_path, {"/lib/apk/db/installed": INSTALLED})))
    path = root.path_of("/usr/lib/libbare.so.1")
    file = find_packages([path], root).files[path]
    assert (file.package, file.licence) == (HostPackage(PackageKind.APK, "bare", "1-r0"), "")


def test_a_file_that_was_in_lib_before_the_merge_is_found_there(tmp_path: Path) -> None:
    root = Sysroot(str(put(tmp_path, {"/lib/apk/db/installed": INSTALLED})))
    path = root.path_of("/usr/lib/ld-musl-x86_64.so.1")
    assert find_packages([path], root).files[path].package.name == "musl"

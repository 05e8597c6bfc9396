"""pkg-config files: their directories follow the file."""

from __future__ import annotations

from bundler.rewrite.pkg_config import follow_place, rewrite_pkg_config
from bundler.rewrite.sysconfig import MovedDirectory


def test_pkg_config_files_follow_their_place() -> None:
    data = b"prefix=/opt/py\nexec_prefix=${prefix}\nlibdir=/opt/py/lib\nincludedir=${prefix}/include\nLibs.private: -L/opt/py/lib\n"
    new = rewrite_pkg_config(data, [MovedDirectory("/opt/py", "")])
    assert new is not None
    assert b"/opt/py" not in new.data
    assert new.data.startswith(b"prefix=${pcfiledir}/../..\n")
    assert b"-L${prefix}/lib" in new.data
    assert rewrite_pkg_config(new.data, [MovedDirectory("/opt/py", "")]) is None


def test_pkg_config_files_use_only_variables_that_they_define() -> None:
    new = rewrite_pkg_config(
        b"libdir=/opt/py/lib\nName: x\nLibs: -L/opt/py/lib -L${libdir}\n", [MovedDirectory("/opt/py", "")]
    )
    assert new is not None
    assert new.data == b"libdir=${pcfiledir}/../../lib\nName: x\nLibs: -L${pcfiledir}/../../lib -L${libdir}\n"
    new = rewrite_pkg_config(b"prefix=/opt/py\nlibdir=/opt/py/lib\n", [MovedDirectory("/opt/py", "")])
    assert new is not None
    assert new.data == b"prefix=${pcfiledir}/../..\nlibdir=${prefix}/lib\n"


def test_pkg_config_files_of_packages_keep_their_layout() -> None:
    data = b"prefix=/env\nlibdir=/env/share/app/lib\nsystem=/usr\nLibs: -L${libdir} -L/env/lib -L/envelope\n"
    new = follow_place(data, [MovedDirectory("/env", "")])
    assert new is not None
    assert new.data == (
        b"prefix=${pcfiledir}/../..\nlibdir=${pcfiledir}/../../share/app/lib\nsystem=/usr\n"
        b"Libs: -L${libdir} -L${pcfiledir}/../../lib -L/envelope\n"
    )
    assert follow_place(b"prefix=/usr\n", [MovedDirectory("/env", "")]) is None

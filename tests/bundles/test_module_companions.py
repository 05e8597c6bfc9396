"""Libraries that lines in a Python package lead to what came along with them: mechanisms of SASL, the database of libmagic."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.material.environments import pack, run
from tests.material.isolation import bare_root, in_root

PACKAGES = Path("/usr/lib/python3/dist-packages")


MECHANISMS = """
import ctypes, ldap
sasl = ctypes.CDLL("libsasl2.so.2")
sasl.sasl_client_init(None)
sasl.sasl_global_listmech.restype = ctypes.POINTER(ctypes.c_char_p)
known = sasl.sasl_global_listmech()
names = []
while known[len(names)]:
    names.append(known[len(names)].decode())
print("DIGEST-MD5" in names)
"""


class Row(NamedTuple):
    """Packages of Debian, what a program prints with them, and what lies at the place that their library has compiled in."""

    package: str
    names: tuple[str, ...]
    code: str
    said: str
    planted: str


ROWS = (
    Row(
        *("python3-ldap", ("ldap", "ldapurl.py", "ldif.py", "_ldap.*.so", "pyasn1*")),
        code=MECHANISMS,
        said="True",
        planted="/usr/lib/{multiarch}/sasl2/libscram.so",
    ),
    Row(
        *("python3-magic", ("magic",)),
        code="import magic; print(magic.from_buffer(b'%PDF-1.4\\n'))",
        said="PDF document, version 1.4",
        planted="/usr/share/misc/magic.mgc",
    ),
)


@pytest.mark.everything
@pytest.mark.parametrize("row", ROWS, ids=[row.package for row in ROWS])
def test_a_library_is_led_to_what_came_along(tmp_path: Path, row: Row) -> None:
    files = [file for name in row.names for file in PACKAGES.glob(name)]
    if not files:
        pytest.skip(f"no {row.package} here: apt-get install {row.package}")
    environment, bundle, root = tmp_path / "env", tmp_path / "bundle", bare_root(tmp_path / "root")
    run(["/usr/bin/python3", "-m", "venv", "--without-pip", environment])
    site = next(environment.glob("lib/python3*/site-packages"))
    for file in files:
        shutil.copytree(file, site / file.name) if file.is_dir() else shutil.copy(file, site)
    pack(environment, bundle, "--profile", "slim")
    planted = root / row.planted.format(multiarch=f"{os.uname().machine}-linux-gnu")[1:]
    planted.parent.mkdir(parents=True)
    planted.write_text("another machine's")
    done = in_root(root, bundle, ["/opt/app/bin/python", "-c", row.code])
    assert (done.stdout.strip(), done.stderr) == (row.said, "")

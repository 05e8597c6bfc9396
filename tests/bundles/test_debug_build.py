"""Debian's debug build of its Python, laid over /usr in a namespace, is packed and runs without it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.material.debian import debian_packages
from tests.material.environments import FIXTURES
from tests.material.interpreters import debian_python
from tests.material.isolation import hidden

pytestmark = pytest.mark.everything


def test_a_debug_build_is_packed_under_all_its_names(tmp_path: Path) -> None:
    python = debian_python()
    if python is None:
        pytest.skip("no Debian Python with venv: apt-get install python3-venv")
    version = python.version
    names = [f"python{version}-dbg", f"libpython{version}-dbg"]
    release = Path("/etc/os-release").read_text().partition("VERSION_CODENAME=")[2].split()[0]
    debug = debian_packages(release, names) / "usr"
    if not (debug / f"bin/python{version}d").exists():
        pytest.skip(f"the packages of {release} in the cache are others than {names}")
    script = (
        "mount -t overlay none -o lowerdir=$1:/usr /usr || exit 77;"
        f" python{version}d -m venv --without-pip $2/env; exec $3 -m bundler pack $2/env --out $2/packed"
    )
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(FIXTURES.parent)}
    done = hidden([], ["sh", "-ec", script, "sh", debug, tmp_path, sys.executable], env=env)
    if done.returncode == 77:
        pytest.skip("no overlayfs here: run as root")
    assert done.returncode == 0, done.stderr
    bundle = (tmp_path / "packed").rename(tmp_path / "bundle")
    code = (
        "import sys, ssl, sqlite3, _ctypes, sysconfig;"
        "print(hasattr(sys, 'gettotalrefcount'), sys.prefix, _ctypes.__file__.rpartition('.cpython')[2],"
        " sysconfig.get_path('include'))"
    )
    for name in ("python", "python3", f"python{version}", f"python{version}d"):
        done = hidden([tmp_path / "env", *python.places], [bundle / "bin" / name, "-c", code])
        assert done.returncode == 0, done.stderr
        has, prefix, suffix, include = done.stdout.split()
        assert (has, prefix) == ("True", str(bundle))
        assert suffix.startswith(f"-{version.replace('.', '')}d-")
        assert include == f"{bundle}/include/python{version}d"

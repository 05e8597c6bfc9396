"""auditwheel repairs wheels with `bundler-patchelf`: what it took along from the host is used, wherever the wheel lies."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.binaries.elf.patching import image_of
from tests.material.kept import kept

pytestmark = pytest.mark.everything

SEEN = """
with open("/proc/self/maps") as maps:
    print(*sorted({line.split(maxsplit=5)[5].strip() for line in maps if ".so" in line}), sep="\\n")
"""
WHEELS = {
    "cffi==2.0.0": ("libffi", "import _cffi_backend\nassert _cffi_backend.new_primitive_type('int').cname == 'int'"),
    "psycopg2==2.9.13": ("libpq", "import psycopg2\nassert psycopg2.__libpq_version__ > 100000"),
    "pysqlite3==0.6.1": (
        "libsqlite3",
        "from pysqlite3 import dbapi2\nassert dbapi2.connect(':memory:').execute('select 6 * 7').fetchone() == (42,)",
    ),
}
"""By requirement: the library of the host that its sources are built against, and a use of it."""


def built(requirement: str) -> Path:
    """A wheel built of the sources of a package; skips where it cannot be built."""
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-binary", ":all:", requirement]

    def build(folder: Path) -> None:
        done = subprocess.run([*command, "-w", folder], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(
                f"needs to build {requirement} (a compiler, and the headers of its library): {done.stderr[-300:]}"
            )

    return next(kept(f"built-{requirement}-{sys.version_info[0]}.{sys.version_info[1]}", build).glob("*.whl"))


@pytest.mark.parametrize("requirement", WHEELS)
def test_a_repaired_wheel_uses_the_libraries_that_came_along(requirement: str, tmp_path: Path) -> None:
    pytest.importorskip("auditwheel", reason="needs auditwheel (pip install auditwheel)")
    library, use = WHEELS[requirement]
    wheel = built(requirement)
    (tmp_path / "bin").mkdir()
    calls, patchelf = tmp_path / "calls", tmp_path / "bin/patchelf"
    patchelf.write_text(
        f"#!{sys.executable}\nimport sys\nfrom bundler.cli.patchelf import main\n"
        f"open({str(calls)!r}, 'a').write(' '.join(sys.argv[1:]) + '\\n')\nmain()\n"
    )
    patchelf.chmod(0o755)
    command = [
        sys.executable,
        "-m",
        "auditwheel",
        "repair",
        "--plat",
        "auto",
        "-w",
        str(tmp_path / "repaired"),
        str(wheel),
    ]
    path = f"{patchelf.parent}:{os.environ['PATH']}"
    repair = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "PATH": path})
    assert repair.returncode == 0, repair.stderr
    assert "--force-rpath --set-rpath" in calls.read_text()
    place = tmp_path / "somewhere else"
    (repaired,) = (tmp_path / "repaired").glob("*.whl")
    with zipfile.ZipFile(repaired) as archive:
        archive.extractall(place)
    grafted = [file for file in place.rglob("*.libs/*") if library in file.name]
    assert grafted
    assert [image_of(file).soname for file in grafted] == [file.name for file in grafted]
    program = f"import sys; sys.path.insert(0, {str(place)!r})\n{use}{SEEN}"
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded = [line for line in done.stdout.splitlines() if os.path.basename(line).startswith(library)]
    assert loaded == [str(file) for file in grafted]

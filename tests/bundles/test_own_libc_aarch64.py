"""A bundle for aarch64 with its own libc, packed from files alone, runs under qemu where nothing else is; pages of 4 and 64 KiB."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from bundler.binaries.elf import read_image
from tests.bundles.test_own_libc import SEES, WORKS, empty_root
from tests.material.environments import pack
from tests.material.foreign import AARCH64, VERSION, emulated, root_of, venv_in, wheel_of
from tests.material.isolation import ENVIRONMENT

pytestmark = pytest.mark.everything
PYTHON = f"/opt/app/bin/python{VERSION}"
COMPUTES = (
    "import numpy, numpy.linalg, os; a = numpy.arange(4.0).reshape(2, 2) + numpy.eye(2);"
    "print(numpy.allclose(numpy.linalg.inv(a) @ a, numpy.eye(2)), os.sysconf('SC_PAGE_SIZE'), os.uname().machine)"
)


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of Debian's Python for aarch64 with numpy."""
    folder = tmp_path_factory.mktemp("aarch64")
    root = root_of(AARCH64, folder / "root")
    venv_in(root, "/srv/application/.venv", [wheel_of(AARCH64)])
    options = ("--root", root, "--libc", "bundle", "--launcher", "native")
    pack(Path("/srv/application/.venv"), folder / "bundle", *options)
    shutil.rmtree(root)
    return folder / "bundle"


@pytest.fixture
def nothing(tmp_path: Path) -> Path:
    """A root that holds the emulator, and nothing of the machine."""
    root = empty_root(tmp_path / "root")
    (root / "opt/app").mkdir()
    shutil.copy(AARCH64.qemu, root / "emulator")
    return root


@pytest.mark.parametrize("page", [4096, 65536])
def test_it_runs_where_nothing_else_is(packed: Path, nothing: Path, page: int) -> None:
    env = {**ENVIRONMENT, "QEMU_PAGESIZE": str(page)}
    done = emulated(AARCH64, nothing, packed, [PYTHON, "-c", SEES], env)
    assert done.returncode == 0, done.stderr
    prefix, executable, libraries = json.loads(done.stdout)
    assert (prefix, executable) == ("/opt/app", PYTHON)
    ours = [path for path in libraries if path != "/emulator"]
    assert ours and all(path.startswith("/opt/app/") for path in ours)
    done = emulated(AARCH64, nothing, packed, [PYTHON, "-c", COMPUTES], env)
    assert done.stdout == f"True {page} aarch64\n", done.stderr
    (nothing / "tmp/works.py").write_text(WORKS)
    done = emulated(AARCH64, nothing, packed, [PYTHON, "/tmp/works.py"], env)
    assert done.stdout == "works\n", done.stderr
    done = emulated(AARCH64, nothing, packed, ["/opt/app/bin/where"], env)
    assert (done.stdout, done.stderr) == ("/opt/app\n", "")


def test_it_finds_its_place_under_other_names(packed: Path, nothing: Path) -> None:
    with (packed / "bin" / f"python{VERSION}").open("rb") as file:
        assert read_image(file).finds_itself
    code = "import sys; print(sys.prefix)"
    for name in ("worker", "-python", "/usr/bin/python3", "bin/python3"):
        done = emulated(AARCH64, nothing, packed, ["/emulator", "-0", name, PYTHON, "-c", code])
        assert done.stdout == "/opt/app\n", (name, done.stderr)

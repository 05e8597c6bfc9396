"""Pythons of other Debian releases: packed inside a root of the release, run in a bare root with that release's libc."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.material.debian import debian_packages, debian_root, inside
from tests.material.environments import FIXTURES, FLAT_PROJECT, pure_dependencies, run, tool
from tests.material.isolation import hidden, namespace

pytestmark = pytest.mark.everything

CODE = (
    "import sys, ssl, sqlite3, ctypes, lzma, bz2, sysconfig, site, json, wheel_of_ours;"
    " print(json.dumps([sys.prefix, sys.path, sysconfig.get_path('purelib'), wheel_of_ours.__file__]))"
)


@pytest.fixture
def workshop() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="debian-") as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def dependencies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What bundler needs, as pure Python that any version reads."""
    return pure_dependencies(tmp_path_factory.mktemp("dependencies"))


@pytest.mark.parametrize(("suite", "version"), [("trixie", "3.13"), ("forky", "3.14")])
def test_a_venv_of_the_release_s_python_runs_without_it(
    workshop: Path, dependencies: Path, suite: str, version: str
) -> None:
    root = debian_root(suite, workshop / "root")
    found = os.listdir(root / "usr/lib")
    if f"python{version}" not in found:
        pytest.skip(
            f"{suite} has no Python {version} any more: {[name for name in found if name.startswith('python')]}"
        )
    script = (
        "python3 -m venv /venv; mkdir -p /venv/lib/python*/site-packages;"
        " echo 'X = 1' > $(echo /venv/lib/python*/site-packages)/wheel_of_ours.py;"
        " PYTHONPATH=/bundler:/dependencies python3 -m bundler pack /venv --out /out"
    )
    binds = [(FIXTURES.parent, "bundler"), (dependencies, "dependencies")]
    done = inside(root, script, binds)
    assert done.returncode == 0, done.stdout + done.stderr
    check_in_place_of_the_python(root, root / "out", version)


def check_in_place_of_the_python(root: Path, out: Path, version: str) -> None:
    """Run the bundle in the root after everything of its Python is gone; then pip, venv and sysconfig in it."""
    bundle = out.rename(root / "opt/moved here")
    for place in (*root.glob("usr/lib/python3*"), root / "venv", *root.glob("usr/bin/*python3*")):
        shutil.rmtree(place, ignore_errors=True)
        if place.exists() or place.is_symlink():
            place.unlink()
    (root / "code.py").write_text(CODE)
    done = inside(root, '"/opt/moved here/bin/python" /code.py')
    assert done.returncode == 0, done.stderr
    prefix, path, purelib, file = json.loads(done.stdout)
    assert prefix == "/opt/moved here"
    assert purelib == f"/opt/moved here/lib/python{version}/site-packages"
    assert file.startswith(purelib)
    assert [entry for entry in path if not entry.startswith(prefix) and entry != "/"] == []
    for command in (
        '"/opt/moved here/bin/pip" --version',
        '"/opt/moved here/bin/python" -m venv /inner && /inner/bin/python -c "import pip, ssl"',
        '"/opt/moved here/bin/python" -m venv --copies /copied && /copied/bin/python -c "import pip, ssl, _ctypes"',
        'ln -s "/opt/moved here/bin/python" /link && /link -m venv /through && /through/bin/python -c "import pip, ssl"',
        '"/opt/moved here/bin/python3-config" --includes',
    ):
        done = inside(root, command)
        assert done.returncode == 0, command + done.stdout + done.stderr
    assert bundle.is_dir()


def test_debian_11_s_python_meets_its_packages_in_one_place(workshop: Path) -> None:
    """Its Python 3.9 is too old for bundler itself: its packages are laid over this machine's root, and packed from there."""
    packages = debian_packages(
        "bullseye",
        (
            "libpython3.9-minimal", "libpython3.9-stdlib", "python3.9-minimal", "python3.9", "python3.9-venv", "python3-distutils",
            "python3-lib2to3", "python-pip-whl", "libssl1.1", "libffi7", "libmpdec3",
        ),
    )  # fmt: skip
    if namespace() != ("unshare", "-m"):
        pytest.skip("needs root for an overlay over the root directory")
    wheels = sorted(path.name for path in packages.glob("usr/share/python-wheels/*.whl"))
    project = workshop / "project"
    shutil.copytree(FLAT_PROJECT, project)
    run([tool("uv"), "-q", "build", "--wheel", project])
    (wheel,) = (project / "dist").glob("*.whl")
    merge = (
        f"mount -t tmpfs none {workshop}/layers && cd {workshop}/layers && mkdir upper work root && cp -a {packages} lower"
        f" && mount -t overlay overlay -o lowerdir=lower:/,upperdir=upper,workdir=work root"
        " && for m in /proc /dev /tmp; do mount --rbind $m root$m; done"
        " && rm -f root/usr/share/python-wheels/* && cp"
        + "".join(f" {packages}/usr/share/python-wheels/{name}" for name in wheels)
        + " root/usr/share/python-wheels/"
    )
    (workshop / "layers").mkdir()
    bundle = workshop / "bundle"
    steps = [
        f"/usr/bin/python3.9 -m venv {workshop}/env",
        f"{workshop}/env/bin/python -m pip install -q --no-index {wheel}",
        f"PYTHONPATH={FIXTURES.parent} {sys.executable} -m bundler pack {workshop}/env --out {bundle}",
    ]
    script = f"{merge} && exec chroot root /bin/sh -ec '{'; '.join(steps)}'"
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    moved = bundle.rename(workshop / "moved")
    code = (
        "import sys, json, sysconfig, ssl, ctypes, flat_project, distutils.sysconfig as d;"
        "print(json.dumps([sys.prefix, sysconfig.get_path('purelib'), d.get_python_lib(), flat_project.__file__]))"
    )
    done = hidden([f"{workshop}/env"], [moved / "bin/python", "-c", code])
    assert done.returncode == 0, done.stderr
    prefix, purelib, distutils, file = json.loads(done.stdout)
    assert prefix == str(moved)
    assert purelib == distutils == f"{moved}/lib/python3.9/site-packages"
    assert file.startswith(purelib)
    done = hidden([f"{workshop}/env"], [moved / "bin/python", "-m", "venv", workshop / "inner"])
    assert done.returncode == 0, done.stdout + done.stderr
    done = hidden([f"{workshop}/env"], [workshop / "inner/bin/python", "-m", "pip", "install", "--no-index", wheel])
    assert done.returncode == 0, done.stderr

"""The recipes of containers are followed as they stand, with podman, on images that debootstrap made."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest

from tests.material.containers import Podman
from tests.material.debian import debian_root
from tests.material.environments import FIXTURES, STOCKROOM, run, tool
from tests.material.pages import follow
from tests.material.programs import need
from tests.recipes.conftest import Desk

pytestmark = pytest.mark.everything
MANYLINUX = ("manylinux_2_34_x86_64", "manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")


def put_podman(desk: Desk, podman: Podman, name: str) -> None:
    """Put a command on PATH that is this podman, with what this machine's containers need."""
    words = [need("podman"), "--cgroup-manager", "cgroupfs", "--runtime", "runc"]
    start = shlex.join([*words, "--root", str(podman.folder / "storage"), "--runroot", podman.runroot])
    limits = "--ulimit nofile=20000:20000 --ulimit nproc=1000:1000 --pull=never"
    desk.put(
        name,
        f'start="{start}"\ncase $1 in\n'
        f'run) shift; exec $start run {limits} --network=none "$@" ;;\n'
        f'build) shift; exec $start build --isolation chroot --network=host {limits} "$@" ;;\n'
        'esac\nexec $start "$@"',
    )


@pytest.fixture(scope="module")
def images(podman: Podman, tmp_path_factory: pytest.TempPathFactory) -> Podman:
    """podman with stand-ins: `python:3.12` is Debian 12 with its own Python, `debian:bookworm-slim` the same without it."""
    folder = tmp_path_factory.mktemp("images")
    root = debian_root("bookworm", folder / "root")
    wheels = root / "wheels"
    run([tool("uv"), "-q", "build", "--wheel", "--out-dir", wheels, FIXTURES.parent])
    platforms = [word for platform in MANYLINUX for word in ("--platform", platform)]
    needed = ["hatchling>=1.21", "cryptography", "numpy", "requests", "rich", *map(str, wheels.glob("*.whl"))]
    choice = ["--python-version", "3.11", *platforms, "--only-binary", ":all:", "-d", str(wheels)]
    run([tool("pip"), "download", "-q", "--disable-pip-version-check", *choice, *needed])
    (root / "usr/local/bin/python").symlink_to("/usr/bin/python3")
    import_root(podman, root, "python:3.12", "PIP_NO_INDEX=1", "PIP_FIND_LINKS=/wheels")
    shutil.rmtree(wheels)
    for pattern in ("bin/*python3*", "lib/python3*", "lib/*/libpython*", "local/bin/python"):
        for path in root.glob(f"usr/{pattern}"):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    import_root(podman, root, "debian:bookworm-slim", "LANG=C.UTF-8")
    shutil.rmtree(root)
    return podman


def import_root(podman: Podman, root: Path, name: str, *variables: str) -> None:
    """Make an image of a root directory."""
    archive = root.with_suffix(".tar")
    run(["tar", "cf", archive, "-C", root, "."])
    changes = [word for variable in variables for word in ("-c", f"ENV {variable}")]
    done = podman("import", "-q", *changes, archive, name)
    assert done.returncode == 0, done.stderr
    archive.unlink()


def test_docker_in_two_stages(images: Podman, empty_desk: Desk) -> None:
    put_podman(empty_desk, images, "docker")
    shutil.copytree(STOCKROOM, empty_desk.folder, dirs_exist_ok=True)
    run([tool("uv"), "-q", "build", "--wheel", "--out-dir", empty_desk.folder, FIXTURES.parent])
    assert follow("recipes/docker.md", empty_desk.folder, {"": empty_desk.own()}) == 7


def test_oci_images(images: Podman, desk: Desk) -> None:
    need("skopeo")
    put_podman(desk, images, "podman")
    assert follow("recipes/oci.md", desk.folder, {"": desk.own()}) >= 9

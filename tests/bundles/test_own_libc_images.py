"""An image that holds a bundle with its own libc and nothing else runs under podman and runc, for a user who may only read, too."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.bundles.conftest import Sample
from tests.bundles.test_own_libc import SEES, WORKS
from tests.material.containers import Podman
from tests.material.environments import pack
from tests.material.programs import need

pytestmark = pytest.mark.everything
WAYS = {
    "root": (),
    "root, nothing to write to": ("--read-only",),
    "a user, nothing to write to": ("--read-only", "--user", "1234:99", "--cap-drop", "all"),
}


@pytest.fixture(scope="module")
def image(sample: Sample, podman: Podman, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of an image of the sample application."""
    out = tmp_path_factory.mktemp("image") / "app.oci.tar"
    options = ("--libc", "bundle", "--launcher", "native", "--entry", "stockroom where", "--level", "1")
    pack(sample.environment, out, *options, "--image-name", "own-libc:1.0")
    return podman.load(out)


@pytest.mark.parametrize("way", WAYS)
def test_podman_runs_it(podman: Podman, image: str, way: str) -> None:
    done = podman.run(image, more=WAYS[way])
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["prefix"] == "/app"
    done = podman.run(image, "-c", SEES, entrypoint="/app/bin/python", more=WAYS[way])
    assert done.returncode == 0, done.stderr
    prefix, executable, libraries = json.loads(done.stdout)
    assert (prefix, executable.rpartition("3.")[0]) == ("/app", "/app/bin/python")
    assert libraries and all(path.startswith("/app/") for path in libraries)
    done = podman.run(
        image, "-c", "import os; print(sorted(os.listdir('/')))", entrypoint="/app/bin/python", more=WAYS[way]
    )
    assert "'app'" in done.stdout and "'bin'" not in done.stdout and "'lib'" not in done.stdout, "there is nothing else"
    done = podman.run(image, "-c", WORKS, entrypoint="/app/bin/python", more=WAYS[way])
    assert done.stdout == "works\n", done.stderr


@pytest.mark.parametrize("user", [0, 1234])
def test_runc_runs_it(podman: Podman, image: str, user: int, tmp_path: Path) -> None:
    """By runc's own configuration: the root directory is read-only, there is no terminal."""
    (tmp_path / "rootfs").mkdir()
    made = podman("create", "--name", f"export-{user}", image).stdout.strip()
    with (tmp_path / "root.tar").open("wb") as file:
        exported = podman("export", "-o", tmp_path / "root.tar", made)
    assert file.closed and exported.returncode == 0, exported.stderr
    podman("rm", made)
    subprocess.run(["tar", "xf", tmp_path / "root.tar", "-C", tmp_path / "rootfs"], check=True)
    subprocess.run([need("runc"), "spec"], cwd=tmp_path, check=True)
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["root"]["readonly"]
    process = config["process"]
    process |= {"terminal": False, "args": ["/app/bin/stockroom", "where"], "user": {"uid": user, "gid": user}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    command = [need("runc"), "--root", str(tmp_path / "state"), "run", f"own-libc-{user}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["prefix"] == "/app"

"""OCI images: podman with runc runs them, on a Debian base and on nothing at all; skopeo and umoci read them."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path

import pytest

from tests.bundles.conftest import Sample
from tests.material.containers import Podman
from tests.material.debian import debian_root
from tests.material.environments import bundler, pack, run
from tests.material.programs import need

pytestmark = pytest.mark.everything
OPTIONS = ("--entry", "stockroom where", "--no-verify", "-q", "--level", "1")


@pytest.fixture(scope="module")
def scratch(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample on nothing but libc's family."""
    out = tmp_path_factory.mktemp("image") / "app.oci.tar"
    settings = ("--image-name", "stockroom:1.0", "--image-user", "1234:99", "--image-env", "GREETING=good day")
    pack(sample.environment, out, *OPTIONS, *settings, "--image-label", "team=stock")
    return out


def test_on_scratch_the_start_command_runs_as_the_user_with_the_variables(podman: Podman, scratch: Path) -> None:
    name = podman.load(scratch)
    assert name == "localhost/stockroom:1.0"
    done = podman.run(name)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["prefix"] == "/app"
    code = "import os, ssl, sqlite3; print(os.getuid(), os.getgid(), os.environ['GREETING'], os.listdir('/'))"
    done = podman.run(name, "-c", code, entrypoint="/app/bin/python")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("1234 99 good day")
    assert "'etc'" in done.stdout and "'bin'" not in done.stdout, "there is no shell and no other program"
    labels = json.loads(podman("image", "inspect", name).stdout)[0]["Labels"]
    assert labels == {"bundler.folder": "/app", "team": "stock"}


@pytest.fixture(scope="module")
def debian(podman: Podman, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An image of Debian 13 without its Python."""
    folder = tmp_path_factory.mktemp("debian")
    root = debian_root("trixie", folder / "root")
    for pattern in (
        "bin/*python3*",
        "bin/pydoc*",
        "lib/python3*",
        "lib/x86_64-linux-gnu/libpython*",
        "share/*",
        "include",
    ):
        run(["sh", "-c", f"rm -rf {root}/usr/{pattern}"])
    run(["tar", "cf", folder / "root.tar", "-C", root, "."])
    shutil.rmtree(root)
    assert podman("import", "-c", "ENV LANG=C.UTF-8", folder / "root.tar", "debian:13").returncode == 0
    (folder / "root.tar").unlink()
    return "debian:13"


@pytest.mark.parametrize("kind", ["oci-archive", pytest.param("docker-archive", marks=pytest.mark.everything)])
def test_on_a_debian_without_python_it_runs(
    podman: Podman, debian: str, sample: Sample, tmp_path: Path, kind: str
) -> None:
    done = podman("save", "--format", kind, "-o", tmp_path / "base.tar", debian)
    assert done.returncode == 0, done.stderr
    image = tmp_path / "app.oci.tar"
    pack(sample.environment, image, *OPTIONS, "--base", tmp_path / "base.tar", "--image-name", f"on-debian:{kind}")
    assert bundler(["verify", image]).returncode == 0, "the base's files are none of the bundle's"
    name = podman.load(image)
    done = podman.run(name)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["prefix"] == "/app"
    script = "echo $LANG $PATH; cat /etc/debian_version; ! command -v python3.13 && command -v python3"
    said = podman.run(name, "-c", script, entrypoint="/bin/sh").stdout.split()
    assert said[0] == "C.UTF-8", "what the base sets stays"
    assert said[1].startswith("/app/bin:")
    assert said[2].startswith("13")
    assert said[3] == "/app/bin/python3"


def layers(image: Path) -> list[tuple[str, list[str]]]:
    """Digest and file names of each layer, the lowest first."""
    found = []
    with tarfile.open(image) as archive:
        described = json.loads(archive.extractfile("manifest.json").read())  # type: ignore[union-attr]
        for name in described[0]["Layers"]:
            with tarfile.open(fileobj=archive.extractfile(name)) as layer:
                found.append((name, [member.name for member in layer if not member.isdir()]))
    return found


def test_a_new_version_of_the_application_is_one_new_layer(sample: Sample, scratch: Path, tmp_path: Path) -> None:
    (tmp_path / "conf.ini").write_text("[stock]\n")
    environment = Path(shutil.copytree(sample.environment, tmp_path / "env", symlinks=True))
    module = next(environment.glob("lib/python*/site-packages/stockroom/cli.py"))
    module.write_text(module.read_text() + "\nVERSION = 2\n")
    pack(environment, tmp_path / "new.oci.tar", *OPTIONS, "--add", f"{tmp_path / 'conf.ini'}=etc/conf.ini")
    before, after = layers(scratch), layers(tmp_path / "new.oci.tar")
    assert [one[0] == other[0] for one, other in zip(before, after, strict=True)] == [True, True, True, False]
    libc, runtime, packages, application = (set(names) for _, names in after)
    assert any(name.endswith("libc.so.6") for name in libc)
    assert {"app/bin/python", "app/pyvenv.cfg"} <= runtime
    assert any("/site-packages/numpy/" in name for name in packages)
    assert {"app/bundle.json", "app/bin/stockroom", "app/bin/start", "app/etc/conf.ini"} <= application
    assert any(name.endswith("/site-packages/stockroom/cli.py") for name in application)
    assert not any("stockroom" in name for name in runtime | packages)
    assert sum(len(names) for _, names in after) == len(libc | runtime | packages | application), "no file is in two"


def test_skopeo_takes_it_as_a_layout_and_as_a_docker_archive(scratch: Path, tmp_path: Path) -> None:
    need("skopeo")
    for kind in ("oci-archive", "docker-archive"):
        run(["skopeo", "copy", "--insecure-policy", f"{kind}:{scratch}", f"oci:{tmp_path / kind}:app"])
    # From a docker-archive it takes the plain layers, and compresses them itself.
    one, other = (
        json.loads(run(["skopeo", "inspect", "--config", f"oci:{tmp_path / kind}:app"]).stdout)
        for kind in ("oci-archive", "docker-archive")
    )
    assert one["rootfs"] == other["rootfs"]
    assert one["created"] == "2000-01-01T00:00:00Z"
    need("umoci")
    run(["umoci", "unpack", "--image", f"{tmp_path / 'oci-archive'}:app", tmp_path / "unpacked"])
    done = bundler(["verify", "--strict", tmp_path / "unpacked/rootfs/app"])
    assert done.returncode == 0, done.stderr

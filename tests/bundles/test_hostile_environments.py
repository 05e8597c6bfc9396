"""An environment that somebody made to do harm: nothing outside of it and of the output is read, written or waited for unseen."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bundler.environment import load_environment
from bundler.errors import BundlerError
from tests.material.environments import SLIM, bundler, empty_environment
from tests.material.snapshots import snapshot

SECONDS = 60
"""For what takes one or two: a machine may have other work."""


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    return empty_environment(tmp_path / "env")


def packages(environment: Path) -> Path:
    return next(environment.glob("lib/python3*/site-packages"))


def installed(environment: Path, **files: str) -> Path:
    """The `.dist-info` of a distribution."""
    folder = packages(environment) / "app-1.dist-info"
    folder.mkdir()
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    return folder


@pytest.mark.parametrize(
    "name", ["RECORD", "METADATA", "direct_url.json", "../app.pth", "../app.egg-link", "../../../../pyvenv.cfg"]
)
@pytest.mark.parametrize(
    "special", ["pipe", *(pytest.param(other, marks=pytest.mark.everything) for other in ("device", "holes"))]
)
def test_no_pipe_is_waited_for_and_no_device_read(environment: Path, name: str, special: str) -> None:
    """Whatever text it is: without an error, or with one that names it."""
    path = Path(os.path.normpath(installed(environment) / name))
    path.unlink(missing_ok=True)
    match special:
        case "pipe":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")
        case "holes":
            with path.open("wb") as file:
                file.truncate(1 << 40)
    done = bundler(
        ["pack", "--dry-run", "--no-probe", *SLIM, environment, "--out", environment / "../out"],
        timeout=SECONDS,
    )
    assert done.returncode in (0, 1)
    assert "Traceback" not in done.stderr
    assert done.returncode == 0 or path.name in done.stderr


def secrets(folder: Path) -> Path:
    """What nobody gives away, as it lies in a home."""
    (folder / ".ssh").mkdir(parents=True)
    (folder / ".ssh/id_harmless").write_text("no key at all\n")
    (folder / ".ssh/id_harmless").chmod(0o600)
    return folder


def test_a_pack_of_all_of_it_tells_what_came_from_outside_and_changes_nothing_there(
    environment: Path, tmp_path: Path
) -> None:
    site, home = packages(environment), secrets(tmp_path / "home")
    steering = "steer\x1b[31m\nwarning: made up"
    (site / steering).write_text("x")
    (site / os.fsdecode(b"latin-\xe9")).write_text("x")
    (site / "keys").symlink_to(home / ".ssh")
    (site / "loop").symlink_to("loop")
    (site / "around").symlink_to(site)
    (home / ".ssh/back").symlink_to(site)
    up = "../" * 20
    rows = [
        f"{up}{home}/.ssh/id_harmless,sha256=AAAA,1",
        f"{home}/.ssh/id_harmless,sha256=AAAA,1",
        '"a\nb",,',
        "app.py,,",
    ]
    installed(environment, METADATA="Name: app\x1b[2J\nVersion: 1\n", RECORD="\n".join(rows) + "\n")
    (site / "app.pth").write_text(f"{up}nowhere\n\0\n/dev/zero\n")
    before = snapshot(home), snapshot(environment)
    out = tmp_path / "bundle"
    done = bundler(["pack", *SLIM, "--no-verify", "--allow-incomplete", environment, "--out", out], timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    assert (snapshot(home), snapshot(environment)) == before
    (told,) = (line for line in done.stderr.splitlines() if "out of the environment" in line)
    assert told.startswith("warning: 1 link leads out of the environment, and what is there came along (1 file")
    assert "site-packages/keys; --exclude" in told
    assert "\x1b" not in done.stderr
    assert "warning: made up" not in done.stderr.splitlines()
    assert (packages(out) / steering).read_text() == "x"
    manifest = json.loads((out / "bundle.json").read_text())
    assert all(not path.startswith(("/", "../")) for path in manifest["files"])
    (record,) = packages(out).glob("app-1.dist-info/RECORD")
    assert str(home) not in record.read_text() or "sha256=AAAA" in record.read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle", "env", "home"]
    done = bundler(
        ["pack", *SLIM, "--no-verify", "--allow-incomplete", "--exclude", "keys", environment, "--out", out, "--force"]
    )
    assert done.returncode == 0, done.stderr
    assert not list(out.rglob("id_harmless"))


@pytest.mark.parametrize(
    "text",
    [
        "home = /usr/bin\x00\n",
        "home = " + "../" * 5000 + "\n",
        "home = /usr/bin\nversion = 3." + "9" * 5000 + "\n",
        "home = /usr/bin\nexecutable = /usr/bin/python3." + "9" * 5000 + "\n",
        "\x00" * 100_000,
        "=\n" * 100_000,
    ],
)
def test_a_configuration_that_means_nothing_is_an_error_or_nothing(environment: Path, text: str) -> None:
    (environment / "pyvenv.cfg").write_text(text)
    try:
        load_environment(str(environment), run=False)
    except BundlerError as error:
        assert str(error)

"""`--in-place`: an environment becomes a bundle where it stands, wholly or not at all."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.material.environments import FIXTURES, SLIM, bundler, clean, make, run, tool, uv
from tests.material.interpreters import Python, main_python
from tests.material.isolation import hidden
from tests.material.snapshots import Snapshot, snapshot

CODE = "import sys, ssl, sqlite3, markupsafe._speedups as m; print(sys.prefix, sys.base_prefix, m.__file__)"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment as uv makes it; tests copy it, hard links and all."""
    folder = tmp_path_factory.mktemp("in-place")
    return make("uv venv", main_python(), folder / "original/.venv", ["markupsafe"], folder / "cache")


@pytest.fixture
def environment(original: Path, tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    return Path(shutil.copytree(original, tmp_path / "project/.venv", symlinks=True))


def contents(folder: Path) -> Snapshot:
    """All that is known of every path below, but for the time of change, which hard links change, and sizes."""
    found = {
        os.path.relpath(path, folder): facts._replace(changed=0, size=0) for path, facts in snapshot(folder).items()
    }
    del found["."]
    return found


def check_bundle(place: Path, python: Python) -> None:
    done = hidden(python.places, [place / "bin/python", "-W", "error", "-c", CODE])
    assert done.returncode == 0, done.stderr
    prefix, base, module = done.stdout.split()
    assert (prefix, base) == (str(place), str(place))
    assert module.startswith(f"{place}/lib")


def command(environment: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "bundler", "pack", *SLIM, str(environment), "--in-place", *options]


VARIABLES = clean() | {"PYTHONPATH": str(FIXTURES.parent)}


def test_an_environment_becomes_a_bundle_and_keeps_its_files(environment: Path) -> None:
    module = next(environment.rglob("markupsafe/__init__.py"))
    before = module.stat()
    done = bundler(["pack", *SLIM, environment, "--in-place", "--json"])
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["out"], report["shared_files"]) == (str(environment), 0)
    python = main_python()
    assert bundler(["verify", environment, "--strict", "--no-run"]).returncode == 0
    check_bundle(environment, python)
    after = module.stat()
    assert (after.st_ino, after.st_mtime_ns, after.st_nlink) == (before.st_ino, before.st_mtime_ns, before.st_nlink)
    assert os.listdir(environment.parent) == [".venv"]
    assert not (environment / f"bin/python{python.version}").is_symlink()
    assert (environment / f"lib/python{python.version}/os.py").exists()
    assert (environment / ".gitignore").read_text().strip() == "*"
    assert "home" not in (environment / "pyvenv.cfg").read_text()
    moved = environment.rename(environment.parent / "moved")
    check_bundle(moved, python)
    done = bundler(["pack", *SLIM, moved, "--in-place"])
    assert done.returncode == 0, done.stderr
    check_bundle(moved, python)


@pytest.mark.parametrize("phase", ["writing", "verifying"])
def test_a_signal_leaves_the_environment_as_it_was(environment: Path, phase: str) -> None:
    before = contents(environment)
    process = subprocess.Popen(command(environment, "-v"), stderr=subprocess.PIPE, text=True, env=VARIABLES)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith(phase):
            break
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert contents(environment) == before
    assert os.listdir(environment.parent) == [".venv"]


@pytest.mark.everything
def test_killed_at_any_time_it_is_the_environment_or_the_bundle(
    original: Path, tmp_path: Path, chosen: random.Random
) -> None:
    """Kills all through a pack, as long as the first one took; most where the exchange happens."""
    timed = Path(shutil.copytree(original, tmp_path / "timed", symlinks=True))
    begin = time.monotonic()
    run(command(timed), env=VARIABLES)
    length = time.monotonic() - begin
    outcomes = set()
    for attempt in range(6):
        environment = Path(shutil.copytree(original, tmp_path / f"{attempt}/.venv", symlinks=True))
        before = {path: facts.content for path, facts in contents(environment).items()}
        process = subprocess.Popen(command(environment, "-q"), stderr=subprocess.DEVNULL, env=VARIABLES)
        time.sleep(chosen.uniform(0.2 if attempt % 2 else 0.8, 1.02) * length)
        process.kill()
        process.wait()
        if (environment / "bundle.json").exists():
            outcomes.add("bundle")
            check_bundle(environment, main_python())
        else:
            outcomes.add("environment")
            assert {path: facts.content for path, facts in contents(environment).items()} == before
        run(command(environment, "-q"), env=VARIABLES)
        assert os.listdir(environment.parent) == [".venv"]
        check_bundle(environment, main_python())
        shutil.rmtree(environment.parent)
    assert "environment" in outcomes


def in_namespace(script: str, *arguments: str | Path) -> str:
    """Run a script of sh in a mount namespace; its output."""
    done = hidden([], ["sh", "-ec", script, "sh", *arguments], env={"PATH": os.environ["PATH"], **VARIABLES})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


CHECK = 'cd /; "$venv/bin/python" -W error -c "$code"; ls -A "$venv" | grep -c bundler- || true; ls -A "$venv/.."'


def test_a_mount_point_is_filled_anew(environment: Path, tmp_path: Path) -> None:
    script = (
        'venv=$1 from=$2 code=$3; shift 3; mount -t tmpfs none "$venv"; cp -a "$from/." "$venv"; "$@" >&2;'
        f" mount -t tmpfs none '{main_python().prefix}'; {CHECK}"
    )
    shutil.copytree(environment, tmp_path / "from", symlinks=True)
    said = in_namespace(script, environment, tmp_path / "from", CODE, *command(environment, "-q"))
    first, *rest = said.splitlines()
    assert first.split()[:2] == [str(environment), str(environment)]
    assert rest == ["0", ".venv"]


def test_a_lower_layer_of_overlayfs_is_no_obstacle(environment: Path, tmp_path: Path) -> None:
    """As in a Dockerfile: the environment came with an earlier step."""
    project = environment.parent
    (tmp_path / "layer").mkdir()
    script = (
        'project=$1 layer=$2 code=$3 venv=$1/.venv; shift 3; mount -t tmpfs none "$layer"; mkdir "$layer/up" "$layer/work";'
        ' mount -t overlay none -o "lowerdir=$project,upperdir=$layer/up,workdir=$layer/work" "$project" || exit 77;'
        f' "$@" >&2; mount -t tmpfs none "{main_python().prefix}"; {CHECK}'
    )
    done = hidden(
        [],
        ["sh", "-ec", script, "sh", project, tmp_path / "layer", CODE, *command(environment, "-q")],
        env={"PATH": os.environ["PATH"], **VARIABLES},
    )
    if done.returncode == 77:
        pytest.skip("no overlayfs here: run as root")
    assert done.returncode == 0, done.stderr
    first, *rest = done.stdout.splitlines()
    assert first.split()[:2] == [str(environment), str(environment)]
    assert rest == ["0", ".venv"]
    assert not (environment / "bundle.json").exists()


def test_faults_leave_the_environment_as_it_was(environment: Path) -> None:
    packages = next((environment / "lib").glob("python*/site-packages"))
    (packages / "elsewhere.pth").write_text("import sys; sys.path.append('/usr/share')\n")
    before = contents(environment)
    done = bundler(["pack", *SLIM, environment, "--in-place"])
    assert done.returncode == 3
    assert "the environment stays as it is" in done.stderr
    assert contents(environment) == before
    assert os.listdir(environment.parent) == [".venv"]


def test_what_is_more_than_an_environment_is_refused(tmp_path: Path) -> None:
    python = main_python()
    done = bundler(["pack", python.prefix, "--in-place", "--dry-run"])
    assert done.returncode == 1
    assert "--in-place" in done.stderr


def test_an_environment_behind_a_link_is_replaced_where_it_is(environment: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(environment)
    assert bundler(["pack", *SLIM, tmp_path / "link", "--in-place", "-q", "--no-verify"]).returncode == 0
    assert (tmp_path / "link").is_symlink()
    assert (environment / "bundle.json").exists()


def test_uv_and_pip_still_accept_it(tmp_path: Path) -> None:
    python = main_python()
    project = tmp_path / "project"
    (project / "src/mine").mkdir(parents=True)
    (project / "src/mine/__init__.py").write_text("def main():\n    print('mine')\n")
    (project / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        '[project]\nname = "mine"\nversion = "1"\nrequires-python = ">=3.8"\ndependencies = ["markupsafe", "pip"]\n'
        '[project.scripts]\nmine = "mine:main"\n'
    )
    cache = tmp_path / "cache"
    variables = clean() | {"UV_CACHE_DIR": str(cache)}
    run([tool("uv"), "-q", "sync", "--python", python.executable], env=variables, cwd=project)
    assert bundler(["pack", *SLIM, project / ".venv", "--in-place", "--no-verify", "-q"]).returncode == 0
    interpreter = project / f".venv/bin/python{python.version}"
    inode = interpreter.stat().st_ino
    for words in (
        ["sync"],
        ["run", "mine"],
        ["run", "python", "-c", "import mine"],
        ["pip", "install", "--python", ".venv", "cowsay"],
        ["lock"],
    ):
        done = run([tool("uv"), *words], env=variables, cwd=project)
        assert "Removed virtual environment" not in done.stderr
        assert "Creating virtual environment" not in done.stderr
    assert interpreter.stat().st_ino == inode
    assert (project / ".venv/bundle.json").exists()
    run([project / ".venv/bin/python", "-m", "pip", "install", "-q", "six"])
    check_bundle(project / ".venv", python)
    uv(["pip", "check", "--python", project / ".venv"], cache=cache)

"""Promise 10: nothing in a folder above a bundle, or in the one where it is started, decides what it runs."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest

from tests.material.environments import bundler, clean, empty_environment, pack, run
from tests.material.interpreters import Python, every_python, main_python, running_python
from tests.material.isolation import ENVIRONMENT, in_root, put_program
from tests.material.standalone import installation
from tests.material.strangers import BESIDE_A_LINK, CODE, LANDMARKS, zip_of_stdlib

PLACE = "/opt/one/two/app"
ABOVE = ("", "opt", "opt/one", "opt/one/two")
"""The folders above the bundle, in a bare root."""
LINKS = ("links", "links/deep")
SCRIPT = "tell"
Bundler = Callable[..., Path]


def pythons() -> Sequence[object]:
    """The quick tier takes the Python that runs the tests."""
    quick = running_python()
    marks = {python: [] if python == quick else [pytest.mark.everything] for python in every_python()}
    return [pytest.param(python, id=str(python), marks=marks[python]) for python in every_python()]


@pytest.fixture(scope="module")
def bundle_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bundler]:
    """Packs an environment of a Python, with a script and nothing else, once for each choice of options."""

    @cache
    def bundle(python: Python, *options: str) -> Path:
        folder = tmp_path_factory.mktemp("above")
        empty_environment(folder / "env", python)
        script = folder / "env/bin" / SCRIPT
        script.write_text(f"#!{folder}/env/bin/python\n{CODE}")
        script.chmod(0o755)
        pack(folder / "env", folder / "bundle", "--no-verify", "--profile", "runtime", *options)
        return folder / "bundle"

    yield bundle


def stdlib_of(bundle: Path) -> Path:
    (stdlib,) = bundle.glob("lib/python3.*/os.py")
    return stdlib.parent


def start(
    root: Path, bundle: Path, command: Sequence[str], env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder above the bundle, which nobody may write."""
    shell = ["/bin/sh", "-c", 'cd "$0" && exec "$@"', "/opt/one/two", *command]
    return in_root(root, bundle, shell, at=PLACE, env={**ENVIRONMENT, **(env or {})})


def check_own(done: subprocess.CompletedProcess[str], *also: str) -> None:
    """All that a Python has is the bundle's, or lies below one of `also`."""
    assert done.returncode == 0, done.stdout + done.stderr
    prefixes, files = json.loads(done.stdout)
    inside = (PLACE, *also)
    assert set(prefixes) <= set(inside)
    assert PLACE in prefixes
    assert [file for file in files if not file.startswith(tuple(f"{place}/" for place in inside))] == []
    assert done.stderr == ""


def started(version: str) -> dict[str, Sequence[str]]:
    """Ways to start the bundle's Python, and a script of it."""
    python = f"{PLACE}/bin/python"
    return {
        "itself": [python, "-c", CODE],
        "isolated": [python, "-I", "-c", CODE],
        "without site": [python, "-S", "-c", CODE],
        "its whole name": [f"{PLACE}/bin/python{version}", "-c", CODE],
        "a relative name": ["app/bin/python3", "-c", CODE],
        "a link to it": ["/links/deep/py", "-I", "-c", CODE],
        "a link to the tree": ["/links/deep/tree/bin/python", "-I", "-c", CODE],
        "a script": [f"{PLACE}/bin/{SCRIPT}"],
        "a link to a script": ["/links/deep/script"],
    }


@pytest.mark.parametrize("landmark", LANDMARKS)
@pytest.mark.parametrize("python", pythons())
def test_no_landmark_above_a_bundle_or_where_it_is_started_decides(
    root: Path, bundle_of: Bundler, python: Python, landmark: str
) -> None:
    # A Python that lacks its extension modules looks for them above.
    options = ("--exclude", "**/lib-dynload/*") if landmark == "a folder of extension modules" else ()
    bundle = bundle_of(python, *options)
    put_program(root, "readlink", "readlink")
    links = root / "links/deep"
    links.mkdir(parents=True)
    (links / "py").symlink_to(f"{PLACE}/bin/python")
    (links / "tree").symlink_to(PLACE)
    (links / "script").symlink_to(f"{PLACE}/bin/{SCRIPT}")
    for folder in (*ABOVE, *(LINKS if landmark not in BESIDE_A_LINK else ())):
        LANDMARKS[landmark](root / folder, stdlib_of(bundle))
    for way, command in started(python.version).items():
        print(way)
        check_own(start(root, bundle, command))


@pytest.mark.parametrize("landmark", BESIDE_A_LINK)
def test_a_landmark_beside_a_link_to_a_script_decides_nothing(root: Path, bundle_of: Bundler, landmark: str) -> None:
    bundle = bundle_of(main_python())
    put_program(root, "readlink", "readlink")
    links = root / "links/deep"
    links.mkdir(parents=True)
    (links / "python").symlink_to(f"{PLACE}/bin/{SCRIPT}")
    for folder in LINKS:
        LANDMARKS[landmark](root / folder, stdlib_of(bundle))
    check_own(start(root, bundle, ["/links/deep/python"]))


@pytest.mark.parametrize("python", pythons())
def test_no_variable_that_moves_the_search_reaches_a_script(root: Path, bundle_of: Bundler, python: Python) -> None:
    bundle = bundle_of(python, "--entry", f"bin/python bin/{SCRIPT}")
    for folder in ("stranger", "stranger/bin"):
        for put in LANDMARKS.values():
            put(root / folder, stdlib_of(bundle))
    variables = {
        "PYTHONHOME": "/stranger", "PYTHONPLATLIBDIR": "elsewhere", "PYTHONEXECUTABLE": "/stranger/bin/python",
        "__PYVENV_LAUNCHER__": "/stranger/bin/python",
    }  # fmt: skip
    check_own(start(root, bundle, [f"{PLACE}/bin/{SCRIPT}"], variables))
    check_own(start(root, bundle, ["/bin/sh", "-c", f"cd {PLACE} && exec bin/start"], variables))


@pytest.mark.parametrize("options", [(), ("--copies",)], ids=["links", "copies"])
@pytest.mark.parametrize("python", pythons())
def test_nothing_above_an_environment_on_top_decides(
    root: Path, bundle_of: Bundler, python: Python, options: tuple[str, ...]
) -> None:
    bundle = bundle_of(python)
    environments = root / "srv/environments"
    environments.mkdir(parents=True)
    made = start(
        root, bundle, [f"{PLACE}/bin/python", "-m", "venv", "--without-pip", *options, "/srv/environments/one"]
    )
    assert made.returncode == 0, made.stderr
    (root / "links").mkdir()
    (root / "links/environment").symlink_to("/srv/environments/one")
    name = f"lib/{stdlib_of(bundle).name.replace('.', '')}.zip"
    zip_of_stdlib(stdlib_of(bundle), root / name)
    for folder in (*ABOVE[1:], "srv", "srv/environments", "links"):
        (root / folder / "lib").mkdir(exist_ok=True)
        shutil.copy(root / name, root / folder / name)
    for command in (
        ["/srv/environments/one/bin/python", "-c", CODE],
        ["/srv/environments/one/bin/python", "-I", "-c", CODE],
        ["/links/environment/bin/python3", "-c", CODE],
    ):
        check_own(start(root, bundle, command), "/srv/environments/one")


@pytest.mark.everything
def test_a_real_zip_of_the_source_s_standard_library_is_kept_and_used(tmp_path: Path, root: Path) -> None:
    python = main_python()
    base = installation(python, tmp_path / "base")
    stdlib = base / f"lib/python{python.version}"
    name = f"lib/python{python.version.replace('.', '')}.zip"
    zip_of_stdlib(stdlib, base / name)
    variables = {**clean(), "LD_LIBRARY_PATH": str(base / "lib")}
    run([base / "bin/python3", "-m", "venv", "--without-pip", tmp_path / "env"], env=variables)
    done = bundler(["pack", tmp_path / "env", "--out", tmp_path / "bundle"], env={"LD_LIBRARY_PATH": str(base / "lib")})
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "bundle" / name).read_bytes() == (base / name).read_bytes()
    code = "import argparse; print(argparse.__file__)"
    told = start(root, tmp_path / "bundle", [f"{PLACE}/bin/python", "-I", "-c", code])
    assert told.stdout.strip() == f"{PLACE}/{name}/argparse.py", told.stderr

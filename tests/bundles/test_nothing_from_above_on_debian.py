"""Promise 10 on the Pythons of newer Debian releases: nothing in a folder above a bundle decides what it runs."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.material.debian import debian_root, inside, next_python_root
from tests.material.environments import FIXTURES, pure_dependencies
from tests.material.strangers import CODE, LANDMARKS

pytestmark = pytest.mark.everything

PLACE = "opt/one/two"
BUNDLES = {"app": "", "bare": " --exclude '**/lib-dynload/*'"}
"""A bundle, and one that lacks its extension modules: Python then looks for them above."""
ABOVE = ("", "opt", "opt/one", PLACE, "srv")


@pytest.fixture
def workshop() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="debian-") as folder:
        yield Path(folder)


def hide_python(root: Path) -> None:
    """Take everything of the release's Python away."""
    for place in (*root.glob("usr/lib/python3*"), *root.glob("usr/bin/*python3*"), root / "venv"):
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink()


def forky(where: Path) -> Path:
    return debian_root("forky", where)


@pytest.mark.parametrize(("release", "version"), [(forky, "3.14"), (next_python_root, "3.15")], ids=["3.14", "3.15"])
def test_nothing_above_a_bundle_or_an_environment_on_top_decides(
    tmp_path: Path, workshop: Path, release: Callable[[Path], Path], version: str
) -> None:
    root = release(workshop / "root")
    if not (root / f"usr/bin/python{version}").exists():
        pytest.skip(f"the release has no Python {version}")
    binds = [(FIXTURES.parent, "bundler"), (pure_dependencies(tmp_path / "dependencies"), "dependencies")]
    script = (
        f"python{version} -m venv --without-pip /venv; mkdir -p /{PLACE}; export PYTHONPATH=/bundler:/dependencies;"
        + ";".join(
            f"python{version} -m bundler pack /venv --out /{PLACE}/{name} --no-verify --profile runtime{options}"
            for name, options in BUNDLES.items()
        )
    )
    done = inside(root, script, binds)
    assert done.returncode == 0, done.stdout + done.stderr
    hide_python(root)
    python = f"/{PLACE}/app/bin/python"
    made = inside(
        root, f"{python} -m venv --without-pip /srv/links; {python} -m venv --copies --without-pip /srv/copies"
    )
    assert made.returncode == 0, made.stderr
    stdlib = root / PLACE / f"app/lib/python{version}"
    for folder in ABOVE:
        for name, put in LANDMARKS.items():
            # The one landmark would hide another that is looked for later.
            if name != "a folder of the standard library" or folder == "opt/one":
                put(root / folder, stdlib)
    (root / "code.py").write_text(CODE)
    for command, own in (
        *(
            (f"/{PLACE}/{name}/bin/python{option} /code.py", f"/{PLACE}/{name}")
            for name in BUNDLES
            for option in ("", " -I")
        ),
        *(
            (f"/srv/{name}/bin/python{option} /code.py", f"/srv/{name}")
            for name in ("links", "copies")
            for option in ("", " -I")
        ),
    ):
        done = inside(root, f"cd /{PLACE}; {command}")
        assert done.returncode == 0, f"{command}: {done.stderr}"
        prefixes, files = json.loads(done.stdout)
        places = (own, f"/{PLACE}/app") if own.startswith("/srv") else (own,)
        assert set(prefixes) == set(places), command
        outside = [file for file in files if not file.startswith(tuple(f"{place}/" for place in places))]
        assert [file for file in outside if file not in ("/", "/code.py")] == [], command

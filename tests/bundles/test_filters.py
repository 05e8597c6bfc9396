"""What is left out on request is gone, RECORD agrees, and what is left runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.material.environments import SLIM, bundler, empty_environment, make, pack, run
from tests.material.interpreters import main_python
from tests.material.isolation import hidden


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with one package, which has tests and a static library."""
    folder = make("uv venv", main_python(), tmp_path_factory.mktemp("filters") / "env")
    packages = next((folder / "lib").glob("python*/site-packages"))
    files = ["mine/__init__.py", "mine/tests/test_it.py", "mine/tests/data/keep.txt", "mine/lib.a", "mine/include/m.h"]
    for name in files:
        (packages / name).parent.mkdir(parents=True, exist_ok=True)
        (packages / name).write_text("")
    run([folder / "bin/python", "-m", "compileall", "-q", packages / "mine"])
    metadata = packages / "mine-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1\n")
    names = [
        *files,
        *(str(path.relative_to(packages)) for path in packages.rglob("*.pyc")),
        *(
            "mine-1.dist-info/RECORD",
            "mine-1.dist-info/METADATA",
        ),
    ]
    (metadata / "RECORD").write_text("".join(f"{name},,\n" for name in names))
    return folder


def run_in(bundle: Path, environment: Path, code: str) -> str:
    originals: list[str | Path] = [environment, *main_python().places]
    done = hidden(originals, [bundle / "bin/python", "-W", "error", "-c", code])
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def test_patterns_leave_out_and_take_back_in_order_and_record_agrees(environment: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    patterns = ("--exclude", "mine/", "--include", "**/mine/**", "--exclude", "tests/", "--include", "keep.txt")
    done = pack(
        environment, bundle, *patterns, "--exclude", "/bin/activate.fish", "--exclude", "**/mine/__init__.py", "--json"
    )
    packages = next((bundle / "lib").glob("python*/site-packages"))
    left = sorted(str(path.relative_to(packages)) for path in packages.rglob("*") if path.is_file())
    assert [name for name in left if name.startswith("mine/")] == [
        "mine/include/m.h",
        "mine/lib.a",
        "mine/tests/data/keep.txt",
    ]
    code = "import importlib.metadata as m; print(sorted(str(f) for f in m.files('mine')))"
    assert run_in(bundle, environment, code) == str([name for name in left if name.startswith("mine")])
    assert not (packages / "mine/__pycache__").exists()
    assert not (bundle / "bin/activate.fish").exists()
    assert (bundle / "bin/activate").exists()
    assert any(note.startswith("left out ") for note in json.loads(done.stdout)["notes"])


@pytest.mark.everything
def test_a_library_of_a_module_that_is_left_out_does_not_come_along(environment: Path, tmp_path: Path) -> None:
    pack(environment, tmp_path / "whole", "--no-verify")
    if not list((tmp_path / "whole/lib/bundled").glob("libsqlite3*")):
        pytest.skip("this Python has sqlite3 in itself")
    pack(environment, tmp_path / "bundle", "--exclude", "_sqlite3.*", "--exclude", "sqlite3/")
    assert not list((tmp_path / "bundle/lib/bundled").glob("libsqlite3*"))


def test_python_itself_is_never_left_out(environment: Path, tmp_path: Path) -> None:
    for pattern, name in (("*", "bin/python"), ("os.py", "os.py"), ("/pyvenv.cfg", "pyvenv.cfg")):
        done = bundler(["pack", environment, "--out", tmp_path / "bundle", "--exclude", pattern])
        assert done.returncode == 1
        assert name in done.stderr
        assert not (tmp_path / "bundle").exists()


def test_a_slim_bundle_is_half_as_large_and_keeps_packages_whole(environment: Path, tmp_path: Path) -> None:
    sizes = {}
    for profile in ("full", "standard", "runtime", "slim"):
        bundle = tmp_path / profile
        chosen = () if profile == "standard" else ("--profile", profile)
        sizes[profile] = json.loads(pack(environment, bundle, *chosen, "--json").stdout)["size"]
        stdlib = next(path for path in (bundle / "lib").glob("python3*") if (path / "os.py").exists())
        assert (stdlib / "ensurepip").exists() == (profile != "slim")
        assert (stdlib / "test").exists() == bool(list(bundle.rglob("libpython*.a"))) == (profile == "full")
        assert (bundle / "include").exists() == (profile in {"full", "standard"})
        packages = stdlib / "site-packages"
        assert (packages / "mine/tests/test_it.py").exists()
        assert (packages / "mine/lib.a").exists()
        code = (
            "import ssl, sqlite3, asyncio, unittest, ctypes, multiprocessing.pool, xml.etree.ElementTree, mine, json, sysconfig;"
            "print(sysconfig.get_config_var('EXT_SUFFIX') is not None, sysconfig.get_paths()['stdlib'])"
        )
        assert run_in(bundle, environment, code) == f"True {stdlib}"
    assert sizes["slim"] < sizes["runtime"] < sizes["standard"] < sizes["full"] * 0.5


@pytest.mark.everything
def test_a_pattern_brings_back_what_a_profile_leaves_out(environment: Path, tmp_path: Path) -> None:
    pack(environment, tmp_path / "bundle", "--profile", "slim", "--include", "/include/", "--no-verify")
    assert next((tmp_path / "bundle/include").glob("python*/Python.h")).exists()


def test_a_bundle_that_is_packed_again_becomes_as_small_as_a_first_one(environment: Path, tmp_path: Path) -> None:
    sizes = {}
    for source, out, profile in (
        (environment, "one", "standard"),
        (tmp_path / "one", "two", "slim"),
        (environment, "three", "slim"),
    ):
        done = pack(source, tmp_path / out, "--profile", profile, "--no-verify", "--json")
        sizes[out] = json.loads(done.stdout)["size"]
    assert sizes["three"] <= sizes["two"] < sizes["one"] * 0.9
    assert next((tmp_path / "two").glob("lib/python3*/site-packages/mine/lib.a")).exists()


def test_what_a_profile_leaves_out_is_told_once_for_who_needs_it(tmp_path: Path) -> None:
    python = main_python()
    if not list(Path(python.prefix).glob(f"lib*/python{python.version}/lib-dynload/_tkinter.*")):
        pytest.skip(f"{python} has no tkinter")
    environment = empty_environment(tmp_path / "env")
    packages = next(environment.glob("lib/python3*/site-packages"))
    (packages / "drawing.py").write_text("import tkinter\n")
    done = bundler(["pack", *SLIM, environment, "--out", tmp_path / "bundle", "--json"])
    (fault,) = json.loads(done.stdout)["audit"]["faults"]
    assert fault["path"] == "drawing"
    assert "No module named 'tkinter'" in fault["message"] and "--include" in fault["hint"]
    assert not [
        path for path in (tmp_path / "bundle/lib/bundled").iterdir() if path.name.startswith(("libtk", "libtcl"))
    ]
    assert done.returncode == 3


def test_what_the_user_leaves_out_is_no_fault_nor_what_needs_it(tmp_path: Path) -> None:
    environment = empty_environment(tmp_path / "env")
    packages = next(environment.glob("lib/python3*/site-packages"))
    files = {
        "shop/__init__.py": "", "shop/admin.py": "", "desk.py": "import shop.admin\n", "fragile.py": "raise OSError('no')\n",
        "shop-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: shop\nVersion: 1\n",
        "shop-1.dist-info/entry_points.txt": "[console_scripts]\nadmin = shop.admin:main\n",
    }  # fmt: skip
    for name, text in files.items():
        (packages / name).parent.mkdir(exist_ok=True)
        (packages / name).write_text(text)
    told = "desk and shop.admin cannot be imported: --exclude leaves out shop.admin (--include takes it back)"
    for without, note, failed in (
        ([], [], {"fragile"}),
        (["--exclude", "admin.py"], [told], {"desk", "fragile", "shop.admin"}),
        (["--exclude", "admin.py"], [told], {"desk", "fragile", "shop.admin"}),  # as an earlier pack knows it
    ):
        done = bundler(["pack", *SLIM, environment, "--out", tmp_path / "bundle", "--force", "--json", *without])
        audit = json.loads(done.stdout)["audit"]
        assert (done.returncode, audit["faults"]) == (0, [])
        assert [note for note in audit["notes"] if "cannot be imported" in note] == note
        assert json.loads((tmp_path / "bundle/bundle.json").read_text())["import_failures"].keys() == failed
    assert bundler(["verify", tmp_path / "bundle"]).returncode == 0

"""CPython 3.15 of Debian sid: packed inside a root of sid, moved, and run there with everything of that Python hidden."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.material.debian import inside, next_python_root
from tests.material.environments import FIXTURES, run, tool

pytestmark = pytest.mark.everything

BUNDLE = "/opt/moved here"
PYTHON = f'"{BUNDLE}/bin/python"'
SITE = "lib/python3.15/site-packages"
HIDE = (
    "for p in /venv /src /usr/lib/python3* /usr/bin/python3* /usr/include/python3* /usr/share/python-wheels /usr/share/tcltk"
    " /usr/lib/*/libpython3* /usr/lib/*/libtcl* /usr/lib/*/libtk*; do"
    ' if [ -d "$p" ]; then mount -t tmpfs none "$p"; elif [ -e "$p" ]; then mount --bind /dev/null "$p"; fi; done; '
)
LOADER = """
class MesonpyMetaFinder:
    def __init__(self, *arguments): pass

def init():
    import sys
    sys.path.append('/src')
    MesonpyMetaFinder('app', {'app'}, '/src/build', [], False)
"""
FILES = {
    "ours.py": "X = 1\n",
    "lazily.py": "lazy import json\nX = 1\n",
    "app-editable.start": "\ufeff_app_editable_loader:init",
    "_app_editable_loader.py": LOADER,
    "app-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: app\nVersion: 1\n",
    "app-1.dist-info/RECORD": "app-editable.start,,\n_app_editable_loader.py,,\napp-1.dist-info/METADATA,,\n",
    "app-1.dist-info/direct_url.json": '{"url": "file:///src", "dir_info": {"editable": true}}',
}


@dataclass(frozen=True)
class Sid:
    """A root of sid, with what bundler needs as pure Python."""

    root: Path
    dependencies: Path

    def run(self, script: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a shell script in the root."""
        binds = [(FIXTURES.parent, "bundler"), (self.dependencies, "dependencies")]
        done = inside(self.root, f"export PYTHONPATH=/bundler:/dependencies PYTHONDONTWRITEBYTECODE=1; {script}", binds)
        assert done.returncode == status, done.stdout + done.stderr
        return done

    def alone(self, script: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a shell script where no other Python is left than the bundle's."""
        done = inside(self.root, HIDE + script)
        assert done.returncode == status, done.stdout + done.stderr
        return done

    def write(self, files: dict[str, str], below: str) -> None:
        for name, text in files.items():
            path = self.root / below / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def sid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sid]:
    """With the bundle of an environment that has pip, a few modules, and an editable to which only a `.start` file leads."""
    dependencies = tmp_path_factory.mktemp("dependencies")
    pure = ("click", "macholib", "packaging", "pathspec", "pyelftools", "rich", "tomli")
    run([tool("uv"), "-q", "pip", "install", "--target", dependencies, *pure])
    with tempfile.TemporaryDirectory(prefix="debian-") as folder:
        made = Sid(next_python_root(Path(folder) / "root"), dependencies)
        made.run("python3.15 -m venv /venv")
        plan = {"python": {"/src/app": {"destination": "{py_purelib}/app"}}}
        made.write({"app/__init__.py": "", "build/meson-info/intro-install_plan.json": json.dumps(plan)}, "src")
        made.write(FILES, f"venv/{SITE}")
        made.run("python3.15 -m bundler pack /venv --out /opt/out")
        (made.root / "opt/out").rename(made.root / BUNDLE[1:])
        yield made


def test_it_runs_moved_where_nothing_of_its_python_is_left(sid: Sid) -> None:
    code = (
        "import sys, ssl, sqlite3, ctypes, lzma, bz2, decimal, sysconfig, json, ours, pip;"
        " print(json.dumps([sys.prefix, sys.path, sysconfig.get_path('purelib'), ours.__file__]))"
    )
    sid.write({"tell.py": code}, "opt")
    done = sid.alone(f"{PYTHON} -W error /opt/tell.py")
    assert done.stderr == ""
    prefix, path, purelib, file = json.loads(done.stdout)
    assert prefix == BUNDLE
    assert purelib == f"{BUNDLE}/{SITE}"
    assert file.startswith(purelib)
    assert [entry for entry in path if not entry.startswith(prefix) and entry != "/opt"] == []
    for command in (f'"{BUNDLE}/bin/pip" --version', f'"{BUNDLE}/bin/python3.15-config" --includes'):
        assert BUNDLE in sid.alone(command).stdout


def test_an_editable_that_only_a_start_file_leads_to_comes_along(sid: Sid) -> None:
    done = sid.alone(f"{PYTHON} -W error -c 'import app, sys; print(app.__file__, *sys.path)'")
    assert done.stdout.startswith(f"{BUNDLE}/{SITE}/app/__init__.py ")
    assert (done.stderr, "/src" in done.stdout) == ("", False)


def test_no_import_line_of_bundler_s_own_is_left_that_later_versions_ignore(sid: Sid) -> None:
    bundle = sid.root / BUNDLE[1:]
    texts = {path: path.read_text() for path in bundle.rglob("*.pth")}
    assert [path for path, text in texts.items() if "import" in text] == []
    assert (bundle / "lib/python3.15/dist-packages/bundler.start").is_file()


def test_tcl_finds_its_scripts_in_the_bundle(sid: Sid) -> None:
    done = sid.alone(f"{PYTHON} -c 'import tkinter; print(tkinter.Tcl().eval(\"info library\"))'")
    assert done.stdout.startswith(f"{BUNDLE}/lib/tcl")


def test_a_module_that_is_not_there_is_no_package_to_install(sid: Sid) -> None:
    done = sid.alone(f"{PYTHON} -c 'import _gdbm'", status=1)
    assert "is not in this bundle" in done.stderr
    assert "install" not in done.stderr


def test_build_details_under_debian_s_name_lead_into_the_bundle(sid: Sid) -> None:
    (file,) = (sid.root / BUNDLE[1:]).glob("lib/python3.15/build-details*.json")
    assert file.name != "build-details.json", "Debian has a name of its own no more: so what is tested here?"
    details = json.loads(file.read_text())
    bundle = file.parent / details["base_prefix"]
    places = [details["base_interpreter"], *details.get("libpython", {}).values(), *details["c_api"].values()]
    assert [place for place in places if isinstance(place, str) and not (bundle / place).exists()] == []
    assert "/usr" not in file.read_text()


@pytest.mark.parametrize("how", ["", "--copies", "through a link"])
def test_a_venv_on_top_finds_its_standard_library_and_its_extension_modules(sid: Sid, how: str) -> None:
    """Which of the two it finds by `home`, and which by the interpreter behind all links, differs (gh-106045)."""
    python = "/opt/link" if how == "through a link" else PYTHON
    options = how if how.startswith("-") else ""
    done = sid.alone(
        f'ln -sf "{BUNDLE}/bin/python3.15" /opt/link; {python} -m venv --clear {options} /opt/inner;'
        " /opt/inner/bin/python -W error -c 'import sys, os, _json, _ctypes, ssl, pip;"
        ' print(sys.prefix, os.__file__, _ctypes.__file__, pip.__file__, sep="\\n")\''
    )
    prefix, library, extension, pip = done.stdout.splitlines()
    assert prefix == "/opt/inner"
    assert library == f"{BUNDLE}/lib/python3.15/os.py"
    assert extension.startswith(f"{BUNDLE}/lib/python3.15/lib-dynload/")
    assert pip.startswith("/opt/inner/")


def test_read_from_files_it_is_what_it_says_of_itself(sid: Sid) -> None:
    code = (
        "from dataclasses import replace; from bundler.environment import load_environment as load;"
        'one, other = load("/venv"), load("/venv", run=False);'
        "assert replace(other, probed=True, read_at=0) == replace(one, read_at=0), (one, other);"
        "print(*other.interpreter.extension_suffixes)"
    )
    assert ".abi3t.so" in sid.run(f"python3.15 -c '{code}'").stdout.split()


def test_an_import_that_waits_is_tried_by_the_run_check(sid: Sid) -> None:
    order = {"modules": ["lazy_and_broken"], "observer": "mapped_libraries = list", "metadata": False}
    order |= {"missing": [], "compiled": "/tmp/compiled"}
    sid.write({"order.json": json.dumps(order), "lazy/lazy_and_broken.py": "lazy import nowhere_to_be_found\n"}, "tmp")
    done = sid.run("PYTHONPATH=/tmp/lazy python3.15 -B /bundler/bundler/audit/observer_script.py < /tmp/order.json")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert ["fail", "lazy_and_broken", "ModuleNotFoundError: No module named 'nowhere_to_be_found'"] in told


def test_the_base_s_packages_come_along_by_a_start_file(sid: Sid) -> None:
    sid.run("python3.15 -m venv --without-pip --system-site-packages /systemwide")
    sid.write(
        {"base_only.py": "", "more.pth": "more\n", "more/from_pth.py": ""}, "usr/local/lib/python3.15/dist-packages"
    )
    sid.run("python3.15 -m bundler pack /systemwide --out /opt/systemwide")
    done = sid.alone(
        "rm -r /usr/local/lib/python3.15; /opt/systemwide/bin/python -W error -c"
        " 'import sys, base_only, from_pth; print(base_only.__file__, from_pth.__file__)'"
    )
    assert done.stderr == ""
    assert all(file.startswith("/opt/systemwide/lib/python3.15/system-site/1/") for file in done.stdout.split())
    assert not list((sid.root / "opt/systemwide").rglob("~system-site.pth"))

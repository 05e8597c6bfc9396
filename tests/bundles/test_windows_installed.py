"""What people do with a bundle for Windows, under Wine: real wheels in environments of venv, virtualenv and uv; all slow."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from bundler import fix, pack, verify
from bundler.options import ContentOptions, PackOptions
from tests.material.launchers import in_windows
from tests.material.own_wheels import scripts_wheel
from tests.material.programs import need
from tests.material.windows import MICRO, Wine
from tests.material.windows_environments import LARGE, SMALL, Tool, environment
from tests.material.windows_trees import Layout, drive_c, installation, lay_out, on_windows, without_copyfile2

pytestmark = pytest.mark.everything
ENV = r"C:\work\.venv"
VENV, VIRTUALENV, UV, NEWER, ALONE, NUGET = "venv", "virtualenv", "uv", "venv on 3.13", "python.org", "nuget"
STANDALONE, EMBEDDABLE = "standalone", "embeddable"
ALL = [VENV, VIRTUALENV, UV, NEWER, ALONE, NUGET, STANDALONE, EMBEDDABLE]
WITH_ENVIRONMENT = [VENV, VIRTUALENV, UV, NEWER]
NUMPY = "numpy==1.26.4"
NOT_ALONE = ("PIL._imagingtk", "numpy.core._umath_tests")
"""What the original cannot import either: here is no tkinter, and numpy's own tests are not for import by themselves."""
_SOURCES: dict[str, Callable[[], tuple[Path, str]]] = {
    VENV: lambda: (environment("3.12", Tool.VENV, (*LARGE, NUMPY)), ENV),
    VIRTUALENV: lambda: (environment("3.12", Tool.VIRTUALENV, (*SMALL, "numpy==2.0.2")), ENV),
    UV: lambda: (environment("3.12", Tool.UV), ENV),
    NEWER: lambda: (environment("3.13", Tool.VENV), ENV),
    ALONE: lambda: _alone(Layout.PYTHON_ORG),
    NUGET: lambda: _alone(Layout.NUGET),
    STANDALONE: lambda: _alone(Layout.STANDALONE),
    EMBEDDABLE: lambda: _alone(Layout.EMBEDDABLE),
}


def _alone(layout: Layout) -> tuple[Path, str]:
    drive = drive_c("3.12", layout)
    return drive, on_windows(drive, installation(drive, "3.12", layout))


class Moved(NamedTuple):
    """A bundle that lies elsewhere than it was made, and the Wine that runs it, whose drives do not have what it was made of."""

    folder: Path
    wine: Wine
    name: str

    @property
    def prefix(self) -> str:
        return in_windows(self.folder)

    def run(self, *words: str | Path, where: Path | None = None, **variables: str) -> str:
        done = self.wine.run(words, where or self.folder.parent, variables)
        assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-2000:]
        return done.stdout.strip()

    def python(self, code: str, *arguments: str, where: Path | None = None, **variables: str) -> str:
        return self.run(self.folder / "python.exe", "-c", code, *arguments, where=where, **variables)

    def script(self, name: str) -> Path:
        return self.folder / "Scripts" / name


def packed(name: str, where: Path, **content: object) -> Path:
    drive, source = _SOURCES[name]()
    options = PackOptions(root=f"C:={drive}", content=ContentOptions(**content))  # type: ignore[arg-type]
    report = pack(source, str(where), options)
    assert report.faults == 0
    return where


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Moved]:
    made: dict[str, Moved] = {}

    def get(name: str) -> Moved:
        if name not in made:
            folder = tmp_path_factory.mktemp("windows")
            bundle = packed(name, folder / "app")
            (folder / "ein é").mkdir()
            made[name] = Moved(bundle.rename(folder / "ein é/app"), Wine(), name)
        return made[name]

    return get


@pytest.fixture(params=ALL)
def moved(request: pytest.FixtureRequest, bundles: Callable[[str], Moved]) -> Moved:
    return bundles(request.param)


@pytest.fixture
def large(bundles: Callable[[str], Moved]) -> Moved:
    """Of an environment with real wheels."""
    return bundles(VENV)


@pytest.fixture
def own(bundles: Callable[[str], Moved], tmp_path: Path) -> Moved:
    """A copy that the test may change."""
    moved = bundles(VIRTUALENV)
    return moved._replace(folder=Path(shutil.copytree(moved.folder, tmp_path / "ein é/app")))


def test_python_takes_its_own_folder_for_its_prefix(moved: Moved) -> None:
    code = (
        "import json, sys, sysconfig; print(json.dumps([sys.prefix, sys.exec_prefix, sys.base_prefix, sys.executable,"
        " *sys.path[1:], *sysconfig.get_paths().values()]))"
    )
    prefix, exec_prefix, base, program, *others = json.loads(moved.python(code))
    assert [prefix, exec_prefix, base] == [moved.prefix] * 3
    assert program.lower() == rf"{moved.prefix}\python.exe".lower()
    own_project = [each for each in others if not each.startswith(moved.prefix)]
    assert own_project == []


def test_every_extension_module_imports(moved: Moved) -> None:
    """Those of the standard library, and of the packages."""
    names = []
    own, packages = moved.folder / ("." if moved.name == EMBEDDABLE else "DLLs"), moved.folder / "Lib/site-packages"
    for folder, files in ((own, own.glob("*.pyd")), (packages, packages.rglob("*.pyd"))):
        for file in sorted(files):
            module = ".".join((*file.relative_to(folder).parent.parts, file.name.partition(".")[0]))
            if module not in NOT_ALONE:
                names.append(module)
    assert len(names) > 20
    code = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    try:\n        importlib.import_module(name)\n"
        "    except BaseException as error:\n        print(name, repr(error))\n"
    )
    assert moved.python(code, *names) == ""


def test_what_the_standard_library_needs_of_its_dlls_is_there(moved: Moved) -> None:
    code = (
        "import asyncio, ctypes, lzma, sqlite3, ssl, subprocess, sys, hashlib\n"
        "assert sqlite3.connect(':memory:').execute('select 6 * 7').fetchone() == (42,)\n"
        "assert ssl.create_default_context().check_hostname\n"
        "assert lzma.decompress(lzma.compress(b'x')) == b'x'\n"
        "assert ctypes.pythonapi.Py_IsInitialized() == 1\n"
        "said = subprocess.run([sys.executable, '-c', 'import sys; print(sys.prefix)'], capture_output=True, text=True)\n"
        "assert said.stdout.strip() == sys.prefix, said\n"
        "print(asyncio.run(asyncio.sleep(0, 'done')))\n"
    )
    assert moved.python(code) == "done"


def test_packages_with_dlls_of_their_own_work(large: Moved) -> None:
    code = (
        "import io, numpy, lxml.etree, zmq, psycopg2, pydantic_core\n"
        "from PIL import Image, ImageFont\n"
        "from cryptography.fernet import Fernet\n"
        "assert float(numpy.linalg.det(numpy.eye(3))) == 1\n"
        "out = io.BytesIO(); Image.new('RGB', (8, 8), 'red').save(out, 'webp'); assert Image.open(out).size == (8, 8)\n"
        "assert lxml.etree.fromstring('<a><b/></a>').xpath('count(//b)') == 1\n"
        "key = Fernet(Fernet.generate_key()); assert key.decrypt(key.encrypt(b'text')) == b'text'\n"
        "assert pydantic_core.from_json(b'[1]') == [1]\n"
        "print(psycopg2.__libpq_version__ > 0, zmq.zmq_version_info() > (4,))\n"
    )
    assert large.python(code) == "True True"


@pytest.mark.parametrize("name", WITH_ENVIRONMENT)
def test_launchers_run_by_their_path_and_through_path(
    name: str, bundles: Callable[[str], Moved], tmp_path: Path
) -> None:
    moved = bundles(name)
    where = tmp_path / "elsewhere"
    where.mkdir()
    for script in ("winscripts-console", "winscripts-gui"):
        by_path = moved.run(moved.script(f"{script}.exe"), "a b", 'q"', where=where)
        through_path = moved.run("cmd", "/c", f"{script} a", where=where, WINEPATH=rf"{moved.prefix}\Scripts")
        relative = moved.run("cmd", "/c", rf"app\Scripts\{script}.exe", where=moved.folder.parent)
        told = [json.loads(each) for each in (by_path, through_path, relative)]
        assert [each[1] for each in told] == [["a b", 'q"'], ["a"], []]
        assert [each[3] for each in told] == [moved.prefix] * 3
    assert moved.run(moved.script("winproject.exe")) == "the project runs"


def test_scripts_that_are_no_programs_run_by_the_bundle_s_python(large: Moved) -> None:
    for name in ("data", "doc", "latin"):
        told = json.loads(large.run(large.folder / "python.exe", large.script(f"winscripts-{name}"), "a"))
        assert (told[1], told[3]) == (["a"], large.prefix)


def test_cmd_activates_it(moved: Moved) -> None:
    code = "import sys; print(ascii(sys.prefix))"
    lines = (r"call app\Scripts\activate.bat", f'python -c "{code}"', "call deactivate", "echo gone")
    (moved.folder.parent / "activated.bat").write_text("".join(f"@{line}\n" for line in lines))
    said = moved.run("cmd", "/c", "activated.bat").splitlines()
    assert [each.strip() for each in said if each.strip()] == [ascii(moved.prefix), "gone"]


def test_an_environment_stands_on_it(own: Moved) -> None:
    top = own.folder.parent / "top"
    own.run(own.folder / "python.exe", "-m", "venv", in_windows(top))
    code = "import sys, importlib.util as u; print(ascii(sys.prefix), u.find_spec('markupsafe'))"
    assert own.run(top / "Scripts/python.exe", "-c", code) == f"{in_windows(top)!a} None"
    assert own.run(top / "Scripts/pip.exe", "--version").startswith("pip ")


def test_pip_installs_into_it_and_fix_makes_that_move(own: Moved, tmp_path: Path) -> None:
    wheel = scripts_wheel(tmp_path, "later")
    words = ["-m", "pip", "install", "--no-index", in_windows(wheel)]
    assert "Successfully installed later-1.0" in own.run(own.folder / "python.exe", *words)
    assert json.loads(own.run(own.script("later-console.exe"), "a"))[3] == own.prefix
    again = own._replace(folder=own.folder.rename(tmp_path / "again"))
    fix(str(again.folder))
    assert json.loads(again.run(again.script("later-console.exe"), "a"))[3] == again.prefix
    words = ["-m", "pip", "uninstall", "-y", "later", "winscripts"]
    with without_copyfile2(again.folder / "Lib/site-packages"):
        removed = again.run(again.folder / "python.exe", *words)
    assert "Successfully uninstalled winscripts-1.0" in removed
    assert not list((again.folder / "Scripts").glob("*-console.exe"))


def test_wrong_dlls_on_path_and_in_the_working_directory_change_nothing(large: Moved, tmp_path: Path) -> None:
    names = {path.name for path in large.folder.rglob("*.dll")}
    assert {"python312.dll", "vcruntime140.dll", "sqlite3.dll", "libssl-3.dll"} <= names
    for name in names:
        (tmp_path / name).write_bytes(b"MZ, and no more")
    code = "import ssl, sqlite3, ctypes, zmq, numpy, psycopg2, PIL._imaging; print('right')"
    assert large.python(code, where=tmp_path, WINEPATH=in_windows(tmp_path)) == "right"


@pytest.mark.parametrize("name", ["app.zip", "app.tar.gz"])
def test_an_archive_that_windows_unpacks_runs(name: str, bundles: Callable[[str], Moved], tmp_path: Path) -> None:
    """The bundle's own Python, in the place of Windows' Explorer and tar, takes it apart."""
    source = bundles(VIRTUALENV)
    archive = packed(VIRTUALENV, tmp_path / name)
    where = tmp_path / "un packed é"
    source.python("import shutil, sys; shutil.unpack_archive(*sys.argv[1:])", in_windows(archive), in_windows(where))
    roots = [where, *where.iterdir()]
    root = next(each for each in roots if (each / "python.exe").exists())
    unpacked = source._replace(folder=root)
    assert verify(str(root), run=False).faults == ()
    assert json.loads(unpacked.run(unpacked.script("winscripts-console.exe"), "a"))[3] == unpacked.prefix
    assert verify(str(archive)).faults == ()


@pytest.mark.parametrize("name", [VENV, UV])
def test_packing_twice_gives_equal_bytes(name: str, tmp_path: Path) -> None:
    one, two = packed(name, tmp_path / "one.zip"), packed(name, tmp_path / "two.zip")
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize("version", MICRO)
def test_every_python_runs_moved_and_takes_nothing_from_above(version: str, tmp_path: Path) -> None:
    """A standard library of somebody else in the folder above is passed over; by what `verify` warns of, it is led astray."""
    short = version.replace(".", "")
    lay_out(version, tmp_path / "drive/Python")
    options = PackOptions(root=f"C:={tmp_path / 'drive'}")
    assert pack(r"C:\Python", str(tmp_path / "app"), options).faults == 0
    above = tmp_path / "ein é"
    (above / "Lib").mkdir(parents=True)
    (above / "Lib/os.py").write_text("raise SystemExit('os of somebody else')\n")
    (above / f"python{short}.zip").write_bytes(b"")
    moved = Moved((tmp_path / "app").rename(above / "app"), Wine(), version)
    code = "import json, sys, ssl, sqlite3, ctypes, lzma; print(json.dumps([sys.version.split()[0], sys.prefix, *sys.path]))"
    found, prefix, *folders = json.loads(moved.python(code))
    assert (found, prefix) == (MICRO[version], moved.prefix)
    assert all(each.startswith(moved.prefix) for each in folders if each)
    assert verify(str(moved.folder), run=False).faults == ()
    (above / "pyvenv.cfg").write_text("home = C:\\nowhere\ninclude-system-site-packages = false\n")
    (fault,) = verify(str(moved.folder), run=False).faults
    assert "pyvenv.cfg" in fault.message
    done = moved.wine.run([moved.folder / "python.exe", "-c", code], tmp_path)
    assert done.returncode != 0 or json.loads(done.stdout)[1] != moved.prefix


def test_neither_registry_nor_variables_reach_an_isolated_one(tmp_path: Path) -> None:
    """And both reach one that is not."""
    leak = tmp_path / "leak"
    leak.mkdir()
    (leak / "leaked.py").write_text("")
    drive = tmp_path / "drive"
    drive.mkdir()
    code = "import json, sys, importlib.util as u; print(json.dumps([sys.prefix, bool(u.find_spec('leaked'))]))"
    found = {}
    with Wine().with_drive_c(drive) as wine:
        key = r"HKCU\Software\Python\PythonCore\3.12\PythonPath\Leak"
        assert wine.run(["reg", "add", key, "/ve", "/d", in_windows(leak), "/f"], tmp_path).returncode == 0
        for isolated in (False, True):
            moved = Moved(packed(VENV, tmp_path / f"app{isolated}", isolated=isolated), wine, VENV)
            assert moved.folder.joinpath("python312._pth").exists() is isolated
            by_registry = json.loads(moved.python(code))
            by_variable = json.loads(moved.python(code, PYTHONPATH=in_windows(leak)))
            found[isolated] = [by_registry[1], by_variable[1]]
            assert by_registry[0] == by_variable[0] == moved.prefix
            if isolated:
                assert json.loads(moved.python(code, PYTHONHOME=in_windows(leak))) == [moved.prefix, False]
                assert json.loads(moved.run(moved.script("winscripts-console.exe")))[3] == moved.prefix
                assert moved.python("import PIL._imaging, numpy, ssl; print('ok')") == "ok"
                assert moved.run(moved.script("pip.exe"), "--version").startswith("pip ")
    assert found == {False: [True, True], True: [False, False]}


def test_untouched_signatures_hold(large: Moved) -> None:
    """python.org signs its files, and nothing of them is changed."""
    program = need("osslsigncode")
    for name in ("python.exe", "python312.dll", "DLLs/_ssl.pyd", "DLLs/libcrypto-3.dll", "vcruntime140.dll"):
        done = subprocess.run(
            [program, "verify", "-in", large.folder / name], capture_output=True, text=True, check=False
        )
        digests = re.findall(r"(?:Current|Calculated) message digest *: (\w+)", done.stdout)
        assert digests, (name, done.stdout)
        assert len(set(digests)) == 1, name


def test_the_audit_runs_it_by_wine(bundles: Callable[[str], Moved], monkeypatch: pytest.MonkeyPatch) -> None:
    moved = bundles(UV)
    for name, value in moved.wine.variables.items():
        monkeypatch.setenv(name, value)
    report = verify(str(moved.folder), run=True, runner=need("wine"))
    assert report.faults == ()
    assert report.run

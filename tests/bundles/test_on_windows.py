r"""bundler itself runs on Windows (Wine), with paths as they are typed there: it reads, verifies, runs and packs as elsewhere."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.material.environments import pack
from tests.material.on_windows import BundlerOnWindows, at_z, bundler_on_windows
from tests.material.wheels import unpack
from tests.material.windows import embeddable
from tests.material.windows_trees import Layout, drive_c, installation, on_windows

EXTENSIONS = 20  # of the embeddable Python


@pytest.fixture(scope="module")
def bundler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BundlerOnWindows]:
    with bundler_on_windows(tmp_path_factory.mktemp("host") / "python") as found:
        yield found


def environment(where: Path) -> Path:
    """The embeddable Python with a package that has an extension module, as its users make it ready for packages."""
    shutil.copytree(embeddable(), where)
    (pth,) = where.glob("*._pth")
    pth.write_text(pth.read_text().replace("#import site", "import site"))
    unpack("markupsafe==3.0.4", "win_amd64", where / "Lib/site-packages")
    return where


def succeeds(done: subprocess.CompletedProcess[str]) -> str:
    """What a command said that did what it was to do."""
    assert done.returncode == 0, f"{done.stdout[-1500:]}{done.stderr[-3000:]}"
    return done.stdout + done.stderr


def test_it_starts(bundler: BundlerOnWindows, tmp_path: Path) -> None:
    assert "Pack a Python environment" in succeeds(bundler("--help", folder=tmp_path))


@pytest.mark.everything
def test_what_linux_packed_is_read_and_verified_there(bundler: BundlerOnWindows, tmp_path: Path) -> None:
    source = environment(tmp_path / "source")
    for out in ("app", "app.zip", "app.tar.gz"):
        pack(source, tmp_path / out)
        said = succeeds(bundler("verify", "--no-run", at_z(tmp_path / out), folder=tmp_path))
        assert "no faults" in said, out
    told = succeeds(bundler("inspect", r".\app", folder=tmp_path))
    assert "python: 3.13.2" in told
    assert "distributions: 1" in told
    with open(tmp_path / "app/Lib/site-packages/markupsafe/_speedups.pyi", "a") as file:
        file.write("# more\n")
    done = bundler("verify", "--no-run", "app", folder=tmp_path)
    assert done.returncode == 3
    assert "Lib/site-packages/markupsafe/_speedups.pyi" in done.stdout + done.stderr


@pytest.mark.everything
def test_a_name_that_windows_would_read_as_another_path_is_refused(bundler: BundlerOnWindows, tmp_path: Path) -> None:
    pack(environment(tmp_path / "source"), tmp_path / "app.tar")
    with tarfile.open(tmp_path / "app.tar", "a") as archive:
        archive.addfile(tarfile.TarInfo(r"..\outside.txt"))
    done = bundler("verify", "--run", "app.tar", folder=tmp_path)
    assert done.returncode == 3
    assert "which no file of this system can have" in done.stdout + done.stderr
    assert not list(tmp_path.rglob("outside.txt"))


@pytest.mark.everything
def test_a_bundle_is_run_there_and_the_dlls_that_it_loads_are_seen(bundler: BundlerOnWindows, tmp_path: Path) -> None:
    source = environment(tmp_path / "source")
    pack(source, tmp_path / "app.zip")
    said = succeeds(bundler("verify", "--run", "app.zip", folder=tmp_path))
    assert f"imported {EXTENSIONS + 2} modules: no faults" in said, "markupsafe, and its extension module"
    # What no file tells: a module loads a DLL from elsewhere when it is imported.
    shutil.copy(source / "libffi-8.dll", tmp_path / "elsewhere.dll")
    module = f"import ctypes\nctypes.WinDLL({at_z(tmp_path / 'elsewhere.dll')!r})\n"
    (source / "Lib/site-packages/outside.py").write_text(module)
    pack(source, tmp_path / "app")
    done = bundler("verify", "app", folder=tmp_path)
    assert done.returncode == 3
    assert "elsewhere.dll" in done.stdout + done.stderr


@pytest.mark.everything
def test_a_module_that_takes_too_long_is_ended(bundler: BundlerOnWindows, tmp_path: Path) -> None:
    source = environment(tmp_path / "source")
    (source / "Lib/site-packages/slow.py").write_text("import time\ntime.sleep(3600)\n")
    pack(source, tmp_path / "app")
    code = f"""
from bundler.audit import observing, verify
observing._SECONDS = 10
print(verify({at_z(tmp_path / "app")!r}).run.failed)
"""
    assert "{'slow': 'did not come to an end in 10 seconds'}" in succeeds(bundler.code(code, tmp_path))


def members(archive: Path) -> list[tuple[object, ...]]:
    """All that an archive tells of its members, in their order, but for the coder's mark, which has zlib's version."""
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as opened:
            return [
                (item.filename, item.external_attr, item.date_time, item.CRC, item.create_system)
                for item in opened.infolist()
            ]
    with gzip.open(archive) as stream, tarfile.open(fileobj=stream) as tar:
        return [(item.get_info(), item.isfile() and tar.extractfile(item).read()) for item in tar]  # type: ignore[union-attr]


@pytest.mark.everything
@pytest.mark.parametrize("suffix", [".tar", ".zip", ".tar.gz"])
def test_an_archive_is_the_same_packed_there_or_on_linux(
    bundler: BundlerOnWindows, tmp_path: Path, suffix: str
) -> None:
    source = environment(tmp_path / "source")
    for number, path in enumerate(sorted(source.rglob("*"))):
        path.chmod(0o755 if path.is_dir() else (0o600, 0o755, 0o444)[number % 3])
    succeeds(bundler("pack", ".\\source", "--no-probe", "--out", at_z(tmp_path / f"there{suffix}"), folder=tmp_path))
    pack(source, tmp_path / f"here{suffix}", "--no-probe")
    there, here = tmp_path / f"there{suffix}", tmp_path / f"here{suffix}"
    if suffix == ".tar":  # what is compressed depends on zlib's version
        assert there.read_bytes() == here.read_bytes()
    else:
        assert members(there) == members(here)


@pytest.mark.everything
def test_a_directory_is_packed_proved_replaced_and_updated_there(bundler: BundlerOnWindows, tmp_path: Path) -> None:
    environment(tmp_path / "source")
    words = ("pack", "source", "--out", r"dist\my app")
    said = succeeds(bundler(*words, folder=tmp_path))
    assert "verified, no faults" in said
    assert (bundler.cache / "bundler/packs").is_dir()
    app = tmp_path / "dist/moved"
    (tmp_path / "dist/my app").rename(app)
    (tmp_path / "source").rename(tmp_path / "gone")
    run = bundler.wine.run(
        [at_z(app / "python.exe"), "-c", "import markupsafe._speedups as m; print(m.__file__)"], tmp_path
    )
    assert succeeds(run).strip() == at_z(app / "Lib/site-packages/markupsafe/_speedups.cp313-win_amd64.pyd")
    (tmp_path / "gone").rename(tmp_path / "source")
    app.rename(tmp_path / "dist/my app")
    done = bundler(*words, folder=tmp_path)
    assert (done.returncode, "use --force" in done.stderr) == (1, True)
    assert "0 paths written" in succeeds(bundler(*words, "--update", folder=tmp_path))
    with open(tmp_path / "dist/my app/Lib/site-packages/markupsafe/__init__.py", "a") as file:
        file.write("# mine\n")
    done = bundler(*words, "--update", folder=tmp_path)
    assert (done.returncode, "was changed after the pack" in done.stderr) == (1, True)
    assert "no faults" in succeeds(bundler(*words, "--update", "--force", folder=tmp_path))
    assert "no faults" in succeeds(bundler("verify", r"dist\my app", folder=tmp_path))
    assert [each.name for each in (tmp_path / "dist").iterdir()] == ["my app"], "nothing is left over"


@pytest.mark.everything
def test_the_environment_of_a_folder_is_packed_as_somebody_types_it_there(tmp_path: Path) -> None:
    """One that `venv` made, whose Python only starts that of the installation; modules are compiled where no process forks."""
    older, drive = "3.12", tmp_path / "c"  # under Wine 8 the `venv` of a later one does not come to its end
    shutil.copytree(drive_c(older), drive, symlinks=True)
    project = drive / "Users/me/a project"
    project.mkdir(parents=True)
    with bundler_on_windows(tmp_path / "host", drive) as bundler:
        python = on_windows(drive, installation(drive, older, Layout.PYTHON_ORG) / "python.exe")
        succeeds(bundler.wine.run([python, "-m", "venv", "--without-pip", ".venv"], project))
        unpack("markupsafe==3.0.4", "win_amd64", project / ".venv/Lib/site-packages", older)
        told = succeeds(bundler("inspect", ".venv", folder=project))
        assert "kind: venv" in told
        assert "root: C:/Users/me/a project/.venv" in told
        assert "read: by its interpreter" in told
        said = succeeds(bundler("pack", "--out", r"C:\Users\me\dist\app.zip", folder=project))
        assert "environment: C:/Users/me/a project/.venv (.venv of this folder)" in said
        assert "verified, no faults" in said
        shutil.rmtree(bundler.cache)
        (project / "again.zip").write_text("of somebody else")
        succeeds(bundler("pack", "--out", "again.zip", "--force", folder=project))
        assert (project / "again.zip").read_bytes() == (drive / "Users/me/dist/app.zip").read_bytes()
        (project / ".venv/Lib/site-packages/more.py").write_text("more = 1\n")
        said = succeeds(bundler("pack", "--out", "again.zip", "--update", folder=project))
        assert r"wrote C:\Users\me\a project\again.zip (zip)" in said, "cmd takes no path with slashes"
        app = drive / "app"
        with zipfile.ZipFile(project / "again.zip") as archive:
            archive.extractall(app)
        installation(drive, older, Layout.PYTHON_ORG).rename(tmp_path / "gone")
        code = "import sys, ssl, markupsafe._speedups, json; print(sys.prefix, json.__cached__, json.__spec__.cached)"
        run = bundler.wine.run([r"C:\app\python.exe", "-v", "-c", code], project)
        assert run.stdout.startswith(r"C:\app C:\app\Lib\json\__pycache__\__init__.cpython-312.pyc")
        assert r"matches C:\app\Lib\json\__init__.py" in run.stderr, "the compiled module is taken"

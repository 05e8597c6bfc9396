"""Virtual environments of Windows with real wheels in them, each on a folder that is drive C:, made by the real tools under Wine.

`venv` and virtualenv ran there, pip installed everything. uv's environment is laid out by hand as uv documents it: its activation
scripts come from uv on this machine, its launchers out of its wheel for Windows.
"""

from __future__ import annotations

import base64
import csv
import enum
import hashlib
import io
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

from tests.material.kept import kept
from tests.material.launchers import UV, distlib_launcher, resource_trampoline
from tests.material.own_wheels import scripts_wheel
from tests.material.wheels import unpack, wheel
from tests.material.windows import MICRO, Wine
from tests.material.windows_trees import Layout, drive_c, installation, lay_out, on_windows, without_copyfile2

ENVIRONMENT, PROJECT = "work/.venv", "work/project"
"""Where each environment, and the project that is installed as editable, lie on the drive."""
SMALL = ("markupsafe==3.0.4",)
LARGE = (
    "markupsafe==3.0.4", "pillow==13.0.0", "pyzmq==27.3.0", "lxml==6.1.3", "cryptography==50.0.2", "cffi==2.1.1", "pycparser==3.12",
    "psycopg2-binary==2.9.13", "pydantic-core==2.50.5", "typing-extensions==4.16.0",
)  # fmt: skip
MODULES = (
    "markupsafe._speedups", "PIL._imaging", "zmq", "lxml.etree", "cryptography.hazmat.bindings._rust", "_cffi_backend", "psycopg2",
    "pydantic_core",
)  # fmt: skip
"""What shows that LARGE is whole."""
_VIRTUALENV = (
    "virtualenv==21.15.11",
    "packaging==26.3", "distlib==0.4.4", "filelock==4.3.1", "platformdirs==4.14.9", "python-discovery==1.9.6",
)  # fmt: skip
_BACK_END = "flit-core==3.12.0"  # setuptools asks for what ends a process under Wine 8


class Tool(enum.Enum):
    """What made an environment, and the installation that it stands on."""

    VENV = Layout.PYTHON_ORG
    VIRTUALENV = "virtualenv"
    UV = Layout.STANDALONE

    @property
    def layout(self) -> Layout:
        return self.value if isinstance(self.value, Layout) else Layout.PYTHON_ORG


def environment(version: str, tool: Tool, requirements: Sequence[str] = SMALL) -> Path:
    """A drive with an environment: these wheels, a package with scripts of each kind (`winscripts`), and an editable project."""
    digest = hashlib.sha256(" ".join(requirements).encode()).hexdigest()[:8]

    def make(drive: Path) -> None:
        shutil.copytree(drive_c(version, tool.layout), drive, dirs_exist_ok=True)
        (drive / "work").mkdir()
        _project(drive / PROJECT)
        wheels = drive / "wheels"
        wheels.mkdir()
        for requirement in (*requirements, _BACK_END, *(_VIRTUALENV if tool is Tool.VIRTUALENV else ())):
            shutil.copy(wheel(requirement, "win_amd64", version), wheels)
        scripts_wheel(wheels, "winscripts")
        base = installation(drive, version, tool.layout)
        with Wine().with_drive_c(drive) as wine, without_copyfile2(base / "Lib/site-packages"):
            made = _Making(wine, drive, version, tool)
            made.environment()
            made.install([*requirements, "winscripts", "-e", on_windows(drive, drive / PROJECT)])
        shutil.rmtree(wheels)
        if tool is Tool.UV:
            _take_over(drive, made.python)

    return kept(f"windows-{tool.name.lower()}-{version}-{digest}", make)


def plain_environment(version: str = "3.12") -> Path:
    """A drive with an environment that is made within seconds: without pip, one real wheel and `winscripts-console` in it."""

    def make(drive: Path) -> None:
        base = installation(drive, version, Layout.PYTHON_ORG)
        lay_out(version, base)
        words = [on_windows(drive, base / "python.exe"), "-m", "venv", "--without-pip"]
        with Wine().with_drive_c(drive) as wine:
            done = wine.run([*words, on_windows(drive, drive / ENVIRONMENT)], drive)
        if done.returncode != 0:
            raise RuntimeError(done.stderr[-2000:])
        packages = drive / ENVIRONMENT / "Lib/site-packages"
        unpack(SMALL[0], "win_amd64", packages, version)
        with zipfile.ZipFile(scripts_wheel(drive, "winscripts")) as archive:
            archive.extractall(packages)
        python = on_windows(drive, drive / ENVIRONMENT / "Scripts/python.exe")
        script = b"import sys\nfrom winscripts import main\nsys.exit(main())\n"
        launcher = drive / ENVIRONMENT / "Scripts/winscripts-console.exe"
        launcher.write_bytes(distlib_launcher(f"#!{python}\n", script=script))
        (record,) = packages.glob("winscripts-*.dist-info/RECORD")
        record.write_text(record.read_text() + "../../Scripts/winscripts-console.exe,,\n")

    return kept(f"windows-plain-{version}", make)


class _Making:
    """The commands that make one environment."""

    def __init__(self, wine: Wine, drive: Path, version: str, tool: Tool) -> None:
        self._wine, self._drive, self._version, self._tool = wine, drive, version, tool
        self._base = installation(drive, version, tool.layout)
        self._where = on_windows(drive, drive / ENVIRONMENT)
        self.python = rf"{self._where}\Scripts\python.exe"

    def environment(self) -> None:
        match self._tool:
            case Tool.VENV:
                self._run(["-m", "venv", "--without-pip", self._where])
                with without_copyfile2(self._drive / ENVIRONMENT / "Lib/site-packages"):  # now as `venv` goes on
                    self._run(["-m", "ensurepip", "--upgrade", "--default-pip"], python=self.python)
            case Tool.VIRTUALENV:
                self._run([*self._pip, "--target", r"C:\tools", "virtualenv"])
                self._run(["-m", "virtualenv", "--no-download", self._where], PYTHONPATH=r"C:\tools")
                shutil.rmtree(self._drive / "tools")
            case Tool.UV:
                _lay_out_as_uv(self._drive, self._base, self._version)

    def install(self, words: Sequence[str]) -> None:
        with without_copyfile2(self._drive / ENVIRONMENT / "Lib/site-packages"):
            self._run(["-m", "pip", "--python", self.python, *self._pip[2:], *words])

    @property
    def _pip(self) -> list[str]:
        return ["-m", "pip", "install", "--no-index", "--find-links", r"C:\wheels", "--no-warn-script-location"]

    def _run(self, words: Sequence[str], python: str | None = None, **variables: str) -> None:
        program = python or on_windows(self._drive, self._base / "python.exe")
        done = self._wine.run([program, *words], self._drive, variables)
        if done.returncode != 0:
            raise RuntimeError(f"{words}: {done.stdout[-1000:]}{done.stderr[-2000:]}")


def _project(folder: Path) -> None:
    package = folder / "src/winproject"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("def main():\n    print('the project runs')\n")
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["flit_core"]\nbuild-backend = "flit_core.buildapi"\n'
        '[project]\nname = "winproject"\nversion = "1.0"\ndescription = "A project"\n'
        'scripts = { winproject = "winproject:main" }\n'
    )


def _lay_out_as_uv(drive: Path, base: Path, version: str) -> None:
    """What `uv venv` writes: on this machine uv writes the same texts with this machine's paths."""
    root = drive / ENVIRONMENT
    twin = drive / "twin"
    subprocess.run([sys.executable, "-m", "uv", "venv", "-q", "--python", sys.executable, twin], check=True)
    (root / "Lib/site-packages").mkdir(parents=True)
    for name in (".gitignore", "CACHEDIR.TAG"):
        shutil.copy(twin / name, root)
    (site,) = twin.glob("lib/python*/site-packages")
    for file in site.glob("_virtualenv.p*"):
        shutil.copy(file, root / "Lib/site-packages")
    scripts = root / "Scripts"
    scripts.mkdir()
    for file in (twin / "bin").iterdir():
        if not file.name.startswith("python"):
            text = file.read_text().replace(str(twin), on_windows(drive, root))
            (scripts / file.name).write_text(text.replace(r"%VIRTUAL_ENV%\bin", r"%VIRTUAL_ENV%\Scripts"))
    shutil.rmtree(twin)
    home = on_windows(drive, base)
    for name, gui in (("python.exe", False), ("pythonw.exe", True)):
        (scripts / name).write_bytes(resource_trampoline(rf"{home}\{name}", gui=gui, script=None))
    lines = (f"home = {home}", "implementation = CPython", UV.replace("==", " = "), f"version_info = {MICRO[version]}")
    (root / "pyvenv.cfg").write_text("\n".join((*lines, "include-system-site-packages = false")) + "\n")


def _take_over(drive: Path, python: str) -> None:
    """Let what pip installed look as if uv had: its launchers, and its name as the installer."""
    root = drive / ENVIRONMENT
    for record in root.glob("Lib/site-packages/*.dist-info/RECORD"):
        rows = list(csv.reader(record.read_text(encoding="utf-8").splitlines()))
        for row in rows:
            file = record.parents[1] / row[0]
            if file.suffix == ".exe" and file.parent.name == "Scripts":
                gui = "gui" in file.name
                starts = python.replace("python.exe", "pythonw.exe") if gui else python
                with zipfile.ZipFile(file) as archive:  # distlib's launcher
                    script = archive.read("__main__.py")
                file.write_bytes(resource_trampoline(starts, gui=gui, script=script))
            elif file.name == "INSTALLER":
                file.write_text("uv")
            else:
                continue
            digest = base64.urlsafe_b64encode(hashlib.sha256(file.read_bytes()).digest()).rstrip(b"=").decode()
            row[1:] = [f"sha256={digest}", str(file.stat().st_size)]
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        record.write_text(text.getvalue(), encoding="utf-8")

"""A wheel instead of an editable: the project's back end builds it from a copy of the project (`--editable build`)."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bundler.errors import UnsupportedEditable
from bundler.machine import PYTHON_OF_VENV, os
from bundler.machine.failing import exists, is_dir
from bundler.plan.editables.mapping import EditableFiles, FileMapping
from bundler.plan.project import read_settings
from bundler.rewrite.installers import MARKS

_SCRIPT = os.path.join(os.path.dirname(__file__), "build_script.py")
_LEGACY = "setuptools.build_meta:__legacy__"  # PEP 517: what a project without a build-system table means
_NOT_INSTALLED = 3
_OFFLINE = {"PIP_NO_INDEX": "1", "UV_OFFLINE": "1", "CARGO_NET_OFFLINE": "true"}
# What setuptools leaves behind in `build/` and would put into the next wheel.
_LEFT_OVER = ("lib.", "bdist.", "temp.", "__editable__.")


@dataclass(frozen=True, slots=True)
class Builder:
    """How wheels are built.

    Offline, the back end is the one that is installed in the environment. With the network an environment is made for each
    project, and what its `pyproject.toml` asks for is installed there.
    """

    python: str
    folder: str
    """Below which copies of projects and their wheels are put."""
    network: bool
    to_root: str
    """The way from the package folder to the bundle's root."""

    def build(self, distribution: str, project: str) -> EditableFiles:
        """What the wheel of the project at `project` would install. Raises UnsupportedEditable where it is not built."""
        system = read_settings(project).get("build-system")
        table: Mapping[str, object] = system if isinstance(system, dict) else {}
        back_end = str(table.get("build-backend") or _LEGACY)
        places = [str(place) for place in _list(table.get("backend-path"))]
        folder = os.path.join(self.folder, distribution)
        copy, out = os.path.join(folder, "project"), os.path.join(folder, "wheel")
        _copy(project, copy)
        os.mkdir(out)
        work = _Work(distribution, back_end, self.network, copy)
        python = self.python
        if self.network:
            python = os.path.join(folder, "env", PYTHON_OF_VENV)
            work.run([self.python, "-m", "venv", os.path.dirname(os.path.dirname(python))])
            work.install(python, [str(item) for item in _list(table.get("requires"))] or ["setuptools", "wheel"])
            more = work.ask(python, [back_end, out, "online", "requires", *places])
            work.install(python, [str(item) for item in _list(more)])
        network = "online" if self.network else "offline"
        wheel = work.ask(python, [back_end, out, network, "wheel", *places])
        return EditableFiles(
            back_end, tuple(_unpack(os.path.join(out, str(wheel)), os.path.join(folder, "unpacked"), self.to_root))
        )


@dataclass(frozen=True, slots=True)
class _Work:
    """The programs that are run for one project."""

    distribution: str
    back_end: str
    network: bool
    copy: str

    def install(self, python: str, requirements: list[str]) -> None:
        if requirements:
            self.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *requirements])

    def ask(self, python: str, arguments: list[str]) -> object:
        """The build script's answer."""
        answer: object = json.loads(self.run([python, "-B", _SCRIPT, *arguments]).splitlines()[-1])
        return answer

    def run(self, command: list[str]) -> str:
        """Standard output of a command that runs in the copy and succeeds."""
        dropped = ("PYTHON", "VIRTUAL_ENV")
        variables = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
        variables["PATH"] = os.path.dirname(command[0]) + os.pathsep + variables.get("PATH", os.defpath)
        variables["PYTHONDONTWRITEBYTECODE"] = "1"
        if not self.network:
            variables |= _OFFLINE
        done = subprocess.run(
            command, cwd=self.copy, env=variables, capture_output=True, check=False, stdin=subprocess.DEVNULL
        )
        if done.returncode == 0:
            return done.stdout.decode("utf-8", "replace")
        said = done.stderr.decode("utf-8", "replace").strip()
        if done.returncode == _NOT_INSTALLED and not self.network:
            raise UnsupportedEditable(
                f"{self.distribution}: its back end {self.back_end} cannot be imported in the environment ({said})",
                "install it there, or let --build-network fetch what the project's build needs",
            )
        raise UnsupportedEditable(
            f"{self.distribution}: {self.back_end} builds no wheel: {said[-1500:]}",
            "the wheel is built from a copy of the project's own folder: does the build need more than that?",
        )


def _copy(project: str, target: str) -> None:
    """The project, without environments, bundles and what earlier builds of setuptools left in it."""

    def left_out(folder: str, names: list[str]) -> list[str]:
        found = [name for name in names if any(exists(os.path.join(folder, name, mark)) for mark in MARKS)]
        if folder == os.path.join(project, "build"):
            found += [name for name in names if name == "lib" or name.startswith(_LEFT_OVER)]
        return [*found, *(name for name in names if name == "__pycache__")]

    shutil.copytree(project, target, symlinks=True, ignore=left_out)


def _unpack(wheel: str, folder: str, to_root: str) -> Iterator[FileMapping]:
    """Unpack a wheel, times included, and give the place of what is in it.

    Its metadata and scripts stay out: the editable install has brought those.
    """
    with zipfile.ZipFile(wheel) as archive:
        for item in archive.infolist():
            path = archive.extract(item, folder)
            if not item.is_dir():
                os.chmod(path, 0o755 if item.external_attr >> 16 & 0o111 else 0o644)
                seconds = time.mktime((*item.date_time, 0, 0, -1))
                os.utime(path, (seconds, seconds))
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if name.endswith(".data"):
            for kind, prefix in (("purelib", ""), ("platlib", ""), ("data", f"{to_root}/")):
                inner = os.path.join(path, kind)
                for below in sorted(os.listdir(inner)) if is_dir(inner) else ():
                    yield FileMapping(os.path.join(inner, below), prefix + below)
        elif not name.endswith(".dist-info"):
            yield FileMapping(path, name)


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []

"""Launchers of Windows as their writers make them: the programs come out of wheels."""

from __future__ import annotations

import io
import json
import shutil
import struct
import zipfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from bundler.binaries.pe.headers import read_headers
from bundler.errors import BinaryFormatError
from tests.material.kept import kept
from tests.material.wheels import wheel
from tests.material.windows import Wine, embeddable

PIP, OLD_PIP, OLDEST_PIP = "pip==26.3", "pip==19.2.3", "pip==10.0.1"
DISTLIB, INSTALLER, SETUPTOOLS = "distlib==0.4.4", "installer==1.1.0", "setuptools==65.7.0"
UV, UV_FOOTER, UV_FOOTER_OLD, UV_OLDEST = "uv==0.13.9", "uv==0.9.8", "uv==0.2.30", "uv==0.1.20"
UV_FIRST = "uv==0.1.5"
FROM_BUILD = "C:\\Users\\someone\\project\\.venv\\Scripts\\python.exe"
REPORT = b"""import json, os, sys
told = [sys.argv[1:], sys.executable, sys.flags.ignore_environment, sys.flags.utf8_mode]
with open(os.environ["REPORT"], "w", encoding="utf-8") as file:
    json.dump(told, file)
sys.exit(7)
"""
"""A script that tells what reached it, and ends with a status of its own."""
_DRIVER = """
import json, os, subprocess, sys
with open(sys.argv[1], encoding="utf-8") as file:
    starts = json.load(file)
results = []
report = os.path.abspath("report.json")
for words, folder, path in starts:
    if os.path.exists(report):
        os.remove(report)
    search = os.pathsep.join([*([path] if path else []), os.environ["PATH"]])
    os.environ["PATH"], before = search, os.environ["PATH"]
    os.chdir(folder)  # which a relative path of a program counts from
    done = subprocess.run(words, capture_output=True, env={**os.environ, "REPORT": report})
    os.environ["PATH"] = before
    told = None
    if os.path.exists(report):
        with open(report, encoding="utf-8") as file:
            told = json.load(file)
    results.append([done.returncode, told, done.stderr.decode("utf-8", "replace")])
print("results:" + json.dumps(results))
"""

_UPDATE = """
import ctypes, sys
from ctypes import wintypes as t
kernel = ctypes.WinDLL("kernel32", use_last_error=True)
kernel.BeginUpdateResourceW.restype = t.HANDLE
kernel.BeginUpdateResourceW.argtypes = [t.LPCWSTR, t.BOOL]
kernel.UpdateResourceW.argtypes = [t.HANDLE, ctypes.c_void_p, t.LPCWSTR, t.WORD, ctypes.c_char_p, t.DWORD]
kernel.EndUpdateResourceW.argtypes = [t.HANDLE, t.BOOL]
program, kind, python, *script = sys.argv[1:]
handle = kernel.BeginUpdateResourceW(program, False)
pieces = {"UV_TRAMPOLINE_KIND": bytes([int(kind)]), "UV_PYTHON_PATH": python.encode()}
if script:
    pieces["UV_SCRIPT_DATA"] = open(script[0], "rb").read()
for name, data in pieces.items():
    assert kernel.UpdateResourceW(handle, 10, name, 0, data, len(data))
assert kernel.EndUpdateResourceW(handle, False)
print("written")
"""


@cache
def program(requirement: str, name: str) -> bytes:
    """A file of a pure wheel, such as distlib's `distlib/t64.exe`."""
    with zipfile.ZipFile(wheel(requirement, "any")) as archive:
        return archive.read(name)


def pip_program(requirement: str = PIP, name: str = "t64") -> bytes:
    """A launcher's program out of pip's own distlib."""
    return program(requirement, f"pip/_vendor/distlib/{name}.exe")


def zipped(script: bytes = REPORT) -> bytes:
    """The archive that a launcher has."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo("__main__.py"), script)
    return file.getvalue()


def distlib_launcher(line: str = f"#!{FROM_BUILD}\n", base: bytes | None = None, script: bytes = REPORT) -> bytes:
    """What distlib's ScriptMaker writes: program, shebang line, zip."""
    return (pip_program() if base is None else base) + line.encode() + zipped(script)


@cache
def trampoline(requirement: str, platform: str = "win_amd64", *, gui: bool = False) -> bytes:
    """uv's trampoline, which lies as a whole PE file within uv.exe."""
    with zipfile.ZipFile(wheel(requirement, platform)) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith("/uv.exe"))
        data = archive.read(name)
    place = data.find(b"MZ", 1)
    while place > 0:
        start = struct.unpack_from("<I", data, place + 60)[0] if place + 64 <= len(data) else 0
        if 64 <= start < 1024 and data[place + start : place + start + 4] == b"PE\0\0":
            part = data[place : place + (1 << 20)]
            try:
                headers = read_headers(io.BytesIO(part), len(part))
            except BinaryFormatError:
                headers = None
            if headers is not None and b"uv" in part[: headers.contents_end] and (headers.subsystem == 2) == gui:
                return part[: headers.contents_end]
        place = data.find(b"MZ", place + 2)
    raise AssertionError(f"no trampoline in {requirement}")


def footer_trampoline(
    python: str = FROM_BUILD,
    magic: bytes = b"UVSC",
    requirement: str = UV_FOOTER,
    *,
    gui: bool = False,
    script: bytes | None = REPORT,
) -> bytes:
    """What uv before 0.9.9 writes: trampoline, zip, path, its length, four letters."""
    path = python.encode()
    archive = zipped(script) if script is not None else b""
    return trampoline(requirement, gui=gui) + archive + path + struct.pack("<I", len(path)) + magic


def resource_trampoline(
    python: str = FROM_BUILD, requirement: str = UV, *, gui: bool = False, script: bytes | None = REPORT
) -> bytes:
    """What uv since 0.9.9 writes: the trampoline with resources, which UpdateResource (Wine's) puts there as uv has it do."""
    name = f"uv-trampoline-{requirement.rpartition('=')[2]}-{gui}-{abs(hash_of(python, script))}"

    def make(folder: Path) -> None:
        home = embeddable()
        (folder / "trampoline.exe").write_bytes(trampoline(requirement, gui=gui))
        (folder / "update.py").write_text(_UPDATE)
        words = ["trampoline.exe", "1" if script is not None else "2", python]
        if script is not None:
            (folder / "script.zip").write_bytes(zipped(script))
            words.append("script.zip")
        done = Wine().run([home / "python.exe", "update.py", *words], folder)
        if "written" not in done.stdout:
            pytest.skip(f"Wine does not update resources here: {done.stderr[-200:]}")

    return (kept(name, make) / "trampoline.exe").read_bytes()


def without_padding(data: bytes) -> bytes:
    """With something else in place of what UpdateResource fills its gaps with: `PADDINGXX`, and the beginning of that."""
    headers = read_headers(io.BytesIO(data), len(data))
    (section,) = (section for section in headers.sections if section.name == ".rsrc")
    resources = data[section.start : section.end].replace(b"PADDING", b"padding").replace(b"PAD", b"pad")
    assert b"padding" in resources
    return data[: section.start] + resources.replace(b"PA", b"pa") + data[section.end :]


def hash_of(python: str, script: bytes | None) -> int:
    """The same number for the same text, in every process."""
    import zlib

    return zlib.crc32(python.encode() + (script or b""))


def setuptools_launcher(*, gui: bool = False, machine: str = "64") -> bytes:
    """setuptools' `cli-64.exe` and its like."""
    return program(SETUPTOOLS, f"setuptools/{'gui' if gui else 'cli'}-{machine}.exe")


def home(where: Path) -> Path:
    """A folder like a bundle: python.exe and an empty `Scripts`. Its Python heeds variables and options, and pip runs on it."""
    shutil.copytree(embeddable(), where)
    (where / "python313._pth").unlink()
    (where / "_wmi.pyd").unlink()  # Wine ends a program that asks this
    (where / "Scripts").mkdir()
    return where


def in_windows(path: Path) -> str:
    """How Wine calls a path of this machine."""
    return "Z:" + str(path).replace("/", "\\")


class Start(NamedTuple):
    """A program to start: words, working directory, and a folder in front of PATH."""

    words: Sequence[str]
    folder: str
    path: str = ""


class Started(NamedTuple):
    """What came of it: the status, and what REPORT told; None where it did not run."""

    status: int
    error: str
    arguments: list[str] | None = None
    python: str = ""
    isolated: int = 0
    utf8: int = 0


def start_all(wine: Wine, python: Path, starts: Sequence[Start], scratch: Path) -> list[Started]:
    """Start programs of Windows one after the other, by one Python."""
    (scratch / "driver.py").write_text(_DRIVER)
    (scratch / "starts.json").write_text(json.dumps(starts), encoding="utf-8")
    done = wine.run([python, "driver.py", "starts.json"], scratch)
    lines = [line for line in done.stdout.splitlines() if line.startswith("results:")]
    assert lines, done.stderr[-500:]
    return [
        Started(status, error, *(told or ())) for status, told, error in json.loads(lines[0].removeprefix("results:"))
    ]

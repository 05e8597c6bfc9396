"""`bundler fix` of a bundle for Windows: launchers that pip and uv wrote into it move afterwards, and RECORD agrees."""

from __future__ import annotations

import base64
import dataclasses
import functools
import hashlib
import json
from pathlib import Path

import pytest

from bundler.errors import UnsupportedBundle
from bundler.fixing import fix
from bundler.systems.windows.launchers import leads_to, read_launcher
from tests.binaries.pe.shapes import fixture
from tests.material.launchers import (
    OLDEST_PIP,
    PIP,
    REPORT,
    Start,
    distlib_launcher,
    footer_trampoline,
    home,
    in_windows,
    pip_program,
    resource_trampoline,
    setuptools_launcher,
    start_all,
)
from tests.material.own_wheels import make_wheel
from tests.material.schemes import WINDOWS_312
from tests.material.wheels import wheel
from tests.material.windows import Wine

SITE = "Lib/site-packages"
RECORD = f"{SITE}/app-1.0.dist-info/RECORD"
MENDED = {"pip.exe", "uv.exe", "old.exe", "easy-script.py", "tool.py"}


@functools.cache
def files() -> dict[str, bytes]:
    python = "Z:\\where\\it was\\python.exe"
    return {
        "pip.exe": distlib_launcher(f"#!{python}\n"),
        "uv.exe": resource_trampoline(python),
        "old.exe": footer_trampoline(python),
        "easy.exe": setuptools_launcher(),
        "easy-script.py": f"#!{python}\r\n".encode(),
        "ninja.exe": fixture(),
        "tool.py": f"#!{python}\n".encode(),
    }


def with_manifest(bundle: Path, system: str = "win32") -> Path:
    places = {
        name: value for name, value in dataclasses.asdict(WINDOWS_312).items() if name not in ("executable", "stdlib")
    }
    python = {"executable": "python.exe", "stdlib": "Lib", "site_packages": [SITE], "scheme": places}
    manifest = {"bundler": "0", "schema": 1, "python": python, "platform": {"system": system}}
    (bundle / "bundle.json").write_text(json.dumps(manifest))
    return bundle


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    root = tmp_path / "bundle"
    (root / "Scripts").mkdir(parents=True)
    (root / RECORD).parent.mkdir(parents=True)
    for name, data in files().items():
        (root / "Scripts" / name).write_bytes(data)
    (root / SITE / "tool.py").write_bytes(b"#!C:\\python.exe\n")
    (root / SITE / "tool.py").chmod(0o755)
    (root / RECORD).write_text("".join(f"../../Scripts/{name},sha256=stale,1\n" for name in files()))
    return with_manifest(root)


def digest(data: bytes) -> str:
    return f"sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},{len(data)}"


def test_launchers_and_scripts_lead_to_the_bundle_s_python_and_record_has_their_digests(bundle: Path) -> None:
    report = fix(str(bundle))
    assert {*report.scripts} == {f"Scripts/{name}" for name in MENDED}
    assert (report.records, dict(report.left)) == ((RECORD,), {})
    rows = (bundle / RECORD).read_text().splitlines()
    for name, old in files().items():
        new = (bundle / "Scripts" / name).read_bytes()
        assert (new != old) == (name in MENDED)
        assert f"../../Scripts/{name},{digest(new) if name in MENDED else 'sha256=stale,1'}" in rows
        launcher = read_launcher(new)
        if name in MENDED and launcher is not None:
            assert leads_to(launcher, "Scripts") == "python.exe"
    assert (bundle / SITE / "tool.py").read_bytes() == b"#!C:\\python.exe\n"


def test_what_moves_already_stays_as_it_is(bundle: Path) -> None:
    fix(str(bundle))
    report = fix(str(bundle))
    assert (dict(report.scripts), report.records) == ({}, ())


def test_what_cannot_be_mended_is_told_and_left(bundle: Path) -> None:
    old = distlib_launcher(base=pip_program(OLDEST_PIP))
    (bundle / "Scripts/older.exe").write_bytes(old)
    report = fix(str(bundle))
    assert list(report.left) == ["Scripts/older.exe"]
    assert "names a Python that stays behind" in report.left["Scripts/older.exe"]
    assert (bundle / "Scripts/older.exe").read_bytes() == old
    stub = bundle / SITE / "pip/_vendor/distlib/t64.exe"
    stub.parent.mkdir(parents=True)
    stub.write_bytes(pip_program())
    assert list(fix(str(bundle)).scripts) == ["Scripts/older.exe"]


def test_a_bundle_of_an_unknown_system_is_refused(bundle: Path) -> None:
    with pytest.raises(UnsupportedBundle, match="plan9"):
        fix(str(with_manifest(bundle, "plan9")))


@pytest.mark.everything
def test_what_pip_installs_into_a_bundle_moves_after_a_fix(tmp_path: Path) -> None:
    wine = Wine()
    bundle = with_manifest(home(tmp_path / "bundle"))
    body = "def main():\n" + "".join(f"    {line}\n" for line in REPORT.decode().splitlines())
    made = make_wheel(tmp_path, "app", {"app.py": body, "entry_points.txt": "[console_scripts]\napp = app:main\n"})
    pip = f"{in_windows(wheel(PIP, 'any'))}\\pip"
    done = wine.run([bundle / "python.exe", pip, "install", "--no-index", "--no-deps", in_windows(made)], tmp_path)
    assert "Successfully installed" in done.stdout
    moved = bundle.rename(tmp_path / "moved é")
    start = Start([in_windows(moved / "Scripts/app.exe")], "Z:\\")
    (before,) = start_all(wine, moved / "python.exe", [start], tmp_path)
    assert before.arguments is None
    report = fix(str(moved))
    assert list(report.scripts) == ["Scripts/app.exe"]
    (after,) = start_all(wine, moved / "python.exe", [start], tmp_path)
    assert (after.status, after.python) == (7, in_windows(moved / "python.exe"))
    (record,) = report.records
    assert f"../../Scripts/app.exe,{digest((moved / 'Scripts/app.exe').read_bytes())}" in (moved / record).read_text()
    removed = wine.run([moved / "python.exe", pip, "uninstall", "-y", "app"], tmp_path)
    assert "Successfully uninstalled app" in removed.stdout
    assert not (moved / "Scripts/app.exe").exists()

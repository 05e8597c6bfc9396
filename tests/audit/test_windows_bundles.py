"""What `verify` finds in a bundle for Windows, wherever it runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundler import PackOptions, pack, verify
from bundler.faults import FaultKind
from tests.binaries.pe.samples import make_pe
from tests.material.launchers import distlib_launcher
from tests.plan.binaries.windows.installations import SITE, Installation

MODULE = f"{SITE}/pkg/module.pyd"


def installation(folder: Path, **others: bytes) -> Installation:
    """One with a module, its DLL and a script."""
    files = {
        MODULE: make_pe(["x.dll", "MSVCP140.dll", "kernel32.dll"]),
        f"{SITE}/pkg/x.dll": make_pe(),
        "Scripts/x.exe": distlib_launcher("#!<launcher_dir>\\..\\python.exe\n"),
    }
    return Installation(folder, files={**files, **others})


@pytest.fixture(params=["bundle", "bundle.zip"])
def out(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / str(request.param)


def packed(there: Installation, out: Path) -> Path:
    pack(str(there.root), str(out), PackOptions(root=f"C:={there.drive}", cache=False, verify=False))
    return out


def faults(bundle: Path) -> list[tuple[FaultKind, str, str]]:
    return [(fault.kind, fault.path, fault.message) for fault in verify(str(bundle), run=False).faults]


def test_a_whole_bundle_has_no_fault(out: Path, tmp_path: Path) -> None:
    assert faults(packed(installation(tmp_path / "c"), out)) == []


def test_a_launcher_of_another_python_is_found(tmp_path: Path) -> None:
    bundle = packed(installation(tmp_path / "c"), tmp_path / "bundle")
    (bundle / "Scripts/x.exe").write_bytes(distlib_launcher("#!C:\\env\\python.exe\n"))
    assert (FaultKind.SCRIPT, "Scripts/x.exe", "is run by C:\\env\\python.exe") in faults(bundle)


def test_a_pth_file_that_leads_out_is_found(tmp_path: Path) -> None:
    lines = b"python313.zip\r\n.\r\nLib\\site-packages\r\n"
    bundle = packed(installation(tmp_path / "c", **{"python313._pth": lines}), tmp_path / "bundle")
    assert faults(bundle) == []
    (bundle / "python313._pth").write_bytes(b"python313.zip\r\n.\r\nC:\\env\\Lib\r\n")
    assert (FaultKind.CONFIGURATION, "python313._pth", "puts C:\\env\\Lib on sys.path") in faults(bundle)


def test_a_dll_that_is_gone_is_found(tmp_path: Path) -> None:
    bundle = packed(installation(tmp_path / "c"), tmp_path / "bundle")
    (bundle / f"{SITE}/pkg/x.dll").unlink()
    assert (FaultKind.LIBRARY, MODULE, "needs x.dll, which is not found in the bundle") in faults(bundle)

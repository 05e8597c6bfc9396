"""Bundles in which two DLLs have one name: Wine's loader gives each package the one that it had."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundler import ContentOptions, PackOptions, pack
from bundler.entries import Patched
from tests.binaries.pe.samples import make_pe
from tests.material.windows import Wine
from tests.plan.binaries.windows.installations import SITE, Installation
from tests.systems.windows.loading import Case

RUNTIME = "msvcp140.dll"
A, B = f"{SITE}/a/_a.pyd", f"{SITE}/b/_b.pyd"
OWN = {A: make_pe([RUNTIME]), f"{SITE}/a/.libs/{RUNTIME}": make_pe(text=b"a's own")}
SYSTEM32 = {RUNTIME: make_pe(text=b"of Windows"), "vcomp140.dll": make_pe(text=b"of Windows")}


@pytest.fixture(scope="module")
def wine() -> Wine:
    return Wine()


def bundle(there: Installation, out: Path) -> Path:
    pack(str(there.root), str(out), PackOptions(root=f"C:={there.drive}", cache=False, content=ContentOptions()))
    return out


@pytest.mark.everything
def test_a_package_gets_its_own_runtime_where_another_needs_that_of_windows(wine: Wine, tmp_path: Path) -> None:
    there = Installation(tmp_path / "c", real=True, files={**OWN, B: make_pe([RUNTIME])}, system32=SYSTEM32)
    root = bundle(there, tmp_path / "a bundle")
    for opened, found in ((A, f"{SITE}/a/.libs/{RUNTIME}"), (B, f"{SITE}/b/{RUNTIME}")):
        case = Case({}, opened, {RUNTIME: found}, added=(f"{SITE}/a/.libs",))
        assert case.in_place(wine, root) == case.found


@pytest.mark.everything
def test_the_one_beside_python_would_have_won(wine: Wine, tmp_path: Path) -> None:
    """That is why it does not go there."""
    there = Installation(tmp_path / "c", real=True, files={**OWN, RUNTIME: SYSTEM32[RUNTIME]})
    case = Case({}, A, {RUNTIME: RUNTIME}, added=(f"{SITE}/a/.libs",))
    assert case.in_place(wine, bundle(there, tmp_path / "a bundle")) == case.found


@pytest.mark.everything
def test_a_dll_loads_under_the_name_that_a_patched_file_asks_for(wine: Wine, tmp_path: Path) -> None:
    asks = f"{SITE}/b.libs/_b.pyd"
    files = {
        asks: make_pe(["kernel32.dll", "vcomp140.dll"]),
        A: make_pe(["vcomp140.dll"]),
        f"{SITE}/a/.libs/vcomp140.dll": make_pe(text=b"a's own"),
    }
    there = Installation(tmp_path / "c", real=True, files=files, system32=SYSTEM32)
    plan = there.plan()
    assert [entry.path for entry in plan.entries if isinstance(entry.content, Patched)] == [asks]
    (library,) = plan.libraries.bundled
    root = bundle(there, tmp_path / "a bundle")
    case = Case(
        {}, asks, {library.path: library.path, "vcomp140.dll": None}, added=(f"{SITE}/a/.libs", f"{SITE}/b.libs")
    )
    assert case.in_place(wine, root) == case.found
    case = Case({}, A, {"vcomp140.dll": f"{SITE}/a/.libs/vcomp140.dll"}, added=(f"{SITE}/a/.libs", f"{SITE}/b.libs"))
    assert case.in_place(wine, root) == case.found

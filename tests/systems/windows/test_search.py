"""Windows' rules, each shown by DLLs that lie where only that rule finds them, and Wine's loader held against them."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import pytest

from bundler.binaries.pe import read_image
from bundler.systems.windows.search import Asking, Folders, added_folders, asked_for, resolve_all
from tests.binaries.pe.samples import make_pe
from tests.material.windows import Wine
from tests.systems.windows.loading import PYTHON, Added, Case

LEAF = make_pe()
MODULE = "Lib/site-packages/pkg/module.pyd"
PKG, LIBS, OTHER = "Lib/site-packages/pkg", "Lib/site-packages/pkg.libs", "Lib/other"

CASES = {
    "the module's own folder comes first": Case(
        {MODULE: make_pe(["x.dll"]), f"{PKG}/x.dll": LEAF, "x.dll": LEAF, f"{LIBS}/x.dll": LEAF},
        MODULE,
        {"x.dll": f"{PKG}/x.dll"},
        added=(LIBS,),
    ),
    "then that of the program": Case(
        {MODULE: make_pe(["x.dll"]), "x.dll": LEAF, f"{LIBS}/x.dll": LEAF}, MODULE, {"x.dll": "x.dll"}, added=(LIBS,)
    ),
    "then those that are added, before Windows' own": Case(
        {MODULE: make_pe(["msvcp140.dll"]), f"{LIBS}/msvcp140.dll": LEAF},
        MODULE,
        {"msvcp140.dll": f"{LIBS}/msvcp140.dll"},
        added=(LIBS,),
    ),
    "what a DLL asks for is looked for beside the module that brought it": Case(
        {MODULE: make_pe(["x.dll"]), f"{LIBS}/x.dll": make_pe(["y.dll"]), f"{PKG}/y.dll": LEAF, f"{LIBS}/y.dll": LEAF},
        MODULE,
        {"x.dll": f"{LIBS}/x.dll", "y.dll": f"{PKG}/y.dll"},
        added=(LIBS,),
    ),
    "a folder that nobody adds is not searched": Case(
        {MODULE: make_pe(["x.dll"]), f"{OTHER}/x.dll": LEAF, "DLLs/x.dll": LEAF}, MODULE, {"x.dll": None}
    ),
    "PATH is not searched": Case(
        {MODULE: make_pe(["x.dll"]), f"{OTHER}/x.dll": LEAF}, MODULE, {"x.dll": None}, on_path=(OTHER,)
    ),
    "a wrong DLL on PATH changes nothing": Case(
        {MODULE: make_pe(["x.dll"]), f"{OTHER}/x.dll": LEAF, "x.dll": LEAF},
        MODULE,
        {"x.dll": "x.dll"},
        on_path=(OTHER,),
    ),
    "case does not count": Case({MODULE: make_pe(["X.dll"]), f"{PKG}/x.DLL": LEAF}, MODULE, {"x.dll": f"{PKG}/x.DLL"}),
    "a name without a dot is a DLL's": Case(
        {MODULE: make_pe(["x"]), f"{PKG}/x.dll": LEAF}, MODULE, {"x.dll": f"{PKG}/x.dll"}
    ),
    "what the process has already is taken": Case(
        {MODULE: make_pe(["vcruntime140.dll"]), f"{PKG}/vcruntime140.dll": LEAF},
        MODULE,
        {"vcruntime140.dll": "vcruntime140.dll"},
    ),
    "what Windows knows is its own": Case(
        {MODULE: make_pe(["kernel32.dll", "ws2_32.dll"]), f"{PKG}/kernel32.dll": LEAF, f"{PKG}/ws2_32.dll": LEAF},
        MODULE,
        {"kernel32.dll": None},
    ),
    "an API set is no file": Case(
        {MODULE: make_pe(["api-ms-win-core-synch-l1-2-0.dll"]), f"{PKG}/api-ms-win-core-synch-l1-2-0.dll": LEAF},
        MODULE,
        {"api-ms-win-core-synch-l1-2-0.dll": None},
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_module_s_dlls_are_found(case: Case) -> None:
    assert case.by_rules() == case.found


@pytest.fixture(scope="module")
def wine() -> Wine:
    return Wine()


@pytest.mark.everything
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_wine_finds_a_module_s_dlls_there(case: Case, wine: Wine, tmp_path: Path) -> None:
    assert case.by_loader(wine, tmp_path) == case.found


@pytest.mark.everything
def test_of_two_dlls_of_one_name_the_first_serves_both(wine: Wine, tmp_path: Path) -> None:
    """That is why a clash is told; the files say nothing of the order."""
    files = {MODULE: make_pe(["x.dll"]), f"{PKG}/x.dll": LEAF, f"{OTHER}/x.dll": LEAF}
    found = {"x.dll": f"{PKG}/x.dll"}
    assert Case(files, MODULE, found).by_loader(wine, tmp_path) == found
    after = Case(files, MODULE, found, before=(f"{OTHER}/x.dll",))
    assert after.by_loader(wine, tmp_path / "again") == {"x.dll": f"{OTHER}/x.dll"}


@pytest.mark.everything
def test_a_program_finds_dlls_in_its_own_folder_alone(wine: Wine, tmp_path: Path) -> None:
    program = tmp_path / "a tool/tool.exe"
    program.parent.mkdir()
    program.write_bytes(make_pe(["x.dll"], dll=False))
    (tmp_path / "x.dll").write_bytes(LEAF)
    assert wine.run([program], program.parent).returncode != 0
    (program.parent / "X.DLL").write_bytes(LEAF)
    assert wine.run([program], program.parent).returncode == 0


def found_by(files: dict[str, bytes], requester: str, added: tuple[str, ...] = ()) -> dict[str, str | None]:
    images = {path: read_image(io.BytesIO(data)) for path, data in files.items()}
    lookups = resolve_all(images, PYTHON, Added(added))
    return {lookup.name: lookup.found for lookup in lookups if lookup.requester == requester}


def test_a_program_s_dlls_are_looked_for_in_its_own_folder_alone() -> None:
    files = {PYTHON: make_pe(dll=False), "x.dll": LEAF, "tool/tool.exe": make_pe(["x.dll", "y.dll"], dll=False)}
    assert found_by({**files, "tool/Y.DLL": LEAF}, "tool/tool.exe") == {"x.dll": None, "y.dll": "tool/Y.DLL"}


def test_what_is_loaded_at_its_first_call_is_looked_for_beside_the_program_alone() -> None:
    files = {PYTHON: make_pe(dll=False), MODULE: make_pe([], ["x.dll", "y.dll"]), f"{PKG}/x.dll": LEAF, "y.dll": LEAF}
    assert found_by(files, MODULE) == {"x.dll": None, "y.dll": "y.dll"}


@pytest.mark.everything
def test_wine_s_plain_search_does_not_look_beside_a_module(wine: Wine, tmp_path: Path) -> None:
    """What delay-load code calls: LoadLibrary with a name."""
    files = {MODULE: LEAF, f"{PKG}/x.dll": LEAF, f"{LIBS}/x.dll": LEAF}
    case = Case(files, MODULE, {"x.dll": None}, added=(LIBS,), plainly=("x.dll",))
    assert case.by_loader(wine, tmp_path) == {"x.dll": None}
    beside = dataclasses.replace(case, files={**files, "x.dll": LEAF})
    assert beside.by_loader(wine, tmp_path / "again") == {"x.dll": "x.dll"}


@pytest.mark.parametrize(
    ("flags", "found"),
    [
        pytest.param(0x0, f"{PKG}/x.dll", id="none"),
        pytest.param(0x100, "Lib/site-packages/pkg/x.dll", id="DLL_LOAD_DIR"),
        pytest.param(0x200, "x.dll", id="APPLICATION_DIR"),
        pytest.param(0x400, f"{LIBS}/x.dll", id="USER_DIRS"),
        pytest.param(0x800, None, id="SYSTEM32"),
        pytest.param(0x1000, "x.dll", id="DEFAULT_DIRS"),
    ],
)
def test_a_file_may_say_by_itself_where_its_dlls_are_looked_for(flags: int, found: str | None) -> None:
    """/DEPENDENTLOADFLAG; Wine 8 passes it over."""
    files = {PYTHON: make_pe(dll=False), MODULE: make_pe(["x.dll"], load_flags=flags)}
    places = {f"{folder}/x.dll".lstrip("/"): LEAF for folder in ("", PKG, LIBS)}
    assert found_by({**files, **places}, MODULE, (LIBS,)) == {"x.dll": found}


def test_a_forwarded_export_asks_for_its_dll() -> None:
    files = {PYTHON: make_pe(dll=False), MODULE: make_pe(["x.dll"], forwarded=["y.f", "z-1.0.dll.g"]), "y.dll": LEAF}
    assert found_by(files, MODULE) == {"x.dll": None, "y.dll": "y.dll", "z-1.0.dll": None}


def test_a_dll_is_asked_for_as_early_as_any_table_says() -> None:
    image = read_image(io.BytesIO(make_pe(["x.dll"], ["X.DLL", "y.dll"], forwarded=["y.f"])))
    assert list(asked_for(image)) == [("x.dll", Asking.AT_ONCE), ("y.dll", Asking.FORWARDED)]


def test_what_a_module_brings_is_not_opened_by_itself() -> None:
    """q.dll finds z.dll beside the module that brings it; from its own folder it would not."""
    files = {
        PYTHON: make_pe(dll=False),
        MODULE: make_pe(["q.dll"]),
        f"{LIBS}/q.dll": make_pe(["z.dll"]),
        f"{PKG}/z.dll": LEAF,
    }
    assert found_by(files, f"{LIBS}/q.dll", (LIBS,)) == {"z.dll": f"{PKG}/z.dll"}
    alone = {path: data for path, data in files.items() if path != MODULE}
    assert found_by(alone, f"{LIBS}/q.dll", (LIBS,)) == {"z.dll": None}


def test_dlls_that_ask_for_each_other_come_to_an_end() -> None:
    files = {PYTHON: make_pe(["a.dll"], dll=False), "a.dll": make_pe(["b.dll"]), "b.dll": make_pe(["a.dll"])}
    assert found_by(files, "b.dll") == {"a.dll": "a.dll"}


def test_delvewheel_s_folders_are_known_by_their_names() -> None:
    paths = ["python.exe", f"{LIBS}/x.dll", f"{PKG}/x.dll", "Lib/site-packages/pkg/.libs/x.dll", "a.libs/b/x.dll"]
    assert added_folders(paths) == (LIBS, "Lib/site-packages/pkg/.libs")


def test_files_are_named_whatever_their_case() -> None:
    folders = Folders(["A/x.dll", "b/X.DLL"])
    assert (folders.find("a", "X"), folders.find("B", "x.dll"), folders.find("", "x.dll")) == (
        "A/x.dll",
        "b/X.DLL",
        None,
    )
    assert folders.named("x") == ["A/x.dll", "b/X.DLL"]

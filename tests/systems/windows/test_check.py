"""A finished bundle of Windows: names of DLLs, lines of `._pth` and launchers that lead out of it are faults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from bundler.faults import FaultKind, Findings
from bundler.systems.bundle_view import Wheel
from bundler.systems.libraries import NeededBy
from bundler.systems.targets import target_named
from bundler.systems.windows.check import check_pe_files
from bundler.systems.windows.rules import WINDOWS
from tests.binaries.pe.samples import make_pe
from tests.material.launchers import distlib_launcher, footer_trampoline, zipped
from tests.material.schemes import WINDOWS_312
from tests.systems.views import View
from tests.systems.windows.made_up import LIBPYTHON, PYTHON, SITE, image_of

MODULE = f"{SITE}/pkg/module.pyd"


def view(images: Mapping[str, object], **facts: Any) -> View:
    return View(images, WINDOWS_312, extension_suffixes=(".pyd",), **facts)


def files(**others: bytes) -> dict[str, object]:
    data = {PYTHON: make_pe([LIBPYTHON, "kernel32.dll"], dll=False), LIBPYTHON: make_pe(), **others}
    return {path: image_of(each) for path, each in data.items()}


def told(findings: Findings) -> list[tuple[FaultKind, str, str]]:
    return [(fault.kind, fault.path, fault.message) for fault in findings.faults]


def test_a_bundle_whose_names_lead_to_its_files_has_no_fault() -> None:
    asks = make_pe(["x.dll", "ADVAPI32.dll", "api-ms-win-crt-heap-l1-1-0.dll"], ["late.dll"], forwarded=["later.f"])
    found = check_pe_files(view(files(**{MODULE: asks, f"{SITE}/pkg.libs/X.dll": make_pe()})))
    assert found == Findings([], [])


def test_a_dll_that_is_nowhere_is_a_fault() -> None:
    found = WINDOWS.check_binaries(view(files(**{MODULE: make_pe(["x.dll"])})))
    assert told(found) == [(FaultKind.LIBRARY, MODULE, "needs x.dll, which is not found in the bundle")]
    assert "--include-lib x.dll" in found.faults[0].hint


def test_one_that_is_in_the_bundle_may_be_loaded_beforehand() -> None:
    images = files(**{MODULE: make_pe(["x.dll"]), f"{SITE}/other/x.dll": make_pe()})
    assert told(check_pe_files(view(images))) == []


def test_python_s_own_dll_lies_beside_it() -> None:
    """Nothing is loaded before it."""
    images = {**files(), f"{SITE}/pkg/{LIBPYTHON}": image_of(make_pe())}
    del images[LIBPYTHON]
    assert told(check_pe_files(view(images))) == [
        (FaultKind.LIBRARY, PYTHON, f"needs {LIBPYTHON}, which is not found beside it")
    ]


def test_what_is_left_to_windows_is_no_fault() -> None:
    images = files(**{MODULE: make_pe(["MSVCP140.dll"])})
    assert told(check_pe_files(view(images, host_libraries=["msvcp140.dll"]))) == []


def test_what_the_source_does_not_find_either_is_a_note() -> None:
    images = files(**{MODULE: make_pe(["X.dll"])})
    found = check_pe_files(view(images, missing={NeededBy(MODULE, "x.dll")}))
    assert found == Findings([], [f"{MODULE} needs x.dll, which the source does not find either"])


@pytest.mark.parametrize("name", ["C:\\x\\y.dll", "..\\y.dll", "sub/y.dll"])
def test_a_name_that_is_a_place_is_a_fault(name: str) -> None:
    images = files(**{MODULE: make_pe([name]), f"{SITE}/other/y.dll": make_pe()})
    message = f"asks for {name.lower()}, which is a place and no name"
    assert told(check_pe_files(view(images))) == [(FaultKind.SEARCH_PATH, MODULE, message)]


def test_a_file_for_another_machine_is_data() -> None:
    assert (
        told(check_pe_files(view(files(**{f"{SITE}/pkg/w32.exe": make_pe(["x.dll"], dll=False, machine=0x14C)})))) == []
    )


def test_a_bundle_without_its_program_has_a_fault() -> None:
    assert told(check_pe_files(view({}))) == [(FaultKind.LIBRARY, PYTHON, "is no PE file")]


@pytest.mark.parametrize("line", ["C:\\Python312\\Lib", "\\\\server\\share", "..\\Lib", "Lib\\..\\..\\x", "/x"])
def test_a_line_of_pth_that_leads_out_is_a_fault(line: str) -> None:
    texts = {
        "python312._pth": f"python312.zip\r\n.\r\n# /../../x\r\nLib # ../..\r\nLib\\..\\Lib\r\n{line}\r\nimport site\r\n".encode()
    }
    found = told(check_pe_files(view(files(), texts=texts)))
    assert found == [(FaultKind.CONFIGURATION, "python312._pth", f"puts {line} on sys.path")]


def test_other_texts_are_none_of_windows_business() -> None:
    texts = {f"{SITE}/x._pth": b"C:\\x\n", f"{SITE}/x.pth": b"C:\\x\n"}
    assert told(check_pe_files(view(files(), texts=texts))) == []


@pytest.mark.parametrize(
    ("data", "python"),
    [
        (b'#!"C:\\an env\\Scripts\\python.exe"\r\nimport x\n', '"C:\\an env\\Scripts\\python.exe"'),
        (b"#!D:\\env\\Scripts\\pythonw.exe -E\n", "D:\\env\\Scripts\\pythonw.exe -E"),
        (b"#!\\\\server\\env\\python\n", "\\\\server\\env\\python"),
        (b"#!..\\python.exe\n", None),
        (b"#!/usr/bin/env python3\n", None),
        (b"#!C:\\perl\\perl.exe\n", None),
    ],
)
def test_a_script_that_another_python_would_run_is_a_fault(data: bytes, python: str | None) -> None:
    found = told(check_pe_files(view(files(), scripts={"Scripts/x-script.py": data})))
    assert found == ([(FaultKind.SCRIPT, "Scripts/x-script.py", f"is run by {python}")] if python is not None else [])


@pytest.mark.parametrize(
    ("python", "is_fault"),
    [
        ("C:\\env\\Scripts\\python.exe", True),
        ("python.exe", True),  # of the working directory, or of PATH
        ("<launcher_dir>\\python.exe", True),  # a bundle has none there
        ("<launcher_dir>\\..\\..\\python.exe", True),
        ("<launcher_dir>\\..\\python.exe", False),
        ("<LAUNCHER_DIR>\\..\\PythonW.exe", False),
    ],
)
def test_a_launcher_that_starts_another_python_is_a_fault(python: str, is_fault: bool) -> None:
    scripts = {"Scripts/x.exe": distlib_launcher(f"#!{python}\n"), "Scripts/other.exe": make_pe(dll=False)}
    wanted = [(FaultKind.SCRIPT, "Scripts/x.exe", f"is run by {python}")] if is_fault else []
    assert told(check_pe_files(view(files(), scripts=scripts))) == wanted


def test_what_no_pack_can_change_is_a_note() -> None:
    """It was told when the bundle was made."""
    scripts = {"Scripts/python3.exe": footer_trampoline(magic=b"UVPY", script=None)}
    note = "Scripts/python3.exe starts a Python that stays behind: it will not run in the bundle"
    assert check_pe_files(view(files(), scripts=scripts)) == Findings([], [note])


def test_a_launcher_that_nobody_knows_is_a_note() -> None:
    found = check_pe_files(view(files(), scripts={"Scripts/x.exe": make_pe(dll=False) + zipped()}))
    assert told(found) == []
    (note,) = found.notes
    assert note.startswith("Scripts/x.exe ") and note.endswith("it will not run in the bundle")


def test_a_trampoline_that_leads_to_a_virtual_environment_s_python_is_a_fault() -> None:
    """`uv venv --relocatable` names the python.exe beside it."""
    for python, is_fault in (("python.exe", True), ("..\\python.exe", False)):
        found = told(check_pe_files(view(files(), scripts={"Scripts/x.exe": footer_trampoline(python)})))
        assert bool(found) == is_fault


def test_what_is_too_new_for_the_target_is_a_fault_with_what_would_help() -> None:
    images = files(**{MODULE: make_pe(["d3d12.dll"]), f"{SITE}/other.pyd": make_pe(version=(6, 2))})
    wheels = {MODULE: Wheel("graphics", "2.0", ("win_amd64",))}
    (windows8, windows10) = (target_named(name) for name in ("windows8.1", "windows10"))
    assert check_pe_files(view(images, wheels=wheels), windows10) == Findings([], [])
    (fault,) = check_pe_files(view(images, wheels=wheels), windows8).faults
    assert (fault.kind, fault.path) == (FaultKind.TARGET, MODULE)
    assert fault.message == "needs Windows 10.0 or later (the import of d3d12.dll); windows8.1 has Windows 8.1"
    assert "graphics 2.0" in fault.hint


def test_a_python_that_the_target_does_not_run_is_one() -> None:
    (fault,) = check_pe_files(view(files(), python=(3, 13)), target_named("windows8.1")).faults
    assert (fault.path, fault.message.partition(";")[0]) == (PYTHON, "needs Windows 10.0 or later (Python 3.13)")
    assert "take a Python" in fault.hint

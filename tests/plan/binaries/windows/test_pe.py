"""What is planned for the DLLs of an environment of Windows."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundler.binaries.pe import constants as c
from bundler.binaries.pe import structs as s
from bundler.entries import Entry, Patched, Source
from bundler.errors import BundlerError, CannotPatch, UnsupportedEnvironment
from bundler.plan.make import Plan
from bundler.systems.libraries import InBundle, OnHost, Preloaded
from tests.binaries.pe.judging import judge
from tests.binaries.pe.samples import make_pe
from tests.binaries.pe.shapes import with_directory, with_optional
from tests.plan.binaries.windows.installations import SITE, Installation

A, B = f"{SITE}/a/_a.pyd", f"{SITE}/b/_b.pyd"
RUNTIME = "msvcp140.dll"
VC = "Microsoft Visual C++ 2015-2022 Redistributable"


def bundled(plan: Plan) -> dict[str, str]:
    """The origins of what comes from outside."""
    return {library.path: entry_of(plan, library.path).origin for library in plan.libraries.bundled}


def entry_of(plan: Plan, path: str) -> Entry:
    return next(entry for entry in plan.entries if entry.path == path)


def test_python_org_s_own_files_find_what_they_need_as_they_are(tmp_path: Path) -> None:
    plan = Installation(tmp_path, real=True).plan()
    needs = plan.libraries.needs
    assert needs["python.exe"]["python313.dll"] == InBundle("python313.dll")
    assert needs["_ssl.pyd"]["libssl-3.dll"] == InBundle("libssl-3.dll")
    assert needs["python3.dll"]["python313.dll"] == InBundle("python313.dll")
    assert {type(location) for found in needs.values() for location in found.values()} == {InBundle, OnHost}
    assert plan.libpython == "python313.dll"
    assert plan.libraries.bundled == ()
    assert not [entry for entry in plan.entries if isinstance(entry.content, Patched)]
    assert plan.floor is not None
    assert (plan.floor.system, plan.floor.text, plan.floor.file) == ("Windows", "10.0", "python.exe")
    assert plan.warnings == ()


def test_a_runtime_comes_out_of_the_windows_that_the_root_has(tmp_path: Path) -> None:
    system32 = {"MSVCP140.dll": make_pe(), "bcrypt.dll": make_pe(), "kernel32.dll": make_pe()}
    plan = Installation(tmp_path, files={A: make_pe([RUNTIME, "bcrypt.dll", "KERNEL32.dll"])}, system32=system32).plan()
    assert bundled(plan) == {"MSVCP140.dll": "host:MSVCP140.dll"}
    content = entry_of(plan, "MSVCP140.dll").content
    assert isinstance(content, Source)
    assert content.path == str(tmp_path / "Windows/System32/MSVCP140.dll")
    assert plan.warnings == ()


def test_without_one_the_target_is_asked_for_it(tmp_path: Path) -> None:
    plan = Installation(tmp_path, files={A: make_pe([RUNTIME]), B: make_pe(["MSVCP140.DLL", "vcomp140.dll"])}).plan()
    assert plan.libraries.host == ("kernel32.dll", RUNTIME, "vcomp140.dll")
    (warning,) = plan.warnings
    assert warning.startswith(f"not found here: {RUNTIME}, vcomp140.dll; a target needs the {VC}")


def test_a_program_among_the_scripts_gets_python_s_own_runtime_beside_it(tmp_path: Path) -> None:
    plan = Installation(tmp_path, files={"Scripts/tool.exe": make_pe(["VCRUNTIME140.dll"], dll=False)}).plan()
    assert bundled(plan) == {"Scripts/vcruntime140.dll": "base:vcruntime140.dll"}


def test_a_package_s_folder_counts_as_added_for_its_own_distribution(tmp_path: Path) -> None:
    """By RECORD, whatever the names of its packages are."""
    files = {A: make_pe(["x-1.dll"]), f"{SITE}/dist.libs/x-1.dll": make_pe(), B: make_pe(["x-1.dll"])}
    record = "a/_a.pyd,,\ndist.libs/x-1.dll,,\ndist-1.dist-info/RECORD,,\n"
    files[f"{SITE}/dist-1.dist-info/RECORD"] = record.encode()
    files[f"{SITE}/dist-1.dist-info/METADATA"] = b"Metadata-Version: 2.1\nName: dist\nVersion: 1\n"
    needs = Installation(tmp_path, files=files).plan().libraries.needs
    assert needs[A]["x-1.dll"] == InBundle(f"{SITE}/dist.libs/x-1.dll")
    assert needs[B]["x-1.dll"] == Preloaded(f"{SITE}/dist.libs/x-1.dll")


# r.pyd lies in a folder that is added, and asks for the runtime of System32; c has one of its own.
RENAMED = {
    f"{SITE}/a.libs/r.pyd": make_pe(["VCOMP140.dll", "kernel32.dll"]),
    f"{SITE}/c/_c.pyd": make_pe(["vcomp140.dll"]),
    f"{SITE}/c/.libs/vcomp140.dll": make_pe(text=b"of c"),
}


def test_a_name_that_would_lead_to_another_dll_is_patched(tmp_path: Path) -> None:
    plan = Installation(tmp_path, files=RENAMED, system32={"vcomp140.dll": make_pe()}).plan()
    (own,) = bundled(plan)
    assert (own[:9], len(own), own[-4:]) == ("vcomp140-", 21, ".dll")
    ((entry, content),) = ((entry, entry.content) for entry in plan.entries if isinstance(entry.content, Patched))
    assert entry.path == f"{SITE}/a.libs/r.pyd"
    assert entry.reason is not None
    assert entry.reason.startswith(f"asks for {own}, the DLL that it had in its source; ")
    data = Path(content.path).read_bytes()
    judge(data, content.patch.apply(data), {"vcomp140.dll": own})


def test_a_file_that_cannot_be_patched_is_an_error(tmp_path: Path) -> None:
    """Windows refuses one whose signature it checks."""
    path = f"{SITE}/a.libs/r.pyd"
    flags = c.IMAGE_DLLCHARACTERISTICS_FORCE_INTEGRITY
    signed = with_optional(RENAMED[path], s.DLL_CHARACTERISTICS, s.WORD, flags)
    packed = Installation(tmp_path, files={**RENAMED, path: signed}, system32={"vcomp140.dll": make_pe()})
    with pytest.raises(CannotPatch, match=r"env:Lib/site-packages/a\.libs/r\.pyd"):
        packed.plan()


def test_a_dll_is_named_by_its_name_or_its_path(tmp_path: Path) -> None:
    there = Installation(tmp_path, system32={"vendor.dll": make_pe([RUNTIME]), RUNTIME: make_pe()})
    (tmp_path / "own").mkdir()
    (tmp_path / "own/Other.dll").write_bytes(make_pe())
    assert bundled(there.plan(("VENDOR.dll",))).keys() == {"vendor.dll", RUNTIME}
    assert bundled(there.plan((f"{tmp_path}/own/Other.dll",))).keys() == {"Other.dll"}
    assert bundled(there.plan(("C:\\OWN\\other.dll",))).keys() == {"Other.dll"}
    with pytest.raises(BundlerError, match=r"--include-lib nowhere\.dll: there is no such DLL"):
        there.plan(("nowhere.dll",))


def test_a_dll_that_lies_beside_python_anyway_is_not_taken_twice(tmp_path: Path) -> None:
    there = Installation(tmp_path, system32={"VCRUNTIME140.dll": make_pe()})
    assert bundled(there.plan(("C:\\Windows\\System32\\vcruntime140.dll",))) == {}
    (tmp_path / "Windows/System32/VCRUNTIME140.dll").write_bytes(make_pe(text=b"another"))
    with pytest.raises(BundlerError, match=r"the environment has another vcruntime140\.dll beside Python"):
        there.plan(("C:\\Windows\\System32\\vcruntime140.dll",))


def test_a_dll_is_left_to_windows_by_its_name(tmp_path: Path) -> None:
    there = Installation(tmp_path, files={A: make_pe([RUNTIME])}, system32={RUNTIME: make_pe()})
    plan = there.plan(exclude=("MSVCP140.dll",))
    assert (bundled(plan), plan.libraries.needs[A]) == ({}, {RUNTIME: OnHost()})


def test_programs_for_other_machines_are_data(tmp_path: Path) -> None:
    files = {f"{SITE}/pip/t32.exe": make_pe(["x.dll"], dll=False, machine=0x14C)}
    assert f"{SITE}/pip/t32.exe" not in Installation(tmp_path, files=files).plan().libraries.needs


def test_damaged_files_are_the_source_s_business(tmp_path: Path) -> None:
    plan = Installation(tmp_path, files={A: make_pe(["x.dll"])[:600]}).plan()
    assert A not in plan.libraries.needs


def test_modules_that_this_python_cannot_load_are_told(tmp_path: Path) -> None:
    """In no mode but the run check would that be found, and an environment that is read from files is not run."""
    arm = make_pe(["kernel32.dll"], machine=0xAA64)
    files = {
        A: make_pe(["x.dll"])[:600],
        B: arm,
        "python313.dll": arm,
        f"{SITE}/b/_c.cp39-win_arm64.pyd": arm,
        f"{SITE}/b/data.dll": arm,
    }
    built, damaged = (line for line in Installation(tmp_path, files=files).plan().warnings if "cannot load" in line)
    assert damaged == f"{A}: no sound PE file; this Python, which is for AMD64, cannot load it"
    assert built == f"{B}, python313.dll: built for ARM64; this Python, which is for AMD64, cannot load them"


def test_what_is_asked_for_late_and_found_nowhere_is_a_note(tmp_path: Path) -> None:
    plan = Installation(tmp_path, files={A: make_pe([], ["late.dll"])}).plan()
    assert f"{A} asks for late.dll at its first use of it, and it is found nowhere" in plan.notes
    assert (plan.warnings, list(plan.libraries.missing)) == ((), [])


def test_code_that_can_be_written_to_is_told(tmp_path: Path) -> None:
    plan = Installation(tmp_path, files={A: make_pe(writable_code=True)}).plan()
    assert A in plan.ceiling.writable_code


def test_a_python_that_is_no_program_is_refused(tmp_path: Path) -> None:
    there = Installation(tmp_path)
    damaged = with_directory(make_pe(["x.dll"], dll=False), c.IMPORT, 0x9000, 40)
    (there.root / "python.exe").write_bytes(damaged)
    with pytest.raises(UnsupportedEnvironment, match=r"python\.exe is no PE executable"):
        there.plan()


def test_two_dlls_of_one_name_are_told(tmp_path: Path) -> None:
    files = {A: make_pe(["x.dll"]), B: make_pe(["x.dll"])}
    files |= {f"{SITE}/a/x.dll": make_pe(text=b"1"), f"{SITE}/b/x.dll": make_pe(text=b"2")}
    (warning,) = Installation(tmp_path, files=files).plan().warnings
    assert warning.startswith(f"x.dll means two different DLLs, {SITE}/a/x.dll and {SITE}/b/x.dll")


def test_paths_that_windows_cannot_hold_are_raised_together(tmp_path: Path) -> None:
    files = {f"{SITE}/aux.py": b"", f"{SITE}/x.py": b"", f"{SITE}/X.py": b""}
    with pytest.raises(BundlerError) as raised:
        Installation(tmp_path, files=files).plan()
    assert "AUX, which is a device" in str(raised.value)
    assert "are one file for Windows" in str(raised.value)


def test_the_room_that_the_longest_path_leaves_is_told(tmp_path: Path) -> None:
    (note,) = (note for note in Installation(tmp_path).plan().notes if "longest path" in note)
    assert note.startswith("the longest path has ")

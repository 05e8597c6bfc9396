"""The closure of a small made-up environment: what comes along and where it goes, what stays, what is not found."""

from __future__ import annotations

import hashlib
from pathlib import Path

from bundler.systems.libraries import Clash, InBundle, Missing, NeededBy, OnHost, Preloaded
from tests.binaries.pe.samples import make_pe
from tests.systems.windows.made_up import LIBPYTHON, PYTHON, SITE, Source, asking, bundled, leaf, needs_of

A, B = f"{SITE}/a/_a.pyd", f"{SITE}/b/_b.pyd"
RUNTIME = "msvcp140.dll"


def test_what_the_environment_has_stays_where_it_is(tmp_path: Path) -> None:
    source = Source(
        tmp_path,
        {
            A: make_pe(["x.dll", "y.dll", "kernel32.dll"]),
            f"{SITE}/a/x.dll": leaf("x"),
            f"{SITE}/a.libs/y.dll": leaf("y"),
        },
        added={"a": (f"{SITE}/a.libs",)},
    )
    closure = source.closure()
    assert closure.facts.bundled == ()
    assert needs_of(closure, PYTHON) == {LIBPYTHON: InBundle(LIBPYTHON)}
    assert needs_of(closure, A) == {
        "x.dll": InBundle(f"{SITE}/a/x.dll"),
        "y.dll": InBundle(f"{SITE}/a.libs/y.dll"),
        "kernel32.dll": OnHost(),
    }
    assert closure.facts.host == ("kernel32.dll",)


def test_a_runtime_of_microsoft_s_comes_along_beside_python_with_what_it_needs(tmp_path: Path) -> None:
    source = Source(
        tmp_path,
        {A: make_pe([RUNTIME]), B: make_pe(["MSVCP140.dll"])},
        windows={"Msvcp140.dll": make_pe(["vcruntime140_1.dll"]), "vcruntime140_1.dll": leaf("v")},
    )
    closure = source.closure()
    assert bundled(closure) == {
        "Msvcp140.dll": "windows/Msvcp140.dll",
        "vcruntime140_1.dll": "windows/vcruntime140_1.dll",
    }
    assert dict(asking(closure)) == {"Msvcp140.dll": (A, B), "vcruntime140_1.dll": ("Msvcp140.dll",)}
    assert needs_of(closure, B) == {RUNTIME: InBundle("Msvcp140.dll")}
    assert closure.images.keys() == {"Msvcp140.dll", "vcruntime140_1.dll"}


def test_without_a_windows_a_runtime_is_left_to_the_target(tmp_path: Path) -> None:
    closure = Source(tmp_path, {A: make_pe([RUNTIME])}).closure()
    assert needs_of(closure, A) == {RUNTIME: OnHost()}
    assert list(closure.facts.left_to_host) == [NeededBy(A, RUNTIME)]


def test_what_else_lies_in_system32_stays_there(tmp_path: Path) -> None:
    """Whether Windows or a driver put it there is not known."""
    closure = Source(tmp_path, {A: make_pe(["vendor.dll"])}, windows={"vendor.dll": leaf("v")}).closure()
    assert (needs_of(closure, A), closure.facts.bundled) == ({"vendor.dll": OnHost()}, ())


def test_what_lies_beside_the_source_s_python_comes_along(tmp_path: Path) -> None:
    closure = Source(tmp_path, {A: make_pe(["vendor.dll"])}, beside={"vendor.dll": leaf("v")}).closure()
    assert bundled(closure) == {"vendor.dll": "beside/vendor.dll"}


def test_what_windows_knows_is_its_own_even_where_a_package_brings_one(tmp_path: Path) -> None:
    closure = Source(tmp_path, {A: make_pe(["ucrtbase.dll"]), f"{SITE}/a/ucrtbase.dll": leaf("u")}).closure()
    assert needs_of(closure, A) == {"ucrtbase.dll": OnHost()}


def test_a_package_s_own_copy_of_another_part_of_windows_wins(tmp_path: Path) -> None:
    files = {A: make_pe(["dbghelp.dll", "opengl32.dll"]), f"{SITE}/a/dbghelp.dll": leaf("d")}
    assert needs_of(Source(tmp_path, files).closure(), A) == {
        "dbghelp.dll": InBundle(f"{SITE}/a/dbghelp.dll"),
        "opengl32.dll": OnHost(),
    }


def test_a_dll_of_the_same_distribution_that_no_search_finds_is_loaded_by_it_beforehand(tmp_path: Path) -> None:
    """torch/lib, numpy/.libs: and it is not taken from System32, which would win."""
    files = {A: make_pe([RUNTIME, "x.dll"]), f"{SITE}/a/lib/{RUNTIME}": leaf("m"), f"{SITE}/a/lib/x.dll": leaf("x")}
    closure = Source(tmp_path, files, windows={RUNTIME: leaf("other")}).closure()
    assert closure.facts.bundled == ()
    assert needs_of(closure, A) == {
        RUNTIME: Preloaded(f"{SITE}/a/lib/{RUNTIME}"),
        "x.dll": Preloaded(f"{SITE}/a/lib/x.dll"),
    }


def test_what_that_asks_for_is_looked_for_beside_it(tmp_path: Path) -> None:
    files = {A: make_pe(["x.dll"]), f"{SITE}/a/lib/x.dll": make_pe(["y.dll"]), f"{SITE}/a/lib/y.dll": leaf("y")}
    assert needs_of(Source(tmp_path, files).closure(), f"{SITE}/a/lib/x.dll") == {
        "y.dll": InBundle(f"{SITE}/a/lib/y.dll")
    }


def test_a_program_of_a_package_is_started_where_it_finds_the_package_s_dlls(tmp_path: Path) -> None:
    tool = f"{SITE}/a/bin/tool.exe"
    files = {tool: make_pe([RUNTIME], dll=False), f"{SITE}/a/lib/{RUNTIME}": leaf("m")}
    assert needs_of(Source(tmp_path, files).closure(), tool) == {RUNTIME: Preloaded(f"{SITE}/a/lib/{RUNTIME}")}


def test_so_is_a_dll_of_another_distribution_but_for_a_runtime(tmp_path: Path) -> None:
    """pywin32's pywintypes is one; a runtime may come from anywhere."""
    files = {A: make_pe(["x.dll", RUNTIME]), f"{SITE}/b/x.dll": leaf("x"), f"{SITE}/b/{RUNTIME}": leaf("m")}
    closure = Source(tmp_path, files).closure()
    assert needs_of(closure, A) == {"x.dll": Preloaded(f"{SITE}/b/x.dll"), RUNTIME: OnHost()}


def test_what_is_found_nowhere_is_missing_and_absent_where_it_is_asked_for_late(tmp_path: Path) -> None:
    closure = Source(tmp_path, {A: make_pe(["x.dll"], ["y.dll"], forwarded=["z.f"])}).closure()
    assert needs_of(closure, A) == {"x.dll": Missing()}
    assert closure.absent == (NeededBy(A, "y.dll"),)


def test_names_that_the_user_leaves_to_windows_stay(tmp_path: Path) -> None:
    files = {A: make_pe([RUNTIME, "x.dll"]), f"{SITE}/a/x.dll": leaf("x")}
    source = Source(tmp_path, files, {RUNTIME: leaf("m")}, excluded=frozenset({"MSVCP140.DLL", "x", "never.dll"}))
    closure = source.closure()
    assert needs_of(closure, A) == {RUNTIME: OnHost(), "x.dll": OnHost()}
    assert closure.facts.bundled == ()
    assert closure.facts.host == (RUNTIME, "never.dll", "x.dll")


def test_what_the_user_names_comes_along_with_what_it_needs(tmp_path: Path) -> None:
    windows = {"vendor.dll": make_pe([RUNTIME]), RUNTIME: leaf("m")}
    closure = Source(tmp_path, {}, windows, included=("vendor.dll",)).closure()
    assert bundled(closure) == {"vendor.dll": "windows/vendor.dll", RUNTIME: f"windows/{RUNTIME}"}
    assert dict(asking(closure))["vendor.dll"] == ()


def test_a_program_in_another_folder_gets_the_runtime_in_its_own(tmp_path: Path) -> None:
    """It does not look beside Python."""
    files = {
        "Scripts/tool.exe": make_pe(["vcruntime140.dll", "kernel32.dll"], dll=False),
        "vcruntime140.dll": leaf("v"),
    }
    closure = Source(tmp_path, files, beside={"vcruntime140.dll": leaf("v")}).closure()
    assert bundled(closure) == {"Scripts/vcruntime140.dll": "beside/vcruntime140.dll"}
    assert needs_of(closure, "Scripts/tool.exe")["vcruntime140.dll"] == InBundle("Scripts/vcruntime140.dll")


def test_it_gets_no_copy_of_python(tmp_path: Path) -> None:
    """pywin32's service is one: it finds Python by the registry or PATH."""
    files = {"Scripts/tool.exe": make_pe([LIBPYTHON], dll=False)}
    closure = Source(tmp_path, files, beside={LIBPYTHON: leaf("p")}).closure()
    assert closure.facts.bundled == ()
    assert needs_of(closure, "Scripts/tool.exe") == {LIBPYTHON: Preloaded(LIBPYTHON)}


def test_what_a_package_has_loaded_comes_before_what_is_taken_from_windows(tmp_path: Path) -> None:
    """A plugin is opened when its package has its DLLs: it does not need those of System32, nor what these ask for."""
    p = f"{SITE}/p"
    files = {**CONFLICT, B: make_pe(["msvcp140_1.dll"])}
    files |= {f"{p}/_p.pyd": make_pe(["msvcp140_1.dll"]), f"{p}/plugins/q.dll": make_pe(["msvcp140_1.dll"])}
    files[f"{p}/msvcp140_1.dll"] = leaf("of p")
    windows = {"msvcp140_1.dll": make_pe([RUNTIME]), RUNTIME: leaf("old")}
    closure = Source(tmp_path, files, windows, added=ADDED).closure()
    assert bundled(closure) == {"msvcp140_1.dll": "windows/msvcp140_1.dll", f"{SITE}/b/{RUNTIME}": f"windows/{RUNTIME}"}
    assert needs_of(closure, f"{p}/plugins/q.dll") == {"msvcp140_1.dll": Preloaded(f"{p}/msvcp140_1.dll")}


def test_of_what_windows_has_its_own_is_taken_where_no_search_finds_the_package_s(tmp_path: Path) -> None:
    files = {A: make_pe(["dbghelp.dll"]), f"{SITE}/a/tools/dbghelp.dll": leaf("d")}
    assert needs_of(Source(tmp_path, files).closure(), A) == {"dbghelp.dll": OnHost()}


# A runtime of a's own in a folder that a adds; b gets the one of System32. Beside Python that would win for a, too.
CONFLICT = {A: make_pe([RUNTIME]), f"{SITE}/a.libs/{RUNTIME}": leaf("new"), B: make_pe(["Msvcp140.dll"])}
ADDED: dict[str, tuple[str, ...]] = {"a": (f"{SITE}/a.libs",)}


def test_a_runtime_that_would_win_over_a_package_s_own_goes_beside_the_module_that_asks(tmp_path: Path) -> None:
    closure = Source(tmp_path, CONFLICT, {RUNTIME: leaf("old")}, added=ADDED).closure()
    assert bundled(closure) == {f"{SITE}/b/{RUNTIME}": f"windows/{RUNTIME}"}
    assert needs_of(closure, A) == {RUNTIME: InBundle(f"{SITE}/a.libs/{RUNTIME}")}
    assert needs_of(closure, B) == {RUNTIME: InBundle(f"{SITE}/b/{RUNTIME}")}
    assert closure.renames == {}
    assert closure.clashes == (Clash(RUNTIME, f"{SITE}/a.libs/{RUNTIME}", f"{SITE}/b/{RUNTIME}"),)


def test_where_it_is_the_same_file_it_goes_beside_python(tmp_path: Path) -> None:
    closure = Source(tmp_path, CONFLICT, {RUNTIME: leaf("new")}, added=ADDED).closure()
    assert bundled(closure) == {RUNTIME: f"windows/{RUNTIME}"}
    assert closure.clashes == ()


def test_it_gets_a_name_of_its_own_where_the_one_that_asks_lies_in_a_folder_that_is_added(tmp_path: Path) -> None:
    q = f"{SITE}/a.libs/q.dll"
    files = {A: CONFLICT[A], f"{SITE}/a.libs/{RUNTIME}": leaf("new"), q: make_pe(["vcomp140.dll"])}
    files[f"{SITE}/a.libs/r.pyd"] = make_pe(["vcomp140.dll"])
    files[f"{SITE}/c/_c.pyd"] = make_pe(["vcomp140.dll"])
    files[f"{SITE}/c.libs/vcomp140.dll"] = leaf("own")
    old = leaf("old")
    closure = Source(tmp_path, files, {"vcomp140.dll": old}, added={**ADDED, "c": (f"{SITE}/c.libs",)}).closure()
    own = f"vcomp140-{hashlib.sha256(old).hexdigest()[:8]}.dll"
    assert bundled(closure) == {own: "windows/vcomp140.dll"}
    assert closure.renames == {q: {"vcomp140.dll": own}, f"{SITE}/a.libs/r.pyd": {"vcomp140.dll": own}}
    assert needs_of(closure, q) == {"vcomp140.dll": InBundle(own)}
    assert needs_of(closure, f"{SITE}/c/_c.pyd") == {"vcomp140.dll": InBundle(f"{SITE}/c.libs/vcomp140.dll")}


def test_two_dlls_of_one_name_are_a_clash_where_they_differ(tmp_path: Path) -> None:
    files = {A: make_pe(["x.dll"]), B: make_pe(["X.dll"]), f"{SITE}/a/x.dll": leaf("1"), f"{SITE}/b/x.dll": leaf("2")}
    assert Source(tmp_path / "1", files).closure().clashes == (Clash("x.dll", f"{SITE}/a/x.dll", f"{SITE}/b/x.dll"),)
    assert Source(tmp_path / "2", {**files, f"{SITE}/b/x.dll": leaf("1")}).closure().clashes == ()


def test_a_runtime_that_a_package_loads_by_itself_is_not_in_the_way_either(tmp_path: Path) -> None:
    """It lies in a folder that nobody is known to add, and its package is the one that finds it."""
    files = {A: make_pe([RUNTIME]), f"{SITE}/a/lib/{RUNTIME}": leaf("new"), B: make_pe([RUNTIME])}
    closure = Source(tmp_path, files, {RUNTIME: leaf("old")}).closure()
    assert bundled(closure) == {f"{SITE}/b/{RUNTIME}": f"windows/{RUNTIME}"}
    assert closure.clashes == (Clash(RUNTIME, f"{SITE}/a/lib/{RUNTIME}", f"{SITE}/b/{RUNTIME}"),)


def test_dlls_of_different_programs_are_no_clash(tmp_path: Path) -> None:
    files = {A: make_pe(["x.dll"]), "x.dll": leaf("1")}
    files |= {"tool/tool.exe": make_pe(["x.dll"], dll=False), "tool/x.dll": leaf("2")}
    assert Source(tmp_path, files).closure().clashes == ()


def test_what_one_way_finds_counts_though_another_does_not(tmp_path: Path) -> None:
    """q.dll is brought by both modules, and z.dll lies beside one of them."""
    libs, c = f"{SITE}/q.libs", f"{SITE}/c/_c.pyd"
    files = {
        A: make_pe(["q.dll"]),
        c: make_pe(["q.dll"]),
        f"{libs}/q.dll": make_pe(["z.dll"]),
        f"{SITE}/a/z.dll": leaf("z"),
    }
    closure = Source(tmp_path, files, added={"a": (libs,), "c": (libs,)}).closure()
    assert needs_of(closure, f"{libs}/q.dll") == {"z.dll": InBundle(f"{SITE}/a/z.dll")}

"""Each fault says what to do about it, in the report for a person as in JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from bundler.audit import AuditReport, Fault, FaultKind
from bundler.audit.comparison import failures
from bundler.systems.libraries import BundledLibrary, InBundle, LibraryFacts
from bundler.systems.openers import openers
from tests.binaries.elf.programs import compile_c


def fault(path: str, hint: str) -> Fault:
    return Fault(FaultKind.LIBRARY, path, "is not right", hint)


def test_what_to_do_stands_once_below_the_faults_that_ask_for_it() -> None:
    report = AuditReport((fault("a", "mend it"), fault("b", "mend it"), fault("c", "leave it")), 3)
    assert list(report.lines(verbose=False)) == [
        "fault: a: is not right",
        "fault: b: is not right",
        "  hint: mend it",
        "fault: c: is not right",
        "  hint: leave it",
        "verified 3 files: 3 faults",
    ]
    assert [item["hint"] for item in json.loads(json.dumps(report.to_dict()))["faults"]] == [
        "mend it",
        "mend it",
        "leave it",
    ]


def test_of_many_faults_the_first_are_shown_with_their_hint() -> None:
    many = AuditReport(tuple(fault(str(number), "mend it") for number in range(40)), 40)
    lines = list(many.lines(verbose=False))
    assert lines[-3:] == ["  hint: mend it", "… and 30 more faults (-v lists them)", "verified 40 files: 40 faults"]
    assert len(list(many.lines(verbose=True))) == 42


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        ("ImportError: libfar.so.1: cannot open shared object file: No such file or directory", "--include-lib libfar.so.1"),
        (
            "ImportError: Error loading shared library libfar.so.1: No such file or directory (needed by /opt/app/lib/a.so)",
            "--include-lib libfar.so.1",
        ),
        ("OSError: /opt/far/libfar.so: cannot open shared object file: No such file", "--exclude-lib libfar.so"),
        ("ModuleNotFoundError: No module named 'far'", "--include takes back"),
        ("RuntimeError: no such device", "bin/python -c 'import far.away'"),
    ],
)  # fmt: skip
def test_what_to_do_about_an_import_goes_by_what_it_said(error: str, hint: str) -> None:
    (found,) = failures({}, {"far.away": error})
    assert hint in found.hint


def test_the_library_that_opens_a_plugin_is_known_by_the_path_in_it(tmp_path: Path) -> None:
    """Joined at run time, as OpenSSL does, or whole; a longer path that begins alike is another one."""
    plugin = tmp_path / "plugins/one.so"
    sources = {
        "libjoins.so.1": str(plugin.parent),
        "libslash.so.1": f"{plugin.parent}/",
        "libwhole.so.1": str(plugin),
        "libother.so.1": f"{plugin.parent}/other",
    }
    libraries = []
    for name, text in sources.items():
        made = compile_c(f'const char *const place = "{text}";', tmp_path / name, "-shared", "-fPIC")
        libraries.append(BundledLibrary(f"lib/bundled/{name}", str(made), (), ()))
    (tmp_path / "empty").touch()
    libraries.append(BundledLibrary("lib/bundled/empty", str(tmp_path / "empty"), (), ()))

    def found(*more: BundledLibrary, needs: Mapping[str, Mapping[str, InBundle]] = MappingProxyType({})) -> list[str]:
        return [library.path for library in openers(str(plugin), LibraryFacts((*libraries, *more), needs, ()))]

    all_three = ["lib/bundled/libjoins.so.1", "lib/bundled/libslash.so.1", "lib/bundled/libwhole.so.1"]
    assert found() == all_three
    assert list(openers("package.Finder", LibraryFacts(tuple(libraries), {}, ()))) == [], "a fault may name a module"
    # What was opened comes along as if the interpreter asked for it; no header does.
    assert found(BundledLibrary("lib/bundled/one.so", str(plugin), (), ("bin/python3",))) == all_three
    near = BundledLibrary("lib/bundled/libnear.so.1", str(plugin.parent / "libnear.so.1"), (), ("lib/x.so",))
    asked = {"lib/x.so": {"libnear.so.1": InBundle(near.path)}}
    assert found(near, needs=asked) == ["lib/bundled/libwhole.so.1"], "a folder of libraries is nobody's plugin folder"

"""What a pack says to a person: what was made, what it needs, what to do; and facts for who asks."""

from __future__ import annotations

import dataclasses

import pytest

from bundler.audit import AuditReport, Fault, FaultKind, LeakReport, RunReport
from bundler.audit.cage import CageKind
from bundler.ceiling import NO_CEILING, Ceiling, Demand
from bundler.companions import CompanionFact, CompiledInPath
from bundler.floor import Floor
from bundler.manifest import ChangedFile, FileFact, LibraryFact, Manifest, OpenedFact, PythonFacts, RecordedOptions
from bundler.options import Profile
from bundler.plan.parts import Saving
from bundler.report import PackReport
from bundler.report_lines import as_lines
from bundler.sinks import Updated
from tests.material.schemes import POSIX_312

PYTHON = PythonFacts("3.12.1", POSIX_312, "lib/libpython3.12.so.1.0", (), (".so",))
MANIFEST = Manifest("1", PYTHON, "x86_64", None, (), {}, libc="glibc")


def lines(**facts: object) -> list[str]:
    """The report of a bundle with these facts, without its first line."""
    manifest = dataclasses.replace(MANIFEST, **facts)  # type: ignore[arg-type]
    made = PackReport("app", "directory", manifest, 0, (), 0, 0, None, None)
    return [*as_lines(made, verbose=False)][1:]


def test_a_bundle_that_asks_for_nothing_says_nothing() -> None:
    assert lines(ceiling=NO_CEILING) == []


@pytest.mark.parametrize(
    ("ceiling", "words"),
    [
        (Ceiling(executable_stacks=("a.so",)), "glibc 2.41 and later refuse to open a.so: it asks for"),
        (Ceiling(executable_stacks=("a.so", "b.so")), "refuse to open a.so, b.so: each asks for"),
        (Ceiling(unmarked_stacks=("a.so",)), "refuse to open a.so: no PT_GNU_STACK"),
        (Ceiling(cpu_level=Demand("x86-64-v3", "a.so")), "needs a processor of the level x86-64-v3 or higher (a.so)"),
        (Ceiling(unknown_versions=(Demand("GLIBC_ABI_X", "a.so"),)), "needs a libc with GLIBC_ABI_X (a.so)"),
        (Ceiling(text_relocations=("a.so",)), "refuse a.so: text relocations"),
        (Ceiling(writable_code=("a.so",)), "refuse a.so: memory to write to and execute"),
    ],
)
def test_each_demand_is_a_line_with_its_file(ceiling: Ceiling, words: str) -> None:
    (line,) = lines(ceiling=ceiling)
    assert words in line


@pytest.mark.parametrize("path", [PYTHON.executable, PYTHON.library])
def test_what_is_loaded_at_the_start_is_not_refused_and_makes_all_stacks_executable(path: str) -> None:
    for ceiling in (Ceiling(executable_stacks=("a.so", path)), Ceiling(("a.so",), (path,))):
        (line,) = lines(ceiling=ceiling)
        assert line.startswith(f"all processes have an executable stack: {path} asks for it")


def test_what_is_suggested_and_stays_behind_is_told_once() -> None:
    fact = OpenedFact("a.so", ("libx.so.1",), "suggested", "", "left out")
    others = [dataclasses.replace(fact, outcome=outcome) for outcome in ("missing", "bundled", "left to the host")]
    (line,) = lines(opened=(fact, fact, *others))
    assert line == "note: a.so may open libx.so.1, which it only suggests (--include-lib libx.so.1 takes it along)"


def test_folders_that_libraries_look_into_and_that_stay_behind_are_one_line() -> None:
    behind = [CompiledInPath(f"lib/bundled/lib{name}.so.1", f"/usr/share/{name}", 7) for name in ("a", "b", "c", "d")]
    (line,) = lines(compiled_in=tuple(behind))
    assert "liba.so.1 in /usr/share/a, libb.so.1 in /usr/share/b, libc.so.1 in /usr/share/c and 1 more" in line
    assert lines(companions=(CompanionFact("lib/a.so", "lib/p", "host:/p", 2, "plugins", "all", "a constant"),)) == []


def made(**facts: object) -> PackReport:
    """The report of a proved bundle of 100 MB."""
    site, stdlib = "lib/python3.12/site-packages", POSIX_312.stdlib
    sizes = {
        f"{site}/numpy/core.so": 30, f"{site}/numpy.libs/blas.so": 10, f"{site}/numpy-2.1.dist-info/RECORD": 0,
        f"{stdlib}/os.py": 20, "lib/libpython3.12.so.1.0": 25, "lib/bundled/libssl.so.3": 10, "share/data": 4,
    }  # fmt: skip
    files = {path: FileFact("00", size * 10**6) for path, size in sizes.items()}
    python = dataclasses.replace(PYTHON, site_packages=(site,))
    manifest = dataclasses.replace(
        MANIFEST,
        python=python,
        files=files,
        floor=Floor("glibc", (2, 34), "bin/python3.12", "GLIBC_2.34"),
        changed=(ChangedFile("bin/app", "env:bin/app", "finds the bundle"),),
        bundled=(LibraryFact("lib/bundled/libssl.so.3", "host:x", ("lib/_ssl.so",)),),
        import_failures={"odd": "ImportError: no"},
    )
    report = PackReport(
        out="/srv/app",
        format="directory",
        manifest=manifest,
        size=100 * 10**6,
        warnings=(),
        modules_without_pyc=3,
        shared_files=2,
        audit=AuditReport((), 7, run=RunReport(5, {}, (), CageKind.HIDDEN, compared=True)),
        leaks=LeakReport((), ("a.pyc",), ("b.so",)),
        notes=("a note on what was left out",),
        started_by=("bin/shop",),
        savings=(Saving(Profile.RUNTIME, 300_000), Saving(Profile.SLIM, 12_400_000)),
    )
    return dataclasses.replace(report, **facts)  # type: ignore[arg-type]


FACTS = (
    "changed bin/app", "took 1 shared libraries", "2 files share their bytes", "1 modules fail to import", "a note on",
    "compiled modules that name the source's path, for tracebacks only: 1", "  b.so", "3 modules have no compiled form",
    "verified 7 files and imported 5 modules, the source hidden",
)  # fmt: skip


def test_a_person_is_told_in_four_lines_what_there_is_to_know() -> None:
    assert list(as_lines(made(), verbose=False)) == [
        "wrote /srv/app (directory): 7 files, 100.0 MB, Python 3.12.1; verified, no faults",
        "start it with /srv/app/bin/shop",
        "needs glibc 2.34 or later (GLIBC_2.34 in bin/python3.12)",
        "100 MB: numpy 40, libpython 25, standard library 20, host libraries 10, share 4, others 1; --profile slim saves 12 MB",
    ]


@pytest.mark.parametrize("fact", FACTS)
def test_facts_are_for_who_asks(fact: str) -> None:
    assert not [line for line in as_lines(made(), verbose=False) if line.startswith(fact)]
    assert [line for line in as_lines(made(), verbose=True) if line.startswith(fact)]


def test_an_update_that_changed_nothing_says_so_and_no_more() -> None:
    same = made(updated=Updated(0, 0), modules_without_pyc=900)
    first = "updated: 0 paths written, /srv/app is as it was; verified, no faults"
    assert list(as_lines(same, verbose=False)) == [first]
    assert len(list(as_lines(same, verbose=True))) > 10
    fault = Fault(FaultKind.SCRIPT, "bin/x", "is wrong", "mend it")
    worse = dataclasses.replace(same, warnings=("beware",), audit=AuditReport((fault,), 7))
    assert list(as_lines(worse, verbose=False)) == [
        first.replace("no faults", "1 fault"),
        "warning: beware",
        "fault: bin/x: is wrong",
        "  hint: mend it",
        "verified 7 files: 1 fault",
    ]
    changed = as_lines(dataclasses.replace(same, updated=Updated(1, 2)), verbose=False)
    assert next(changed).startswith("updated: 1 path written, 2 removed, in /srv/app (directory): 7 files")
    assert len(list(changed)) == 4


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        ({"started_by": tuple("abcde")}, "start it with /srv/app/a, /srv/app/b, /srv/app/c and 2 more"),
        ({"out": None}, "start it with bin/shop"),
        ({"format": "tar.gz"}, "start it: unpack /srv/app anywhere, then bin/shop"),
        ({"format": "zip", "top": "app-1.0"}, "start it: unpack /srv/app anywhere, then app-1.0/bin/shop"),
        ({"format": "run"}, "start it: sh /srv/app --target DIR, then bin/shop"),
        ({"format": "oci.tar"}, "start it: podman load -i /srv/app"),
    ],
)  # fmt: skip
def test_it_is_said_how_a_bundle_is_started(facts: dict[str, object], line: str) -> None:
    assert line in as_lines(made(**facts), verbose=False)


def test_what_was_not_written_or_not_proved_is_told() -> None:
    words = [
        next(as_lines(made(**facts), verbose=False))
        for facts in ({"audit": None}, {"audit": None, "out": None}, {"out": None})
    ]
    facts = "7 files, 100.0 MB, Python 3.12.1"
    assert words == [
        f"wrote /srv/app (directory): {facts}; not verified",
        f"wrote nothing (a dry run): {facts}",
        f"wrote nothing (the environment stays as it is): {facts}; no faults",
    ]


def test_a_start_that_is_slow_has_a_cure() -> None:
    slow = made(modules_without_pyc=50)
    assert any("--pyc compile" in line for line in as_lines(slow, verbose=False))
    asked_for = dataclasses.replace(slow.manifest, options=RecordedOptions({"pyc": "none"}))
    assert not any("--pyc" in line for line in as_lines(dataclasses.replace(slow, manifest=asked_for), verbose=True))


def test_what_cannot_compile_here_is_told_to_do_so_on_its_own_machine() -> None:
    told = "\n".join(as_lines(made(modules_without_pyc=50, can_compile=False), verbose=False))
    assert "-m compileall --invalidation-mode unchecked-hash" in told
    assert "--pyc" not in told


def test_the_parts_of_an_archive_are_those_of_what_is_unpacked() -> None:
    (line,) = (line for line in as_lines(made(format="tar.gz", size=10**7), verbose=False) if "numpy" in line)
    assert line.startswith("unpacked 99 MB: numpy 40, ")
    assert line.endswith("share 4; --profile slim saves 12 MB")


def test_one_file_that_alone_raises_the_floor_is_told_with_what_would_do_without_it() -> None:
    floor = Floor("glibc", (2, 36), "lib/bundled/libcrypt.so.1", "GLIBC_2.36", (2, 34))
    (line,) = lines(floor=floor, bundled=(LibraryFact(floor.file, "host:x", ("lib/_crypt.so",)),))
    assert line == (
        "needs glibc 2.36 or later, for lib/bundled/libcrypt.so.1 alone (GLIBC_2.36), which _crypt.so needs; without it 2.34 "
        "(--exclude-lib libcrypt.so.1 leaves it to the target's own)"
    )
    (line,) = lines(floor=dataclasses.replace(floor, file="lib/x.so"))
    assert line == "needs glibc 2.36 or later, for lib/x.so alone (GLIBC_2.36); without it 2.34"


def test_a_libc_is_told_where_no_file_asks_for_a_release_of_it() -> None:
    assert list(lines(floor=None, libc="musl")) == ["needs musl"]
    assert list(lines(floor=None, libc="musl", loader="lib/bundled/ld-musl-x86_64.so.1")) == []
    (line,) = lines(floor=Floor("musl", (1, 2, 4), "lib/x.so", "DT_RELR"), libc="musl")
    assert line == "needs musl 1.2.4 or later (DT_RELR in lib/x.so)"


def test_texts_that_name_the_source_are_told_by_name() -> None:
    (line,) = (
        line
        for line in as_lines(made(leaks=LeakReport(("etc/a.ini", "b"))), verbose=False)
        if "path of the source" in line
    )
    assert line.endswith(": etc/a.ini, b")

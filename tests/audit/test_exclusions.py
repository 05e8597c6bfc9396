"""A library that is left to the host, and that nothing asks for, is told."""

from __future__ import annotations

from bundler.audit.exclusions import unmet
from bundler.systems.libraries import InBundle, LibraryFacts, NotedLibrary, OnHost, Outcome

FACTS = LibraryFacts(
    (),
    {"lib/a.so": {"libz.so.1": OnHost(), "@rpath/libb.dylib": InBundle("lib/libb.dylib")}},
    ("libz.so.1",),
    (NotedLibrary("lib/a.so", ("libmagic.so.2", "libmagic.so.1"), "required", "", Outcome.HOST),),
)


def test_what_a_header_a_note_or_a_process_asks_for_is_met() -> None:
    met = ("libz.so.1", "libz.so", "libz*", "libb.dylib", "libmagic.so.1", "libfribidi.so.0")
    assert unmet(met, FACTS, ["/usr/lib/libfribidi.so.0.4.0"]) == []


def test_what_nothing_asks_for_is_told_once() -> None:
    (line,) = unmet(("libfoo.so", "libz.so.1", "libfoo.so"), FACTS, [])
    assert line == "--exclude-lib libfoo.so: nothing asks for a library of that name"
    assert unmet(("libz.so.2", "lib", "bz.so.1"), FACTS, []) != []


def test_without_an_audit_it_is_said_what_nobody_saw() -> None:
    (line,) = unmet(("libfribidi.so.0",), FACTS, None)
    assert "only the audit sees" in line

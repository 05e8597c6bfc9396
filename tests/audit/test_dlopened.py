"""Which libraries come along because modules open them: what an audit saw puts a guess right, what it could not see does not."""

from __future__ import annotations

from collections.abc import Mapping

from bundler.audit.against_source import Proof
from bundler.audit.cage import CageKind
from bundler.audit.dlopened import DlopenedLibraries, found_dlopened
from bundler.audit.observation import Observation, libraries_of
from bundler.audit.reports import AuditReport, LeakReport, RunReport
from bundler.systems.libraries import LibraryFacts

GUESS = DlopenedLibraries({"/opt/libold.so.1": "libold.so.1"}, guessed=True)
NOTHING = LibraryFacts((), {}, ())


def proof(bundled: frozenset[str] | None, lacking: Mapping[str, str] | None = None) -> Proof:
    run = RunReport(1, {}, (), CageKind.HIDDEN, compared=True, bundled=bundled)
    return Proof(AuditReport((), 1, run=run), LeakReport(), {}, lacking or {})


def test_a_guess_that_nothing_opens_goes_and_what_lacks_comes() -> None:
    found = found_dlopened(proof(frozenset(), {"/opt/libnew.so.1": "libnew.so.1"}), NOTHING, GUESS, ())
    assert found == DlopenedLibraries({"/opt/libnew.so.1": "libnew.so.1"}, guessed=False)


def test_a_guess_stays_where_nobody_tells_what_was_opened() -> None:
    assert found_dlopened(proof(None), NOTHING, GUESS, ()) is None


def test_what_one_process_does_not_tell_another_one_does() -> None:
    blind, seen = Observation("one"), Observation("two", libraries=frozenset({"/lib/liba.so.1"}))
    assert libraries_of([blind]) is None
    assert libraries_of([blind, seen]) == frozenset({"/lib/liba.so.1"})

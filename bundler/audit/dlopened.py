"""Libraries that modules open at run time (`dlopen`): no header tells of them, the run check sees them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from bundler.audit.against_source import Proof
from bundler.audit.reports import RunReport
from bundler.machine import os
from bundler.systems import System
from bundler.systems.libraries import InBundle, LibraryFacts, is_listed


@dataclass(frozen=True, slots=True)
class DlopenedLibraries:
    """Libraries of this machine that modules open: their sonames, by path."""

    sonames: Mapping[str, str]
    guessed: bool
    """Whether this is what an earlier pack knew, and not what an audit of this one found."""

    def notes(self, run: RunReport | None) -> list[str]:
        """A sentence on each, but for those that the run check did not see used: they are opened by their whole paths."""
        told = None if run is None else run.bundled
        used = self.sonames.values() if told is None else {os.path.basename(path) for path in told}
        return [
            f"{path} came along: a module opens it at run time (--exclude-lib {soname} leaves it to the host)"
            for path, soname in self.sonames.items()
            if soname in used
        ]


def guess_dlopened(known: Mapping[str, str], excluded: Collection[str], system: System) -> DlopenedLibraries:
    """Of the libraries that an earlier pack knew, those that are still there and that nobody leaves to the host (`excluded`)."""
    here = {
        path: name
        for path, name in known.items()
        if not is_listed(name, excluded)
        and not system.belongs_to_host(path)
        and (library := system.opened_library(path)) is not None
        and library.soname == name
    }
    return DlopenedLibraries(here, guessed=True)


def found_dlopened(
    proof: Proof,
    libraries: LibraryFacts,
    dlopened: DlopenedLibraries,
    included: Sequence[str],
) -> DlopenedLibraries | None:
    """The libraries that should have come along in place of those that were `dlopened`; None where it is these, or where
    nobody tells.

    A guess is put right in both ways: what is not opened any more goes, and so does what comes along in any case. Later one is only
    added to: what is opened by its whole path stays outside, and so does another file of the same name.
    """
    run = proof.audit.run
    if run is None or run.bundled is None:
        return None  # nobody tells what was loaded: the guess stays
    places = (where for needs in libraries.needs.values() for where in needs.values())
    needed = {where.path for where in places if isinstance(where, InBundle)}
    right = {
        library.source
        for library in libraries.bundled
        if library.path in run.bundled and needed.isdisjoint((library.path, *library.aliases))
    }
    if proof.loaded is not None:  # the source may have another file under that name by now
        right &= proof.loaded
    kept = {
        path: name for path, name in dlopened.sonames.items() if not dlopened.guessed or os.path.realpath(path) in right
    }
    new = {
        path: name
        for path, name in proof.lacking.items()
        if path not in kept and name not in kept.values() and path not in included
    }
    return None if {**kept, **new} == dlopened.sonames else DlopenedLibraries({**kept, **new}, guessed=False)

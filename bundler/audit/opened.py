"""Libraries that modules open at run time (`dlopen`): no header tells of them, the run check sees them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bundler.libraries.closure import Closure, Inside

if TYPE_CHECKING:
    from bundler.audit.proof import Proof
    from bundler.libraries.dylibs import DylibClosure


@dataclass(frozen=True, slots=True)
class OpenedLibraries:
    """Libraries of this machine that modules open: their sonames, by path."""

    sonames: Mapping[str, str]
    guessed: bool
    """Whether this is what an earlier pack knew, and not what an audit of this one found."""

    @property
    def notes(self) -> list[str]:
        """A sentence on each."""
        return [
            f"{path} came along: a module opens it at run time (--exclude-lib {soname} leaves it to the host)"
            for path, soname in self.sonames.items()
        ]


def found_opened(
    proof: Proof,
    closure: Closure | DylibClosure,
    opened: OpenedLibraries,
    included: Sequence[str],
) -> OpenedLibraries | None:
    """The libraries that should have come along in place of those that were `opened`; None where it is these.

    A guess is put right in both ways: what is not opened any more goes, and so does what comes along in any case. Later one is only
    added to: what is opened by its whole path stays outside.
    """
    run = proof.audit.run
    if run is None or not isinstance(closure, Closure):
        return None
    needed = {where.path for needs in closure.needs.values() for where in needs.values() if isinstance(where, Inside)}
    right = {
        library.source
        for library in closure.bundled
        if library.path in run.bundled and needed.isdisjoint((library.path, *library.aliases))
    }
    kept = {
        path: name for path, name in opened.sonames.items() if not opened.guessed or os.path.realpath(path) in right
    }
    new = {path: name for path, name in proof.opened.items() if path not in kept and path not in included}
    return None if {**kept, **new} == opened.sonames else OpenedLibraries({**kept, **new}, guessed=False)

"""Libraries that the user leaves to the host, and that nothing asks for: mostly a name that is misspelled."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from bundler.machine import os
from bundler.systems.libraries import LibraryFacts, is_listed


def unmet(
    patterns: Sequence[str], libraries: LibraryFacts, loaded: Collection[str] | None, opened: Collection[str] = ()
) -> list[str]:
    """A warning for each of `--exclude-lib` that fits nothing.

    `libraries` is what headers and notes ask for; `loaded` are the names of what the source's processes loaded in the
    audit, None where nobody looked; `opened` those of what traced commands did.
    """
    asked = {os.path.basename(name) for needs in libraries.needs.values() for name in needs}
    asked |= {name for noted in libraries.noted for name in noted.sonames}
    asked |= {os.path.basename(path) for path in (*(loaded or ()), *opened)}
    unknown = "" if loaded is not None else ", as far as headers tell: what opens one at run time only the audit sees"
    return [
        f"--exclude-lib {pattern}: nothing asks for a library of that name{unknown}"
        for pattern in dict.fromkeys(patterns)
        if not any(is_listed(name, [pattern]) for name in asked)
    ]

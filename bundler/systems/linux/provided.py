"""Whether the libraries that files find have the versions of symbols that these need: what the loader asks before it runs anything.

Source: glibc's elf/dl-version.c. A version that is needed weakly may be missing, and a library that defines none at all is taken as
it is. musl asks for none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from bundler.binaries.format import NeededVersion, SymbolVersions
from bundler.faults import Fault, FaultKind
from bundler.systems.libraries import InBundle, Location, UnprovidedVersion

_NAMED = 2


def unprovided(
    versions: Mapping[str, SymbolVersions],
    needs: Mapping[str, Mapping[str, Location]],
    follow: Callable[[str], str | None],
) -> Iterator[tuple[UnprovidedVersion, NeededVersion, str]]:
    """What libraries of the bundle do not have of what is needed of them, with the bundle path of the one that is found.

    `needs` tell where each file finds what it asks for; `follow` what a bundle path leads to.
    """
    for path, own in sorted(versions.items()):
        places = needs.get(path, {})
        for need in own.needed:
            location = places.get(need.library)
            if need.is_weak or not isinstance(location, InBundle):
                continue
            found = follow(location.path)
            provider = versions.get(found) if found is not None else None
            if found is not None and provider is not None and provider.defined and need.name not in provider.defined:
                yield UnprovidedVersion(path, need.library, need.name), need, found


def provision_faults(
    versions: Mapping[str, SymbolVersions],
    needs: Mapping[str, Mapping[str, Location]],
    follow: Callable[[str], str | None],
) -> Iterator[tuple[UnprovidedVersion, Fault]]:
    """The same as faults."""
    for missing, need, found in unprovided(versions, needs, follow):
        message = f"needs {shown(need)} of {need.library}, which {found} does not have"
        hint = (
            f"the two are not of one release: take the {need.library} that comes with the file along "
            f"(--include-lib PATH), or leave it to the target (--exclude-lib {need.library})"
        )
        yield missing, Fault(FaultKind.LIBRARY, missing.path, message, hint)


def shown(need: NeededVersion) -> str:
    """A version, with some of what it is needed for: `GLIBC_2.34 (pthread_create, dlsym and 3 more)`."""
    if not need.symbols:
        return need.name
    more = f" and {len(need.symbols) - _NAMED} more" if len(need.symbols) > _NAMED else ""
    return f"{need.name} ({', '.join(need.symbols[:_NAMED])}{more})"

"""Which distributions of a bundle require which: Requires-Dist, with its markers and extras read for the bundle's own Python."""

from __future__ import annotations

from typing import NamedTuple

from packaging.utils import canonicalize_name

from bundler.contents.model import Contents, Distribution
from bundler.sbom.requirements import RequirementGraph


class Requirement(NamedTuple):
    """What one distribution requires of another."""

    by: Distribution
    name: str
    """The one that is required, as names are compared (lower case, hyphens)."""
    text: str
    """What is required: `urllib3<3,>=1.21`."""
    extra: str = ""
    """The extra of `by` that asks for it; "" where it is always asked for."""


class Requirements:
    """Tells who requires a distribution. A requirement of an extra counts where somebody in the bundle asks for that extra."""

    def __init__(self, contents: Contents) -> None:
        self._distributions = {str(canonicalize_name(each.name)): each for each in contents.distributions}
        requires = {name: each.requires for name, each in self._distributions.items()}
        self._graph = RequirementGraph(requires, contents.manifest)
        self._by_required: dict[str, list[Requirement]] = {}
        for edge in self._graph.edges():
            requirement = Requirement(self._distributions[edge.by], edge.name, edge.text, edge.extra)
            self._by_required.setdefault(edge.name, []).append(requirement)

    def of(self, name: str) -> tuple[Requirement, ...]:
        """What requires the distribution of a name, each requirer once."""
        found: dict[str, Requirement] = {}
        for each in self._by_required.get(canonicalize_name(name), ()):
            known = found.get(each.by.name)
            if known is None or (known.extra and not each.extra):
                found[each.by.name] = each
        return tuple(found.values())

    def extras_for(self, name: str) -> tuple[str, ...]:
        """Extras of others (`requests[socks]`) that require it, and that nothing in the bundle asks for; a person may have."""
        key = canonicalize_name(name)
        found = []
        for by, distribution in self._distributions.items():
            for edge in self._graph.of(by, distribution.extras) if by != key else ():
                if edge.name == key and edge.extra:
                    found.append(f"{distribution.name}[{edge.extra}]")
        return tuple(dict.fromkeys(found))

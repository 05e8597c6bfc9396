"""Which distributions of a bundle require which: Requires-Dist, with its markers and extras read for the bundle's own Python."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from packaging.markers import UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Parsed
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion

from bundler.contents.model import Contents, Distribution
from bundler.sbom.requirements import marker_environment


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
        self._markers = marker_environment(contents.manifest)
        self._parsed = {name: tuple(_parsed(each.requires)) for name, each in self._distributions.items()}
        self._by_required: dict[str, list[Requirement]] = {}
        extras = self._extras()
        for name, distribution in self._distributions.items():
            for required in self._of(distribution, extras[name]):
                self._by_required.setdefault(required.name, []).append(required)

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
            for required in self._of(distribution, distribution.extras, key) if by != key else ():
                if required.extra:
                    found.append(f"{distribution.name}[{required.extra}]")
        return tuple(dict.fromkeys(found))

    def _extras(self) -> dict[str, frozenset[str]]:
        """The extras of each distribution that another one asks for; one may ask for others."""
        found = dict.fromkeys(self._distributions, frozenset[str]())
        left = deque(self._distributions)
        while left:
            name = left.popleft()
            for parsed in self._parsed[name]:
                asked = frozenset(map(str, map(canonicalize_name, parsed.extras)))
                required = canonicalize_name(parsed.name)
                is_new = required in found and not asked <= found[required]
                if is_new and self._counts(parsed, found[name]) is not None:
                    found[required] |= asked
                    left.append(required)
        return found

    def _of(self, distribution: Distribution, extras: Collection[str], of: str = "") -> Iterator[Requirement]:
        """What a distribution requires with some extras; only `of` one name, where it is given."""
        for parsed in self._parsed[canonicalize_name(distribution.name)]:
            extra = self._counts(parsed, extras) if of in ("", canonicalize_name(parsed.name)) else None
            if extra is not None:
                marks = f"[{','.join(sorted(parsed.extras))}]" if parsed.extras else ""
                text = f"{parsed.name}{marks}{parsed.specifier}"
                yield Requirement(distribution, canonicalize_name(parsed.name), text, extra)

    def _counts(self, parsed: Parsed, extras: Collection[str]) -> str | None:
        """The extra by which a requirement counts, "" where it needs none; None where it does not count."""
        if parsed.marker is None:
            return ""
        for extra in ("", *sorted(extras)):
            try:
                if parsed.marker.evaluate({**self._markers, "extra": extra}):
                    return extra
            except (UndefinedComparison, UndefinedEnvironmentName, InvalidVersion):
                return None
        return None


def _parsed(lines: Sequence[str]) -> Iterator[Parsed]:
    """The requirements that can be read; others are their authors' business."""
    for line in lines:
        try:
            yield Parsed(line)
        except (InvalidRequirement, RecursionError):
            continue

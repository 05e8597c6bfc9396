"""Which distributions of a bundle ask for which (the "Dependency specifiers" specification)."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from packaging.markers import UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Parsed
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion

from bundler.manifest import Manifest
from bundler.sbom.distributions import Installed

_OS_NAMES = {"win32": "nt"}
_SYSTEM_NAMES = {"linux": "Linux", "darwin": "Darwin", "win32": "Windows"}


class Asked(NamedTuple):
    """What one distribution asks of another; names are as they are compared (lower case, hyphens)."""

    by: str
    name: str
    text: str
    """What is asked for: `urllib3<3,>=1.21`."""
    extra: str = ""
    """The extra of `by` that asks for it; "" where it is always asked for."""


class RequirementGraph:
    """What distributions ask for. What an extra asks for counts where a distribution of the bundle asks for that extra: what was
    installed with an extra by hand is not known."""

    def __init__(self, requires: Mapping[str, Sequence[str]], manifest: Manifest) -> None:
        """`requires` are the lines of Requires-Dist of each distribution, by its name as names are compared."""
        self._markers = marker_environment(manifest)
        self._parsed = {name: tuple(_parsed(lines)) for name, lines in requires.items()}
        self._extras = self._asked_extras()

    def edges(self) -> Iterator[Asked]:
        """All that counts, requirer by requirer."""
        for name in self._parsed:
            yield from self.of(name, self._extras[name])

    def of(self, by: str, extras: Collection[str]) -> Iterator[Asked]:
        """What a distribution asks for, with some of its extras."""
        for parsed in self._parsed[by]:
            extra = self._counts(parsed, extras)
            if extra is not None:
                marks = f"[{','.join(sorted(parsed.extras))}]" if parsed.extras else ""
                yield Asked(by, canonicalize_name(parsed.name), f"{parsed.name}{marks}{parsed.specifier}", extra)

    def _asked_extras(self) -> dict[str, frozenset[str]]:
        """The extras of each distribution that another one asks for; one may ask for others."""
        found = dict.fromkeys(self._parsed, frozenset[str]())
        left = deque(self._parsed)
        while left:
            name = left.popleft()
            for parsed in self._parsed[name]:
                asked = frozenset(map(canonicalize_name, parsed.extras))
                required = canonicalize_name(parsed.name)
                is_new = required in found and not asked <= found[required]
                if is_new and self._counts(parsed, found[name]) is not None:
                    found[required] |= asked
                    left.append(required)
        return found

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


def required(installed: Sequence[Installed], refs: Sequence[str], manifest: Manifest) -> Iterator[tuple[str, str]]:
    """The `refs` of distributions that ask for another, and of that, where it is in the bundle."""
    by_name = {each.key: ref for each, ref in zip(installed, refs, strict=True)}
    graph = RequirementGraph({each.key: each.metadata.requires for each in installed}, manifest)
    edges = {(by_name[edge.by], by_name[edge.name]) for edge in graph.edges() if edge.name in by_name}
    yield from sorted(edge for edge in edges if edge[0] != edge[1])


def marker_environment(manifest: Manifest) -> dict[str, str]:
    """What markers are asked of: the bundle's Python and system, and not those of the machine that asks."""
    python = manifest.python
    release = ".".join(map(str, python.release))
    return {
        "implementation_name": python.implementation,
        "implementation_version": python.version,
        "os_name": _OS_NAMES.get(manifest.system, "posix"),
        "platform_machine": manifest.machine.partition("+")[0],
        "platform_python_implementation": {"cpython": "CPython"}.get(python.implementation, python.implementation),
        "platform_release": "",
        "platform_system": _SYSTEM_NAMES.get(manifest.system, manifest.system),
        "platform_version": "",
        "python_full_version": python.version,
        "python_version": release,
        "sys_platform": manifest.system,
    }


def _parsed(lines: Sequence[str]) -> Iterator[Parsed]:
    """The requirements that can be read; others are their authors' business."""
    for line in lines:
        try:
            yield Parsed(line)
        except (InvalidRequirement, RecursionError):
            continue

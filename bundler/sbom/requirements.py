"""Which distributions of a bundle ask for which (the "Dependency specifiers" specification)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from bundler.manifest import Manifest
from bundler.sbom.distributions import Installed, normalised

if TYPE_CHECKING:
    from packaging.requirements import Requirement

_OS_NAMES = {"win32": "nt"}
_SYSTEM_NAMES = {"linux": "Linux", "darwin": "Darwin", "win32": "Windows"}


def required(installed: Sequence[Installed], refs: Sequence[str], manifest: Manifest) -> Iterator[tuple[str, str]]:
    """The `refs` of distributions that ask for another, and of that, where it is in the bundle.

    What an extra asks for counts where that extra is asked for by another one: what was installed with an extra by hand is not
    known.
    """
    by_name = {each.key: ref for each, ref in zip(installed, refs, strict=True)}
    requirements = {each.key: list(_parsed(each)) for each in installed}
    extras: dict[str, set[str]] = {name: set() for name in by_name}
    environment = marker_environment(manifest)
    found: set[tuple[str, str]] = set()
    grown = True
    while grown:  # an extra may ask for others
        grown = False
        for name, asked in requirements.items():
            for requirement in asked:
                needed = normalised(requirement.name)
                if needed not in by_name or not _applies(requirement, environment, extras[name]):
                    continue
                found.add((by_name[name], by_name[needed]))
                if more := requirement.extras - extras[needed]:
                    extras[needed] |= more
                    grown = True
    yield from sorted(edge for edge in found if edge[0] != edge[1])


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


def _parsed(each: Installed) -> Iterator[Requirement]:
    """The requirements; what is none says nothing."""
    from packaging.requirements import InvalidRequirement, Requirement

    for text in each.metadata.requires:
        try:
            yield Requirement(text)
        except (InvalidRequirement, RecursionError):
            continue


def _applies(requirement: Requirement, environment: dict[str, str], extras: set[str]) -> bool:
    from packaging.markers import UndefinedComparison, UndefinedEnvironmentName
    from packaging.version import InvalidVersion

    if requirement.marker is None:
        return True
    try:
        return any(requirement.marker.evaluate({**environment, "extra": extra}) for extra in ("", *sorted(extras)))
    except (UndefinedComparison, UndefinedEnvironmentName, InvalidVersion):
        return False

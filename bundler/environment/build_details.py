"""`build-details.json` (PEP 739, CPython 3.14): what a Python says of itself to those who do not run it.

Debian's name for it has the ABI's flags and the machine between its dots: `build-details..x86_64-linux-gnu.json`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bundler.environment.facts import VersionInfo
from bundler.files import read_regular
from bundler.machine import os
from bundler.machine.failing import unless_failing
from bundler.parsing import parse_json
from bundler.sysroot import Sysroot

BUILD_DETAILS = "build-details*.json"
"""A pattern for its names."""


@dataclass(frozen=True, slots=True)
class BuildDetails:
    """What one file tells; a member that is missing, or of another type, is empty."""

    version_info: VersionInfo | None
    abiflags: str
    extension_suffixes: tuple[str, ...]


def read_build_details(stdlib: str, abiflags: str, root: Sysroot) -> BuildDetails | None:
    """What the file in a standard library says of the interpreter with these flags; None where there is none, or none of it."""
    found = (details for details in _all(stdlib, root) if details.abiflags == abiflags)
    return next(found, None)


def _all(stdlib: str, root: Sysroot) -> Iterator[BuildDetails]:
    prefix, suffix = BUILD_DETAILS.split("*")
    for name in root.names_in(stdlib):
        if name.startswith(prefix) and name.endswith(suffix):
            try:
                yield _details(parse_json(read_regular(root.real(os.path.join(stdlib, name)))))
            except (OSError, ValueError) as error:
                unless_failing(error, os.path.join(stdlib, name))
                continue


def _details(value: object) -> BuildDetails:
    suffixes = _texts(_member(value, "suffixes", "extensions"))
    flags = "".join(sorted(_texts(_member(value, "abi", "flags")), key="td".find))
    return BuildDetails(_version_info(_member(value, "implementation", "version")), flags, suffixes)


def _version_info(value: object) -> VersionInfo | None:
    numbers = [_member(value, name) for name in ("major", "minor", "micro", "serial")]
    level = _member(value, "releaselevel")
    if isinstance(level, str) and all(type(number) is int for number in numbers):
        major, minor, micro, serial = (number for number in numbers if isinstance(number, int))
        return VersionInfo(major, minor, micro, level, serial)
    return None


def _member(value: object, *names: str) -> object:
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _texts(value: object) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()

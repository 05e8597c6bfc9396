"""Prefixes of systems that more than Python lives in: a table, with a reason on each line."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from bundler.bundle_paths import lies_in


class PrefixKind(enum.Enum):
    """What a prefix means for a pack."""

    SYSTEM = "the system's own: it cannot be taken as a whole, and to name it gives nothing away"
    SHARED = "other software lives beside Python: only what belongs to Python is taken"
    PUBLIC = "nobody's home: a path in it may be told in bundle.json"


@dataclass(frozen=True, slots=True)
class Prefix:
    """One line of the table: an absolute path, as seen from inside the sysroot."""

    path: str
    kinds: frozenset[PrefixKind]


PREFIXES = (
    Prefix("/", frozenset({PrefixKind.SYSTEM})),  # a Python of the root itself
    Prefix("/usr", frozenset({PrefixKind.SYSTEM, PrefixKind.PUBLIC})),  # the distribution's Python
    Prefix("/usr/local", frozenset({PrefixKind.SHARED, PrefixKind.PUBLIC})),  # docker's python images, `make install`
    Prefix("/lib", frozenset({PrefixKind.PUBLIC})),  # the distribution's, before the merge with /usr
    Prefix("/lib32", frozenset({PrefixKind.PUBLIC})),
    Prefix("/lib64", frozenset({PrefixKind.PUBLIC})),
    Prefix("/libx32", frozenset({PrefixKind.PUBLIC})),
    Prefix("/opt", frozenset({PrefixKind.PUBLIC})),  # vendors' software, Homebrew
)

TCL_FOLDERS = (  # where folders `tclX.Y` with Tcl's scripts may lie, outside of Python's own prefix
    "/usr/share/tcltk",  # Debian
    "/usr/share",  # Fedora
    "/usr/lib",  # Arch, Alpine
    "/usr/local/lib",  # `make install`
)


def is_system_prefix(name: str) -> bool:
    """Whether the prefix of this name belongs to the system itself."""
    return any(prefix.path == name and PrefixKind.SYSTEM in prefix.kinds for prefix in PREFIXES)


def is_shared_prefix(name: str) -> bool:
    """Whether other software lives beside Python in the prefix of this name."""
    return any(prefix.path == name and PrefixKind.SHARED in prefix.kinds for prefix in PREFIXES)


def is_public(name: str) -> bool:
    """Whether the path of a file, as seen from inside the sysroot, tells nothing of its user."""
    return any(lies_in(name, prefix.path) for prefix in PREFIXES if PrefixKind.PUBLIC in prefix.kinds)

"""What the database of a machine's package manager tells of files: the package of each, its licence, and the texts of that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bundler.host_package import Copyleft, HostPackage


@dataclass(frozen=True, slots=True)
class PackagedFile:
    """A file of this machine that a package brought."""

    package: HostPackage
    licence: str = ""
    """An SPDX expression, or the words that the package has for it; "" where nothing tells."""
    copyleft: Copyleft = Copyleft.NO
    texts: Mapping[str, str] = field(default_factory=dict)
    """The licence texts: paths on this machine, by where they go below a folder for all packages (`libssl3/copyright`)."""


@dataclass(frozen=True, slots=True)
class Packaged:
    """What is known of some files."""

    files: Mapping[str, PackagedFile] = field(default_factory=dict)
    """By path. What no package brought is not there."""
    notes: tuple[str, ...] = ()
    """What a person should know: a database that cannot be read."""


NOTHING_PACKAGED = Packaged()

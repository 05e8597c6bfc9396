"""The package of a machine's package manager that a file came from."""

from __future__ import annotations

import enum
from typing import NamedTuple


class PackageKind(enum.Enum):
    """Package managers, by the types of package URLs."""

    DEB = "deb"
    RPM = "rpm"
    APK = "apk"


class Copyleft(enum.Enum):
    """Whether a library's licence covers what is shipped with it."""

    NO = ""
    PERHAPS = "perhaps"
    """Most of the source that it was built from is under such a licence; nothing says whether it is."""
    STRONG = "strong"


class HostPackage(NamedTuple):
    """A package, as the database of the packing machine has it."""

    kind: PackageKind
    name: str
    version: str
    """Whole: with the epoch (`1:2.3-4`) and the release."""
    architecture: str = ""
    source: str = ""
    """The source package that it was built from: a name (deb, apk) or a file (rpm); "" for one of the package's own name."""
    source_version: str = ""
    """That of the source package where it differs."""
    distribution: str = ""
    """The ID of the machine's os-release: `debian`."""
    release: str = ""
    """Its VERSION_ID: `12`; "" where it has none (Debian sid)."""

    @property
    def text(self) -> str:
        """For a person: `libssl3 3.0.17-1 (deb)`."""
        return f"{self.name} {self.version} ({self.kind.value})"

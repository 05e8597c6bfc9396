"""One component of a bundle, as a bill of materials names it."""

from __future__ import annotations

import enum
from typing import NamedTuple


class ComponentKind(enum.Enum):
    """What a component is."""

    INTERPRETER = "interpreter"
    DISTRIBUTION = "distribution"
    LIBRARY = "library of the host"
    """A package of the machine that libraries came from; a library by itself where no package is known."""
    VENDORED = "library in a wheel"


class LicenceTeller(enum.Enum):
    """Who says what a component's licence is."""

    NOBODY = ""
    EXPRESSION = "License-Expression"
    """The metadata's SPDX expression (PEP 639)."""
    FIELD = "License"
    """The metadata's older field: words."""
    CLASSIFIERS = "classifiers"
    """The metadata's classifiers, of which many name a family of licences."""
    PACKAGE = "package"
    """The package of the packing machine: its copyright file, or its database."""
    NAME = "name"
    """A list of a few well-known libraries."""
    SBOM = "sbom"
    """A bill of materials in the wheel."""
    PYTHON = "python"
    """Python's own LICENSE."""


class Component(NamedTuple):
    """A component, where it came from, and under which licence."""

    kind: ComponentKind
    name: str
    version: str
    """"" where nobody knows it."""
    paths: tuple[str, ...]
    """Bundle paths: of a library its files, of a distribution its metadata (folder or file), of the interpreter its binaries."""
    purl: str = ""
    """Its package URL; "" where there is none."""
    cpe: str = ""
    """Its name in the CPE dictionary (2.3, formatted string); "" where it has none."""
    licence: str = ""
    """An SPDX expression, or where there is none the words that the component has for its licence; "" where it has none."""
    licence_files: tuple[str, ...] = ()
    """Bundle paths of its licence texts."""
    package: str = ""
    """The package of the packing machine that a library came from, with its version: `libssl3 3.0.17-1 (deb)`."""
    owner: str = ""
    """The distribution that has a vendored library inside."""
    told_by: LicenceTeller = LicenceTeller.NOBODY
    """Who says so."""
    ref: str = ""
    """What no other component of the bundle is called."""
    needs: tuple[str, ...] = ()
    """The `ref`s of the components that it asks for, or has inside."""
    digests: tuple[tuple[str, str], ...] = ()
    """Bundle paths of its binaries, with the SHA-256 (hexadecimal) that they have in the bundle."""
    url: str = ""
    """Where a distribution was installed from, other than an index."""
    archive_sha256: str = ""
    """The SHA-256 of the archive at `url`; "" where nobody noted it."""

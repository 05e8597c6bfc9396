"""One component of a bundle, as a bill of materials names it."""

from __future__ import annotations

import enum
from typing import NamedTuple


class ComponentKind(enum.Enum):
    """What a component is."""

    INTERPRETER = "interpreter"
    DISTRIBUTION = "distribution"
    LIBRARY = "library of the host"
    VENDORED = "library in a wheel"


class Component(NamedTuple):
    """A component, where it came from, and under which licence."""

    kind: ComponentKind
    name: str
    version: str
    """"" where nobody knows it."""
    paths: tuple[str, ...]
    """Bundle paths: of a library its file, of a distribution the folder of its metadata, of the interpreter its executable."""
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

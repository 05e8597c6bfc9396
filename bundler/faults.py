"""What can be wrong with a bundle, as values that the systems' checks and the audit share."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import NamedTuple


class FaultKind(enum.Enum):
    """What is wrong with a path."""

    LINK = "link"
    LIBRARY = "library"
    SEARCH_PATH = "search path"
    SIGNATURE = "signature"
    SCRIPT = "script"
    CONFIGURATION = "configuration"
    CONTENT = "content"
    MANIFEST = "manifest"
    READERS = "readers"
    ADDED = "added"
    PERMISSION = "permission"
    TARGET = "target"
    START = "start"
    IMPORT = "import"
    DIFFERENCE = "difference"
    OUTSIDE = "outside"
    ATTESTATION = "attestation"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that breaks a promise. `path` is a bundle path, or a module's name, or nothing for the whole."""

    kind: FaultKind
    path: str
    message: str
    hint: str
    """What to do about it."""


def fault_as_json(fault: Fault) -> dict[str, str]:
    """A fault in what `--json` prints."""
    return {"kind": fault.kind.value, "path": fault.path, "message": fault.message, "hint": fault.hint}


class Findings(NamedTuple):
    """What a check found: faults, and notes on what is no fault of the bundle."""

    faults: list[Fault]
    notes: list[str]

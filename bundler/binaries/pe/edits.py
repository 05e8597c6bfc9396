"""What can be changed in a PE file, and what comes out: the values of the patcher."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bundler.binaries.patch import Patch
from bundler.errors import ConflictingEdits, UnwritableString
from bundler.machine import os

_LONGEST_NAME = 255
_NOT_IN_NAMES = frozenset('\\/:*?"<>|')


@dataclass(frozen=True, slots=True)
class Edits:
    """All that shall change in one file. Names that are not there are ignored."""

    dlls: Mapping[str, str] = field(default_factory=dict)
    """New names of DLLs that are imported, at once or delayed, or to which exports are forwarded; by the old ones, whose case
    does not count."""


@dataclass(frozen=True, slots=True)
class PatchPlan:
    """A patch, and what comes of it."""

    patch: Patch
    method: str
    """Where the new names are, in a word or two."""
    explanation: str
    """What the patch does, in a sentence."""
    reasons: tuple[str, ...]
    """Why it is not done in a cheaper way."""
    notes: tuple[str, ...]
    """What else comes of it."""


class Renaming:
    """The edits, checked and ready to be asked.

    Raises UnwritableString for a name that Windows' loader cannot take, ConflictingEdits where one DLL gets two names or would
    be renamed again the next time.
    """

    def __init__(self, edits: Edits) -> None:
        self._names: dict[str, str] = {}
        for old, new in edits.dlls.items():
            _check_name(new)
            if self._names.setdefault(folded(old), new) != new:
                raise ConflictingEdits(
                    f"{old} shall become {self._names[folded(old)]} and {new}", "leave one of them out"
                )
        for new in edits.dlls.values():
            if self.of_dll(new) != new:
                raise ConflictingEdits(f"{new} shall be renamed, and another renamed to it", "do it in two steps")

    def of_dll(self, name: str) -> str:
        """The name that an imported DLL shall have; `name` itself where it stays."""
        return self._names.get(folded(name), name)

    def of_forwarder(self, text: str) -> str:
        """What a forwarded export shall say.

        The loader appends `.dll` to what stands in front of the last dot, but where that has a dot itself.
        """
        dll, dot, symbol = text.rpartition(".")
        whole = dll if "." in dll else f"{dll}.dll"
        new = self.of_dll(whole)
        if not dot or new == whole:
            return text
        stem = new[: -len(".dll")] if folded(new).endswith(".dll") else ""
        return f"{stem if stem and '.' not in stem else new}.{symbol}"


def folded(name: str) -> str:
    """A DLL's name for comparisons: Windows does not tell the case of letters, and appends `.dll` to a name without a dot."""
    lower = os.fsdecode(os.fsencode(name).lower())
    return lower if "." in lower else f"{lower}.dll"


def _check_name(name: str) -> None:
    if not name:
        raise UnwritableString("an empty name is no DLL")
    if not name.isascii() or not name.isprintable() or _NOT_IN_NAMES & {*name}:
        raise UnwritableString(
            f"{name!r} is no name of a DLL: it may have ASCII letters, and none of {' '.join(sorted(_NOT_IN_NAMES))}"
        )
    if len(name) > _LONGEST_NAME:
        raise UnwritableString(f"the name has {len(name)} bytes; Windows takes {_LONGEST_NAME}")

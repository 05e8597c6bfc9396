"""What was asked for: the only things in which a changed file may differ from its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bundler.binaries import elf, macho


@dataclass(frozen=True, slots=True)
class Asked:
    """What may differ. `search_path`: DT_RPATH and DT_RUNPATH, or LC_RPATH; `name`: DT_SONAME, or LC_ID_DYLIB.

    `renamed` gives libraries that are needed new names, by the old ones; None allows any names, but as many libraries as
    before, in the same order. `added` and `removed` are libraries; `versions` allows symbols to lose theirs, `thin` a fat file
    to lose slices.
    """

    search_path: bool = False
    renamed: Mapping[str, str] | None = field(default_factory=dict)
    added: tuple[str, ...] = ()
    removed: frozenset[str] = frozenset()
    name: bool = False
    interpreter: bool = False
    versions: bool = False
    thin: bool = False

    @property
    def loses_versions(self) -> bool:
        """Whether records of needed versions may go."""
        return bool(self.versions or self.removed)


PACKED = Asked(search_path=True, renamed=None, name=True, thin=True)
"""All that a pack may ask for in any file, where the edits of a file are not at hand."""


def asked_of(edits: elf.Edits | macho.Edits) -> Asked:
    """What the patcher's edits ask for."""
    if isinstance(edits, elf.Edits):
        return Asked(
            search_path=edits.rpath is not elf.UNCHANGED,
            renamed=edits.needed,
            added=tuple(edits.added),
            removed=frozenset(edits.removed),
            name=edits.soname is not elf.UNCHANGED,
            interpreter=edits.interpreter is not elf.UNCHANGED,
            versions=bool(edits.unversioned),
        )
    return Asked(
        search_path=bool(edits.replace_rpaths or edits.remove_rpaths or edits.add_rpaths),
        renamed=edits.dylibs,
        name=edits.install_name is not None,
        thin=edits.thin is not None,
    )

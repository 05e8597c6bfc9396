"""What was asked for: the only things in which a changed file may differ from its source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bundler.binaries import elf, macho, pe


@dataclass(frozen=True, slots=True)
class PathEdits:
    """What was asked for of a list of search paths."""

    replaced: Mapping[str, str]
    removed: frozenset[str]
    added: tuple[str, ...]

    def done(self, paths: Iterable[str]) -> tuple[str, ...]:
        """The paths with the edits done, none of them twice."""
        kept = (self.replaced.get(path, path) for path in paths if path not in self.removed)
        return tuple(dict.fromkeys([*kept, *self.added]))


@dataclass(frozen=True, slots=True)
class Asked:
    """What may differ. `search_path`: DT_RPATH and DT_RUNPATH, or LC_RPATH; `name`: DT_SONAME, or LC_ID_DYLIB.

    These, `interpreter`, `own_loader`, `host_floor` (36 for glibc 2.36, 0 for none) and `own_rpath` are False where nothing was
    asked for, the text ("" for none) or the edits where they are known, else True.
    `constants` gives constant strings new texts, by the old ones; None allows a path to become one of the same length and end
    below `$ORIGIN`, or nowhere.
    `stack`: the stack shall not be executable any more; None allows both. `notes`: those for the loader of NixOS are empty.
    `renamed` gives libraries that are needed new names, by the old ones; None allows any names, but as many libraries as
    before, in the same order. `added` and `removed` are libraries; `versions` allows symbols to lose theirs, `thin` a fat file
    to lose slices.
    """

    search_path: bool | str | PathEdits = False
    renamed: Mapping[str, str] | None = field(default_factory=dict)
    added: tuple[str, ...] = ()
    removed: frozenset[str] = frozenset()
    name: bool | str = False
    interpreter: bool | str = False
    versions: bool = False
    thin: bool = False
    stack: bool | None = False
    notes: bool = False
    constants: Mapping[str, str] | None = field(default_factory=dict)
    own_loader: bool | str = False
    host_floor: bool | int = False
    own_rpath: bool | str = False

    @property
    def loses_versions(self) -> bool:
        """Whether records of needed versions may go."""
        return bool(self.versions or self.removed)


PACKED = Asked(
    search_path=True, renamed=None, name=True, thin=True, stack=None, notes=True, constants=None, own_loader=True,
    host_floor=True, own_rpath=True,
)  # fmt: skip
"""All that a pack may ask for in any file, where the edits of a file are not at hand."""


def asked_of(edits: elf.Edits | macho.Edits | pe.Edits) -> Asked:
    """What the patcher's edits ask for."""
    if isinstance(edits, elf.Edits):
        return Asked(
            search_path=False if isinstance(edits.rpath, elf.Unchanged) else _without_empty(edits.rpath or ""),
            renamed=edits.needed,
            added=tuple(dict.fromkeys(edits.added)),
            removed=frozenset(edits.removed),
            name=False if isinstance(edits.soname, elf.Unchanged) else edits.soname,
            interpreter=False if isinstance(edits.interpreter, elf.Unchanged) else edits.interpreter,
            versions=bool(edits.unversioned),
            stack=edits.clear_execstack,
            notes=edits.without_resolution_cache,
            constants=edits.constants,
            own_loader=False if isinstance(edits.own_loader, elf.Unchanged) else edits.own_loader or "",
            host_floor=False if isinstance(edits.host_floor, elf.Unchanged) else (edits.host_floor or (2, 0))[1],
            own_rpath=_own_path(edits),
        )
    if isinstance(edits, pe.Edits):
        return Asked(renamed=edits.dlls)
    return Asked(
        search_path=PathEdits(edits.replace_rpaths, edits.remove_rpaths, edits.add_rpaths),
        renamed=edits.dylibs,
        name=False if edits.install_name is None else edits.install_name,
        thin=edits.thin is not None,
    )


def _own_path(edits: elf.Edits) -> bool | str:
    """The second search path; it goes with the loader that it is for."""
    if None in (edits.own_loader, edits.host_floor):
        return ""
    return False if isinstance(edits.own_rpath, elf.Unchanged) else _without_empty(edits.own_rpath or "")


def _without_empty(path: str) -> str:
    """A search path without empty elements, which the patcher never writes."""
    return ":".join(part for part in path.split(":") if part)

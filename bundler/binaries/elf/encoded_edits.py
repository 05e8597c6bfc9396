"""Edits as they are carried out: encoded, and checked against each other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bundler.binaries.elf.edits import UNCHANGED, Edits, Unchanged
from bundler.errors import ConflictingEdits, UnwritableString
from bundler.floor import Release
from bundler.machine import os

_LONGEST_INTERPRETER = 4095  # the kernel takes PATH_MAX bytes with the NUL
_GLIBC, _LATEST = 2, 0xFFFF  # the numbers of a release that an entry stub can be told


@dataclass(frozen=True, slots=True)
class EncodedEdits:
    """`Edits` as bytes."""

    rpath: bytes | Unchanged | None
    """None where there shall be no search path."""
    path_tag: int
    """DT_RPATH or DT_RUNPATH."""
    names: dict[bytes, bytes]
    """The new names of needed libraries, by the old ones; none stays the same."""
    added: tuple[bytes, ...]
    prepended: tuple[bytes, ...]
    """No name stands in one of these two twice."""
    removed: frozenset[bytes]
    soname: bytes | Unchanged
    interpreter: bytes | Unchanged
    unversioned: frozenset[bytes]
    clear_execstack: bool = False
    without_resolution_cache: bool = False
    constants: tuple[tuple[bytes, bytes], ...] = ()
    """Old and new texts of the same length."""
    own_loader: bytes | Unchanged | None = UNCHANGED
    host_floor: int | Unchanged | None = UNCHANGED
    """The second number of the release: 36 for 2.36."""
    own_rpath: bytes | Unchanged | None = UNCHANGED

    def needed(self, old: Iterable[bytes]) -> list[bytes]:
        """The libraries that are needed in the end, in order, where the file needs `old` now."""
        kept = [*self.prepended, *self.kept(old)]
        return kept + [name for name in self.added if name not in kept]

    def kept(self, old: Iterable[bytes]) -> list[bytes]:
        """Those of `old` that stay in their order, by their new names."""
        new = (self.names.get(name, name) for name in old if name not in self.removed)
        return [name for name in new if name not in self.prepended]


def encode(edits: Edits) -> EncodedEdits:
    """The edits, checked.

    Raises UnwritableString for a NUL, an empty name, an interpreter longer than the kernel takes or a constant of another
    length than the one that it replaces, and for a release that is none of glibc's; ConflictingEdits where a library is asked for
    and refused at once, or would be renamed again the next time.
    """
    names = {_encoded(old): _name(new, "library") for old, new in edits.needed.items() if old != new}
    added = tuple(dict.fromkeys(_name(name, "library") for name in edits.added))
    prepended = tuple(dict.fromkeys(_name(name, "library") for name in edits.prepended))
    removed = frozenset(_encoded(name) for name in edits.removed)
    _check_conflicts(names, (*added, *prepended), removed)
    interpreter = edits.interpreter
    if not isinstance(interpreter, Unchanged) and len(os.fsencode(interpreter)) > _LONGEST_INTERPRETER:
        length = len(os.fsencode(interpreter))
        raise UnwritableString(f"the interpreter's path has {length} bytes; the kernel takes {_LONGEST_INTERPRETER}")
    return EncodedEdits(
        rpath=_search_path(edits.rpath),
        path_tag=edits.path_tag.value,
        names=names,
        added=added,
        prepended=prepended,
        removed=removed,
        soname=edits.soname if isinstance(edits.soname, Unchanged) else _name(edits.soname, "soname"),
        interpreter=interpreter if isinstance(interpreter, Unchanged) else _name(interpreter, "interpreter"),
        unversioned=frozenset(_name(name, "symbol") for name in edits.unversioned),
        clear_execstack=edits.clear_execstack,
        without_resolution_cache=edits.without_resolution_cache,
        constants=tuple(_constant(old, new) for old, new in edits.constants.items()),
        own_loader=_own_loader(edits.own_loader),
        host_floor=_host_floor(edits.host_floor),
        own_rpath=_search_path(None if None in (edits.own_loader, edits.host_floor) else edits.own_rpath),
    )


def _own_loader(path: str | Unchanged | None) -> bytes | Unchanged | None:
    if path is None or isinstance(path, Unchanged):
        return path
    encoded = _name(path, "loader")
    if encoded.startswith(b"/"):
        raise UnwritableString(
            f"the program's own loader {path!r} must be a path relative to the program's folder",
            "the kernel takes an absolute one (--set-interpreter)",
        )
    if len(encoded) > _LONGEST_INTERPRETER:
        raise UnwritableString(f"the loader's path has {len(encoded)} bytes; the kernel takes {_LONGEST_INTERPRETER}")
    return encoded


def _host_floor(release: Release | Unchanged | None) -> int | Unchanged | None:
    if release is None or isinstance(release, Unchanged):
        return release
    major, minor = release
    if major != _GLIBC or not 0 < minor <= _LATEST:
        raise UnwritableString(
            f"{major}.{minor} is no release of glibc that a program could choose by", "2.36, perhaps"
        )
    return minor


def _constant(old: str, new: str) -> tuple[bytes, bytes]:
    pair = _name(old, "constant"), _name(new, "constant")
    if len(pair[0]) != len(pair[1]):
        raise UnwritableString(
            f"{new!r} cannot take the place of {old!r}: a constant keeps its length of {len(pair[0])} bytes"
        )
    return pair


def _check_conflicts(names: dict[bytes, bytes], added: tuple[bytes, ...], removed: frozenset[bytes]) -> None:
    conflicts = (
        (removed & {*names}, "shall be removed and renamed"),
        (removed & {*names.values()}, "shall be removed, and another renamed to it"),
        (removed & {*added}, "shall be removed and added"),
        ({*names} & {*added}, "shall be added and renamed"),
        ({*names} & {*names.values()}, "shall be renamed, and another renamed to it"),
    )
    for found, what in conflicts:
        if found:
            raise ConflictingEdits(f"{os.fsdecode(min(found))} {what}", "do it in two steps")


def _search_path(text: str | Unchanged | None) -> bytes | Unchanged | None:
    """The search path without empty elements; None where there shall be none."""
    if isinstance(text, Unchanged):
        return text
    return b":".join(part for part in _encoded(text or "").split(b":") if part) or None


def _name(text: str, what: str) -> bytes:
    if not text:
        raise UnwritableString(f"an empty name is no {what}")
    return _encoded(text)


def _encoded(text: str) -> bytes:
    data = os.fsencode(text)
    if b"\0" in data:
        raise UnwritableString(f"the string {text!r} holds a NUL at position {text.index(chr(0))}")
    return data

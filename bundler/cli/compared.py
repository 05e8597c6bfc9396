"""What `bundler diff` shows, as tables and lines (`drawing`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bundler.cli.drawing import Branch, Column, Drawn, Sheet
from bundler.quantities import counted, human_change, human_size

if TYPE_CHECKING:
    from bundler.contents.differences import Difference, PartDifference
    from bundler.floor import Floor

_ADDED, _REMOVED, _CHANGED = "+", "-", "~"
_STYLES = {_ADDED: "green", _REMOVED: "red", _CHANGED: "yellow"}


def shown_difference(found: Difference, *, verbose: bool) -> Iterator[Drawn]:
    """The difference: first what people ask for; with `verbose` every file."""
    old, new = found.old, found.new
    yield f"{old.name} -> {new.name}"
    if found.same:
        yield "nothing differs: the same files with the same contents and modes"
        return
    yield from _facts(found)
    if found.same_files:
        yield "the files are the same; only bundle.json differs"
    elif found.parts:
        yield _parts(found)
        yield _files(found)
    yield from (
        Branch(title, branches=tuple(Branch(text) for text in lines))
        for title, lines in (
            ("libraries of the host", _libraries(found)),
            ("left to the target", [*_marked(_ADDED, found.host_added), *_marked(_REMOVED, found.host_removed)]),
            ("bundle.json", [f"{each.name}: {each.old} -> {each.new}" for each in found.told]),
        )
        if lines
    )
    if verbose:
        yield from (_paths(part) for part in found.parts)


def _facts(found: Difference) -> Iterator[str]:
    """What the bundles ask of a machine."""
    old, new = found.old, found.new
    if old.python != new.python:
        yield f"Python {old.python} -> {new.python}"
    if old.platform != new.platform:
        yield f"for {old.platform} -> {new.platform}"
    if old.floor != new.floor and (found.same_files or _release(old.floor) != _release(new.floor)):
        yield f"needs {_floor(old.floor)} -> {_floor(new.floor)}"


def _release(floor: Floor | None) -> tuple[object, ...]:
    return () if floor is None else (floor.system, floor.release)


def _floor(floor: Floor | None) -> str:
    return "nothing in particular" if floor is None else f"{floor.system} {floor.text} ({floor.reason} in {floor.file})"


def _parts(found: Difference) -> Sheet:
    """A row for each distribution and part: those that are added and removed first, then the largest change of size."""
    order = (_ADDED, _REMOVED, _CHANGED)

    def rank(part: PartDifference) -> tuple[bool, int, int]:
        return not part.is_distribution, order.index(_mark(part)), -abs(part.new_size - part.old_size)

    parts = sorted(found.parts, key=rank)
    columns = (
        Column(""),
        Column(""),
        Column("size", is_number=True),
        Column("", is_number=True),
        Column("files"),
    )
    return Sheet("", columns, tuple(map(_row, parts)), styles=tuple(_STYLES[_mark(part)] for part in parts))


def _mark(part: PartDifference) -> str:
    return _ADDED if part.is_added else _REMOVED if part.is_removed else _CHANGED


def _row(part: PartDifference) -> tuple[str, ...]:
    mark = _mark(part)
    name = part.name
    if part.old_version == part.new_version or mark != _CHANGED:
        name += f" {part.new_version or part.old_version or ''}"
    else:
        name += f" {part.old_version} -> {part.new_version}"
    sizes = _sizes(part.old_size, part.new_size)
    size = {_ADDED: human_size(part.new_size), _REMOVED: human_size(part.old_size)}.get(mark, sizes)
    counts = ((_ADDED, part.added), (_REMOVED, part.removed), (_CHANGED, part.changed))
    files = " ".join(f"{sign}{len(paths)}" for sign, paths in counts if paths)
    return mark, name.strip(), size, human_change(part.new_size - part.old_size), files


def _files(found: Difference) -> str:
    old, new = found.old, found.new
    same = f"; {counted(found.unchanged, 'distribution')} the same" if found.unchanged else ""
    files = counted(new.files, "file") if old.files == new.files else f"{old.files} -> {counted(new.files, 'file')}"
    return f"{files}, {_sizes(old.size, new.size)} ({human_change(new.size - old.size)}){same}"


def _sizes(old: int, new: int) -> str:
    """Two sizes, or one where they read the same."""
    return " -> ".join(dict.fromkeys((human_size(old), human_size(new))))


def _libraries(found: Difference) -> list[str]:
    added, removed = (
        [f"{fact.path} ({fact.package.text if fact.package is not None else fact.origin})" for fact in facts]
        for facts in (found.libraries_added, found.libraries_removed)
    )
    changed = [f"{each.new.path} ({each.what})" for each in found.libraries_changed]
    return [*_marked(_ADDED, added), *_marked(_REMOVED, removed), *_marked(_CHANGED, changed)]


def _marked(mark: str, names: list[str] | tuple[str, ...]) -> list[str]:
    return [f"{mark} {name}" for name in names]


def _paths(part: PartDifference) -> Branch:
    """Every path of a part that is not the same."""
    lines = [
        *(Branch(f"{_ADDED} {item.path}", human_size(item.size), _STYLES[_ADDED]) for item in part.added),
        *(Branch(f"{_REMOVED} {item.path}", human_size(item.size), _STYLES[_REMOVED]) for item in part.removed),
        *(Branch(f"{_CHANGED} {each.new.path}", each.what, _STYLES[_CHANGED]) for each in part.changed),
    ]
    return Branch(part.name, style="bold", branches=tuple(lines))

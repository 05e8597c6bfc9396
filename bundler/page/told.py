"""The report's lines as the page has them: warnings, what the target must have, notes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from bundler.manifest import Manifest
from bundler.report_lines import manifest_lines

_MOST_NAMED = 8
"""So many files a sentence names."""


class Told(NamedTuple):
    """A line for whoever packed it: what is so, and what to do."""

    kind: str
    """`warning`, `note` or `need`."""
    text: str
    more: tuple[str, ...] = ()


def told_lines(manifest: Manifest, floor_files: Sequence[str]) -> Iterator[Told]:
    """The lines that `bundle.json` alone tells, warnings first. `floor_files` are the paths of all that ask for the floor."""
    yield from _with_others(_told(manifest_lines(manifest)), manifest, floor_files)


def _told(lines: Iterable[str]) -> Iterator[Told]:
    """The report's lines, by kind; indented ones belong to the one before them."""
    found: list[Told] = []
    for line in lines:
        if line.startswith("  ") and found:
            found[-1] = found[-1]._replace(more=(*found[-1].more, line.strip()))
            continue
        kind = next((kind for kind in ("warning", "note") if line.startswith(f"{kind}: ")), "need")
        found.append(Told(kind, line.removeprefix(f"{kind}: ")))
    yield from sorted(found, key=lambda told: ("warning", "need", "note").index(told.kind))


def _with_others(lines: Iterable[Told], manifest: Manifest, floor_files: Sequence[str]) -> Iterator[Told]:
    """The lines, the one of the floor with all files that ask for it: `bundle.json` names one."""
    floor = manifest.floor
    for line in lines:
        if floor and len(floor_files) > 1 and line.text.startswith(f"needs {floor.system} {floor.text} or later"):
            others = ", ".join(floor_files[1:_MOST_NAMED])
            rest = f" and {len(floor_files) - _MOST_NAMED} more" * (len(floor_files) > _MOST_NAMED)
            told = f"asked for as well by {others}{rest}: leaving out one alone changes nothing"
            yield line._replace(more=(*line.more, told))
        else:
            yield line

"""What makes a bundle large: the bytes of each distribution and part, and of each kind of file. They add up to the bundle."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from bundler.contents.model import Contents, FileKind, Item
from bundler.contents.parts import part_finder
from bundler.quantities import percentages
from bundler.trees import MANIFEST


class Portion(NamedTuple):
    """Some of a bundle's files."""

    name: str
    """Of a distribution, of what belongs to none (see `parts.Part`), or of a kind of file."""
    version: str
    """"" for what is no distribution."""
    size: int
    """Bytes of its files."""
    share: str
    """Of all bytes, in percent: `12.5%`. The shares of a list add up to 100."""
    files: int
    """`bundle.json` is not counted, as `verify` does not; its bytes are."""
    links: int
    kinds: Mapping[str, int]
    """Bytes by kind of file, most first; of kinds that it has none of nothing."""
    is_distribution: bool = False

    def to_dict(self) -> dict[str, object]:
        """For `--json`."""
        return {
            "name": self.name,
            **({"version": self.version} if self.is_distribution else {}),
            "size": self.size,
            "share": self.share,
            "files": self.files,
            "links": self.links,
            **({"kinds": dict(self.kinds)} if self.kinds else {}),
        }


@dataclass(frozen=True, slots=True)
class Sizes:
    """All of a bundle's bytes, twice: each list holds every file once, the largest portion first."""

    name: str
    """Of the bundle."""
    size: int
    """Bytes of all files, `bundle.json` among them."""
    files: int
    links: int
    parts: tuple[Portion, ...]
    """By distribution, and by part for what belongs to none."""
    kinds: tuple[Portion, ...]

    def to_dict(self) -> dict[str, object]:
        """What `inspect --size --json` prints, ready for `json.dumps`."""
        return {
            "kind": "bundle",
            "name": self.name,
            "size": self.size,
            "files": self.files,
            "links": self.links,
            "by_distribution": [portion.to_dict() for portion in self.parts],
            "by_kind": [portion.to_dict() for portion in self.kinds],
        }


def sizes(contents: Contents) -> Sizes:
    """The sizes of a bundle."""
    part_of = part_finder(contents)
    versions = {each.name: each.version for each in contents.distributions}

    def part(item: Item) -> _Key:
        found = part_of(item)
        return (found.value, None) if found is not None else (item.owner, versions.get(item.owner, ""))

    parts = _portions(contents.items, part)
    kinds = _portions(contents.items, lambda item: (item.kind.value, None))
    return Sizes(
        contents.name,
        contents.size,
        contents.files,
        contents.links,
        parts,
        tuple(portion._replace(kinds={}) for portion in kinds),
    )


_Key = tuple[str, str | None]
"""A name and a version; None for what is no distribution."""


def _portions(items: Iterable[Item], key: Callable[[Item], _Key]) -> tuple[Portion, ...]:
    groups: dict[_Key, list[Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    totals = {name: sum(item.size for item in group) for name, group in groups.items()}
    order = sorted(groups, key=lambda name: (-totals[name], name[0]))
    shares = percentages([totals[name] for name in order])
    return tuple(_portion(name, groups[name], share) for name, share in zip(order, shares, strict=True))


def _portion(key: _Key, items: Iterable[Item], share: str) -> Portion:
    name, version = key
    kinds: dict[str, int] = {}
    files = links = 0
    for item in items:
        kinds[item.kind.value] = kinds.get(item.kind.value, 0) + item.size
        links += item.kind is FileKind.LINK
        files += item.kind is not FileKind.LINK and item.path != MANIFEST
    ordered = {kind: size for kind, size in sorted(kinds.items(), key=lambda pair: -pair[1]) if size}
    return Portion(name, version or "", sum(kinds.values()), share, files, links, ordered, version is not None)

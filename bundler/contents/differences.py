"""What differs between two bundles: distributions, libraries, files, and what they ask of their machine.

Files are held against each other by their places in a bundle of one Python: where that has another version, its folders have
another name, and are the same folders; so have metadata of another version of a distribution. Times are not compared, nor how
an archive is packed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import NamedTuple

from packaging.utils import canonicalize_name

from bundler.contents.model import Contents, Item
from bundler.contents.parts import part_finder
from bundler.floor import Floor
from bundler.manifest import LibraryFact, Manifest
from bundler.quantities import counted
from bundler.trees import MANIFEST

_INFO = re.compile(r"/([^/]+?)-[^/-]+\.(dist|egg)-info(?=/|$)")
_COMPARED = frozenset({"floor", "host_libraries", "options"})
"""What a manifest tells and what is compared in another way."""
_FOLLOWING = frozenset({"files", "changed", "distributions", "bundled", "python", "asked_of_target"})
"""What follows from the files: told where these are the same."""
_SHOWN = {"files": "origins", "changed": "reasons of changes"}
"""Names of fields as a person reads them, where they are not their own: of files the rest is compared."""
_LONGEST = 80


class ChangedPath(NamedTuple):
    """A file or link that both have, and that is not the same."""

    old: Item
    new: Item

    @property
    def what(self) -> str:
        """What is another: `content`, `mode 644 -> 755`, `link a -> b`, or several of them."""
        old, new = self
        if (old.link is None) != (new.link is None):
            return "a link -> a file" if new.link is None else "a file -> a link"
        told = [f"link {old.link} -> {new.link}"] if old.link != new.link else []
        told += ["content"] if old.sha256 != new.sha256 else []
        told += [f"mode {old.mode:o} -> {new.mode:o}"] if old.mode != new.mode else []
        return ", ".join(told)

    def to_dict(self) -> dict[str, object]:
        """For `--json`."""
        renamed = {"old_path": self.old.path} if self.old.path != self.new.path else {}
        sizes = {"old_size": self.old.size, "new_size": self.new.size}
        return {"path": self.new.path, **renamed, **sizes, "what": self.what}


class ChangedLibrary(NamedTuple):
    """A library of the host that both bring, and that is not the same, or not of the same package."""

    old: LibraryFact
    new: LibraryFact

    @property
    def what(self) -> str:
        """The packages of the two, where they are known and differ: `libssl3 3.0.15-1 (deb) -> libssl3 3.0.17-1 (deb)`."""
        packages = [fact.package.text if fact.package is not None else "" for fact in self]
        return (
            f"{packages[0] or 'no package'} -> {packages[1] or 'no package'}"
            if packages[0] != packages[1]
            else "content"
        )

    def to_dict(self) -> dict[str, object]:
        """For `--json`."""
        old, new = (fact.package.text if fact.package is not None else None for fact in self)
        return {"path": self.new.path, "old_package": old, "new_package": new, "what": self.what}


@dataclass(frozen=True, slots=True)
class PartDifference:
    """A distribution, or a part that belongs to none (see `parts.Part`), that is not the same in both."""

    name: str
    is_distribution: bool
    old_version: str | None
    """None for a part, and where only the new bundle has it."""
    new_version: str | None
    old_size: int
    """Bytes of its files; 0 where it is not there."""
    new_size: int
    added: tuple[Item, ...]
    removed: tuple[Item, ...]
    changed: tuple[ChangedPath, ...]

    @property
    def is_added(self) -> bool:
        """Whether only the new bundle has it."""
        return self.is_distribution and self.old_version is None

    @property
    def is_removed(self) -> bool:
        """Whether only the old bundle has it."""
        return self.is_distribution and self.new_version is None

    def to_dict(self) -> dict[str, object]:
        """For `--json`."""
        versions = {"old_version": self.old_version, "new_version": self.new_version} if self.is_distribution else {}
        return {
            "name": self.name,
            **versions,
            "old_size": self.old_size,
            "new_size": self.new_size,
            "added": [item.path for item in self.added],
            "removed": [item.path for item in self.removed],
            "changed": [each.to_dict() for each in self.changed],
        }


class ToldOtherwise(NamedTuple):
    """Something that the two `bundle.json` tell otherwise, in short."""

    name: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two bundles."""

    name: str
    python: str
    """Its version."""
    platform: str
    """Machine, system and libc: `x86_64 linux glibc`."""
    size: int
    """Bytes of all files."""
    files: int
    links: int
    floor: Floor | None

    def to_dict(self) -> dict[str, object]:
        """For `--json`."""
        floor = self.floor
        return {
            "name": self.name,
            "python": self.python,
            "platform": self.platform,
            "size": self.size,
            "files": self.files,
            "links": self.links,
            "floor": (
                {"of": floor.system, "release": floor.text, "file": floor.file, "symbol": floor.reason}
                if floor
                else None
            ),
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs between an old and a new bundle."""

    old: Side
    new: Side
    parts: tuple[PartDifference, ...]
    """What is not the same: distributions by name, then what belongs to none."""
    libraries_added: tuple[LibraryFact, ...]
    """Libraries of the host that only the new one brings."""
    libraries_removed: tuple[LibraryFact, ...]
    libraries_changed: tuple[ChangedLibrary, ...]
    """Those that both bring, and that are not the same."""
    host_added: tuple[str, ...]
    """Names of libraries that only the new one leaves to the host."""
    host_removed: tuple[str, ...]
    told: tuple[ToldOtherwise, ...]
    """What else `bundle.json` tells otherwise: options, warnings, the version of bundler."""
    unchanged: int
    """Number of distributions that are the same, byte for byte."""

    @property
    def same(self) -> bool:
        """Whether nothing differs: every file and link, its mode, and what `bundle.json` tells."""
        differs = self.parts or self.told or self.host_added or self.host_removed
        return not differs and self.old.floor == self.new.floor

    @property
    def same_files(self) -> bool:
        """Whether only `bundle.json` differs, if anything does."""
        return not self.parts

    def to_dict(self) -> dict[str, object]:
        """What `diff --json` prints, ready for `json.dumps`."""
        distributions = [each for each in self.parts if each.is_distribution]
        kept = [each for each in distributions if not (each.is_added or each.is_removed)]
        return {
            "same": self.same,
            "same_files": self.same_files,
            "old": self.old.to_dict(),
            "new": self.new.to_dict(),
            "distributions": {
                "added": [each.to_dict() for each in distributions if each.is_added],
                "removed": [each.to_dict() for each in distributions if each.is_removed],
                "changed": [each.to_dict() for each in kept],
                "unchanged": self.unchanged,
            },
            "parts": [each.to_dict() for each in self.parts if not each.is_distribution],
            "libraries": {
                "added": [*map(_library, self.libraries_added)],
                "removed": [*map(_library, self.libraries_removed)],
                "changed": [each.to_dict() for each in self.libraries_changed],
            },
            "host_libraries": {"added": list(self.host_added), "removed": list(self.host_removed)},
            "bundle_json": [each._asdict() for each in self.told],
        }


def _library(fact: LibraryFact) -> dict[str, object]:
    package = {"package": fact.package.text} if fact.package is not None else {}
    return {"path": fact.path, "origin": fact.origin, **package}


def differences(old: Contents, new: Contents) -> Difference:
    """What differs between two bundles whose files were all read (`read_contents(…, whole=True)`)."""
    parts = tuple(_parts(old, new))
    names = {canonicalize_name(each.name) for each in new.distributions}
    changed = {canonicalize_name(each.name) for each in parts if each.is_distribution}
    libraries = [_by_name(each.manifest.bundled) for each in (old, new)]
    digests = [{item.path: item.sha256 for item in side.items} for side in (old, new)]
    hosts = [frozenset(each.manifest.host_libraries) for each in (old, new)]
    return Difference(
        _side(old),
        _side(new),
        parts,
        tuple(fact for name, fact in libraries[1].items() if name not in libraries[0]),
        tuple(fact for name, fact in libraries[0].items() if name not in libraries[1]),
        tuple(
            pair
            for name, fact in libraries[0].items()
            if name in libraries[1]
            for pair in (ChangedLibrary(fact, libraries[1][name]),)
            if pair.what != "content" or digests[0].get(fact.path) != digests[1].get(pair.new.path)
        ),
        tuple(sorted(hosts[1] - hosts[0])),
        tuple(sorted(hosts[0] - hosts[1])),
        tuple(_told(old, new, with_files=not parts)),
        len(names - changed),
    )


def _side(contents: Contents) -> Side:
    manifest = contents.manifest
    platform = " ".join(filter(None, (manifest.machine, manifest.system, manifest.libc)))
    counts = contents.size, contents.files, contents.links
    return Side(contents.name, manifest.python.version, platform, *counts, manifest.floor)


def _by_name(facts: Iterable[LibraryFact]) -> dict[str, LibraryFact]:
    return {fact.path.rpartition("/")[2]: fact for fact in facts}


class _Group(NamedTuple):
    """The items of one part, by their places."""

    name: str
    items: dict[str, Item]

    @property
    def size(self) -> int:
        return sum(item.size for item in self.items.values())


_NOTHING = _Group("", {})


def _parts(old: Contents, new: Contents) -> Iterator[PartDifference]:
    """What is not the same: distributions first, by name."""
    versions = [{str(canonicalize_name(each.name)): each.version for each in side.distributions} for side in (old, new)]
    before, after = (_groups(side, _place_finder(side.manifest)) for side in (old, new))
    named = {(True, name) for of_side in versions for name in of_side}
    for is_distribution, name in sorted({*before, *after, *named}, key=lambda key: (not key[0], key[1])):
        then, now = before.get((is_distribution, name), _NOTHING), after.get((is_distribution, name), _NOTHING)
        added = tuple(item for place, item in now.items.items() if place not in then.items)
        removed = tuple(item for place, item in then.items.items() if place not in now.items)
        pairs = (ChangedPath(item, now.items[place]) for place, item in then.items.items() if place in now.items)
        changed = tuple(pair for pair in pairs if pair.what)
        told = [each.get(name) for each in versions] if is_distribution else [None, None]
        if added or removed or changed or told[0] != told[1]:
            shown = now.name or then.name or name
            yield PartDifference(shown, is_distribution, told[0], told[1], then.size, now.size, added, removed, changed)


def _groups(contents: Contents, place: Callable[[str], str]) -> dict[tuple[bool, str], _Group]:
    """All items but `bundle.json`, by what they belong to, and by place."""
    part_of = part_finder(contents)
    groups: dict[tuple[bool, str], _Group] = {}
    for item in contents.items:
        if item.path == MANIFEST:
            continue
        part = part_of(item)
        key = (True, str(canonicalize_name(item.owner))) if part is None else (False, part.value)
        group = groups.setdefault(key, _Group(item.owner if part is None else part.value, {}))
        group.items[place(item.path)] = item
    return groups


def _place_finder(manifest: Manifest) -> Callable[[str], str]:
    """What gives the place of a bundle path: the same for the same file of another version of Python, or of a distribution."""
    x, y = manifest.python.release
    versions = re.compile(rf"(?<=python){x}\.?{y}(?!\d)|(?<=cpython-){x}{y}(?!\d)|(?<=\.cp){x}{y}(?=t?-)")

    def place(path: str) -> str:
        if "-info" in path:
            path = _INFO.sub(lambda found: f"/{canonicalize_name(found[1])}.{found[2]}-info", path)
        return versions.sub("", path)

    return place


def _told(old: Contents, new: Contents, *, with_files: bool) -> Iterator[ToldOtherwise]:
    """What the two tell otherwise, but for what is compared in another way; `with_files` also of the files."""
    before: dict[str, object] = {f"--{name}": value for name, value in _options(old.manifest).items()}
    after: dict[str, object] = {f"--{name}": value for name, value in _options(new.manifest).items()}
    for field in fields(Manifest):
        if field.name not in _COMPARED and (with_files or field.name not in _FOLLOWING):
            name = _SHOWN.get(field.name, field.name)
            before[name], after[name] = getattr(old.manifest, field.name), getattr(new.manifest, field.name)
    told = [name for name in dict.fromkeys((*before, *after)) if before.get(name) != after.get(name)]
    for name in told:
        texts = _short(before.get(name)), _short(after.get(name))
        yield ToldOtherwise(name, texts[0], texts[1] if texts[0] != texts[1] else f"{texts[1]}, others")
    digests = [item.sha256 for side in (old, new) for item in side.items if item.path == MANIFEST]
    if with_files and not told and len(set(digests)) > 1:
        yield ToldOtherwise("text", "bundle.json", "the same facts in another text")


def _options(manifest: Manifest) -> Mapping[str, object]:
    return manifest.options.values if manifest.options is not None else {}


def _short(value: object) -> str:
    """A value in a few words: of many how many there are."""
    match value:
        case None | "" | () | []:
            return "none"
        case bool():
            return "yes" if value else "no"
        case str() | int():
            return str(value)
        case tuple() if all(isinstance(each, str) for each in value) and len(", ".join(value)) <= _LONGEST:
            return ", ".join(value)
        case tuple() | dict():
            return counted(len(value), "entry", "entries")
        case Floor():
            return f"{value.system} {value.text}"
        case _:
            return type(value).__name__

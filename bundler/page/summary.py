"""What the page says without its scripts: facts in the order in which a person asks for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from bundler.contents import Binary, Contents, FileKind, Item
from bundler.floor import Release, text_of
from bundler.manifest import Manifest
from bundler.page.numbering import Numbering
from bundler.page.savings import LeavingOut, LeftOut, leaving_out, left_out
from bundler.page.told import Told, told_lines
from bundler.quantities import human_size
from bundler.sbom import Component, ComponentKind

_NO_LICENCE = "no licence told"


class Link(NamedTuple):
    """Something that the page tells more of at an address; without one it is a text."""

    text: str
    address: str = ""


class Owner(NamedTuple):
    """Whose files are how large."""

    link: Link
    version: str
    size: int
    files: int
    licence: str
    newest: str
    """The latest release of libc that one of its files asks for; "" where none does."""


class Library(NamedTuple):
    """A shared library, in the bundle or not."""

    link: Link
    path: str
    """Its bundle path; "" where it is not in the bundle."""
    place: str
    """Where it came from, or where it is: one of the words of `library_places`."""
    source: str
    """The same in full: its package, its owner, its origin."""
    size: int
    needed_by: int
    """How many files of the bundle name it."""
    asks: str
    """The latest release of libc that it asks for."""
    asks_key: Release
    reason: str
    """Why the pack changed it."""


class Ask(NamedTuple):
    """A file that asks for a release."""

    link: Link
    symbol: str
    owner: str
    needed_by: int
    """How many files of the bundle name it."""


class Asks(NamedTuple):
    """A release, and the files that ask for it and for no later one."""

    release: str
    files: tuple[Ask, ...]


class Limit(NamedTuple):
    """Something that stops the bundle on a newer or another machine."""

    what: str
    meaning: str
    files: tuple[Link, ...]


class Group(NamedTuple):
    """Components under one licence, or files that were changed for one reason."""

    title: str
    members: tuple[tuple[str, Link, str], ...]
    """For each what kind it is, its name, and what else there is to say."""


@dataclass(frozen=True, slots=True)
class Summary:
    """All of it. Sizes are in bytes."""

    name: str
    python: str
    machine: str
    bundler: str
    size: int
    files: int
    links: int
    owners: tuple[Owner, ...]
    """The largest first."""
    libraries: tuple[Library, ...]
    places: tuple[str, ...]
    """The words for where libraries came from that occur."""
    floor: Told
    floor_files: tuple[Link, ...]
    """All that ask for the floor's release: without one of several alone it is no lower."""
    own_libc: bool
    """Whether what the files ask for is asked of a libc that comes along."""
    asks: tuple[Asks, ...]
    """The latest release first."""
    limits: tuple[Limit, ...]
    lines: tuple[Told, ...]
    left_out: LeftOut
    leaving_out: tuple[LeavingOut, ...]
    """What saves most first."""
    licences: tuple[Group, ...]
    changes: tuple[Group, ...]

    @property
    def human_size(self) -> str:
        """With a unit."""
        return human_size(self.size)

    @property
    def warnings(self) -> tuple[Told, ...]:
        """The lines that are warnings."""
        return self._of_kind("warning")

    @property
    def needs(self) -> tuple[Told, ...]:
        """The lines on where it runs."""
        return self._of_kind("need")

    @property
    def notes(self) -> tuple[Told, ...]:
        """The lines that are neither."""
        return self._of_kind("note")

    def _of_kind(self, kind: str) -> tuple[Told, ...]:
        return tuple(line for line in self.lines if line.kind == kind)


def summary_of(contents: Contents, numbering: Numbering) -> Summary:
    """The facts of a bundle."""
    manifest = contents.manifest
    files = [item for item in contents.items if item.link is None]
    libraries = tuple(_libraries(contents, numbering))
    floor_files = tuple(_floor_files(contents, numbering))
    return Summary(
        name=contents.name,
        python=manifest.python.version,
        machine=" ".join(filter(None, (manifest.system, manifest.machine, manifest.libc))),
        bundler=manifest.bundler,
        size=contents.size,
        files=len(files),
        links=len(contents.items) - len(files),
        owners=tuple(_owners(contents, numbering)),
        libraries=libraries,
        places=tuple(dict.fromkeys(library.place for library in libraries)),
        floor=_floor(manifest),
        floor_files=floor_files,
        own_libc=bool(manifest.loader),
        asks=tuple(_asks(contents, numbering)),
        limits=tuple(_limits(manifest, numbering)),
        lines=tuple(told_lines(manifest, [link.text for link in floor_files])),
        left_out=left_out(manifest),
        leaving_out=tuple(sorted(leaving_out(contents), key=lambda each: -each.size)),
        licences=tuple(_licences(contents.components, numbering)),
        changes=tuple(_changes(manifest, numbering)),
    )


def _owners(contents: Contents, numbering: Numbering) -> Iterator[Owner]:
    sizes: Counter[str] = Counter()
    files: Counter[str] = Counter()
    newest: dict[str, Release] = {}
    for item in contents.items:
        owner = numbering.owner_name(item)
        sizes[owner] += item.size
        files[owner] += item.link is None
        if (binary := contents.binaries.get(item.path)) and binary.demand:
            newest[owner] = max(newest.get(owner, ()), binary.demand.release)
    distributions = {part.name: part for part in contents.components if part.kind is ComponentKind.DISTRIBUTION}
    versions = dict(contents.manifest.distributions)
    for name in sorted(sizes, key=lambda name: (-sizes[name], name)):
        part = distributions.get(name)
        yield Owner(
            Link(name, numbering.address_of_owner(name)),
            part.version if part else versions.get(name, ""),
            sizes[name],
            files[name],
            part.licence if part else "",
            text_of(newest[name]) if name in newest else "",
        )


def _libraries(contents: Contents, numbering: Numbering) -> Iterator[Library]:
    """Those in the bundle, the largest first, and the names of those that are not."""
    users = _users(contents, numbering)
    parts = {path: part for part in contents.components for path in part.paths}
    bundled = {fact.path for fact in contents.manifest.bundled}
    for item in sorted(contents.items, key=lambda item: -item.size):
        binary = contents.binaries.get(item.path)
        if binary is None or not (item.kind is FileKind.LIBRARY or item.path in bundled):
            continue
        address = numbering.address_of_file(item.path)
        yield Library(
            Link(item.path.rpartition("/")[2], address),
            item.path,
            _place(item, item.path in bundled),
            _source(item, parts.get(item.path)),
            item.size,
            users[address],
            *_demand(binary),
            item.reason,
        )
    for name, place in numbering.absent:
        address = numbering.address_of_library(name, place)
        yield Library(Link(name, address), "", place.value, "", 0, users[address], "", (), "")


def _users(contents: Contents, numbering: Numbering) -> Counter[str]:
    """How many files name each library, by its address."""
    return Counter(
        address
        for binary in contents.binaries.values()
        for address in {
            numbering.address_of_library(need.name, need.place)
            if numbering.is_absent(need)
            else numbering.address_of_file(need.path)
            for need in binary.needs
        }
    )


def _demand(binary: Binary) -> tuple[str, Release]:
    return (binary.demand.text, binary.demand.release) if binary.demand else ("", ())


def _place(item: Item, is_bundled: bool) -> str:
    """Where a library of the bundle came from, in three kinds."""
    if is_bundled:
        return "from the host"
    return "in a package" if item.owner else "of Python"


def _source(item: Item, part: Component | None) -> str:
    return (part.package if part else "") or item.owner or item.origin


def _floor(manifest: Manifest) -> Told:
    """The oldest system that the bundle runs on."""
    floor = manifest.floor
    if floor is None and manifest.loader:
        return Told("need", "no libc of the target's: its own comes along")
    if floor is None:
        return Told("need", f"any release of {manifest.libc or 'its system'}: no file asks for one")
    more = [f"without that file {floor.system} {floor.text_without} would do"] if floor.text_without else []
    if host := manifest.host_libc:
        more.append(f"the target's {host.system} is used from {host.text} on, else its own, which comes along")
    return Told("need", f"{floor.system} {floor.text}", tuple(more))


def _floor_files(contents: Contents, numbering: Numbering) -> Iterator[Link]:
    """The file that the floor names, and those that ask for the same release."""
    floor = contents.manifest.floor
    if floor is None:
        return
    others = (
        []
        if contents.manifest.loader  # then the others ask the libc that comes along
        else sorted(
            path
            for path, binary in contents.binaries.items()
            if binary.demand is not None and binary.demand.release == floor.release and path != floor.file
        )
    )
    for path in (floor.file, *others):
        yield Link(path, numbering.address_of_file(path))


def _asks(contents: Contents, numbering: Numbering) -> Iterator[Asks]:
    """Files by what they ask for. Of a bundle that brings its libc that is what its libc must have."""
    owners = {item.path: numbering.owner_name(item) for item in contents.items}
    users = _users(contents, numbering)
    demands = [(binary.demand, path) for path, binary in contents.binaries.items() if binary.demand is not None]
    demands.sort(key=lambda pair: (tuple(-number for number in pair[0].release), pair[1]))
    for release, pairs in groupby(demands, key=lambda pair: pair[0].release):
        links = ((demand, Link(path, numbering.address_of_file(path))) for demand, path in pairs)
        asks = (Ask(link, demand.reason, owners.get(link.text, ""), users[link.address]) for demand, link in links)
        yield Asks(text_of(release), tuple(asks))


def _limits(manifest: Manifest, numbering: Numbering) -> Iterator[Limit]:
    ceiling = manifest.ceiling

    def links(paths: Iterable[str]) -> tuple[Link, ...]:
        return tuple(Link(path, numbering.address_of_file(path)) for path in paths)

    level = ceiling.cpu_level
    limits = [
        (
            "executable stacks",
            "glibc 2.41 and later refuse to open these files; pack with --fix-execstack",
            links(ceiling.executable_stacks),
        ),
        (
            "stacks that are executable because nothing is said",
            "glibc 2.41 and later refuse to open these files; they must be linked anew with -z noexecstack",
            links(ceiling.unmarked_stacks),
        ),
        (
            f"a processor of the level {level.name}" if level else "",
            "older processors end the program with an illegal instruction",
            links([level.file] if level else []),
        ),
        *(
            (f"a libc with {demand.name}", "a newer libc than the floor says has it", links([demand.file]))
            for demand in ceiling.unknown_versions
        ),
        (
            "text relocations",
            "systems that forbid writing to code (SELinux, systemd) refuse them",
            links(ceiling.text_relocations),
        ),
        (
            "memory to write to and execute",
            "systems that forbid it (SELinux, systemd) refuse it",
            links(ceiling.writable_code),
        ),
        *(
            (f"{name} of the target", "it does not come along, and not every system has it", links(paths))
            for name, paths in manifest.asked_of_target.items()
        ),
    ]
    for what, meaning, files in limits:
        if files:
            yield Limit(what, meaning, files)


def _licences(components: Sequence[Component], numbering: Numbering) -> Iterator[Group]:
    """Components by licence, those that tell none first, then the licence that most have."""
    groups: dict[str, list[Component]] = {}
    for component in components:
        groups.setdefault(component.licence or _NO_LICENCE, []).append(component)
    for licence in sorted(groups, key=lambda name: (name != _NO_LICENCE, -len(groups[name]), name)):
        yield Group(licence, tuple(_member(component, numbering) for component in groups[licence]))


def _member(component: Component, numbering: Numbering) -> tuple[str, Link, str]:
    owner = component.name if component.kind is ComponentKind.DISTRIBUTION else ""
    address = numbering.address_of_owner(owner)
    address = address or next(filter(None, map(numbering.address_of_file, component.paths)), "")
    version = f" {component.version}" if component.version else ""
    texts = f"{len(component.licence_files) or 'no'} licence text{'s' * (len(component.licence_files) != 1)}"
    more = [component.package, f"in {component.owner}" if component.owner else "", texts]
    return component.kind.value, Link(component.name + version, address), ", ".join(filter(None, more))


def _changes(manifest: Manifest, numbering: Numbering) -> Iterator[Group]:
    """Changed files by reason, the most first."""
    groups: dict[str, list[tuple[str, Link, str]]] = {}
    for change in manifest.changed:
        link = Link(change.path, numbering.address_of_file(change.path))
        groups.setdefault(change.reason, []).append(("", link, change.origin))
    for reason in sorted(groups, key=lambda reason: (-len(groups[reason]), reason)):
        yield Group(reason, tuple(groups[reason]))

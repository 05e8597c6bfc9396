"""Which packages of the machine the bundle's libraries came from, and their licence texts, which come along with them.

Most licences ask for that: who ships a library ships its licence. The packages' files lie on the packing machine alone.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field

from bundler.bundle_paths import lies_in, relative
from bundler.entries import Entry, Layer, Link, Patched, Source
from bundler.environment import Environment, Interpreter
from bundler.files import opened
from bundler.host_package import Copyleft, HostPackage
from bundler.machine import os
from bundler.manifest import LibraryFact, PackageFact
from bundler.options import ContentOptions
from bundler.plan.bases.parts import base_origin
from bundler.plan.binaries.planned import library_origin
from bundler.plan.collect import source_of
from bundler.plan.filters import filtered
from bundler.plan.former_packages import Former, read_former
from bundler.plan.overlay import Entries
from bundler.prefixes import is_system_prefix
from bundler.systems import system_of
from bundler.systems.libraries import BundledLibrary, LibraryFacts
from bundler.systems.packaged import NOTHING_PACKAGED, Packaged

LICENCES = "licenses/bundled"
"""Below `share`: a folder a package, as in Fedora's /usr/share/licenses, and `common-licenses` for what Debian's refer to."""


@dataclass(frozen=True, slots=True)
class HostPackages:
    """What the packages of the machine tell of a bundle."""

    packaged: Packaged = NOTHING_PACKAGED
    entries: Mapping[str, Entry] = field(default_factory=dict)
    """The licence texts, by bundle path."""
    folder: str = ""
    """The bundle path of the folder that they lie in."""
    companions: Mapping[str, str] = field(default_factory=dict)
    """Files of this machine that libraries open by themselves, by bundle path."""
    former: Former = field(default_factory=Former)
    """What an earlier pack knew, where a bundle is packed again."""

    def fact(self, library: BundledLibrary, environment: Environment) -> LibraryFact:
        """What `bundle.json` tells of a library. Where no package tells its licence, the name does, for a few."""
        file = self.packaged.files.get(library.source)
        origin = library_origin(library, environment.interpreter)
        if file is not None and file.licence:
            return LibraryFact(
                library.path,
                origin,
                library.needed_by,
                file.licence,
                file.copyleft,
                file.package,
                self.licence_files(library.source),
            )
        licence = system_of(environment.platform.system).copyleft_licence(os.path.basename(library.path))
        copyleft = Copyleft.STRONG if licence else Copyleft.NO
        package = file.package if file is not None else None
        return LibraryFact(
            library.path, origin, library.needed_by, licence, copyleft, package, self.licence_files(library.source)
        )

    @property
    def companion_facts(self) -> tuple[PackageFact, ...]:
        """What `bundle.json` tells of the packages that plugins and data came from."""
        paths: dict[HostPackage, list[str]] = {}
        firsts: dict[HostPackage, str] = {}
        for path, source in self.companions.items():
            if file := self.packaged.files.get(source):
                paths.setdefault(file.package, []).append(path)
                firsts.setdefault(file.package, source)
        own = (
            PackageFact(
                package,
                tuple(paths[package]),
                self.packaged.files[source].licence,
                self.licence_files(source),
            )
            for package, source in firsts.items()
        )
        return (*own, *self.former.packages)

    def of_interpreter(self, interpreter: Interpreter) -> HostPackage | None:
        """The package of the interpreter itself."""
        file = self.packaged.files.get(interpreter.executable)
        return file.package if file is not None else self.former.python

    def interpreter_licences(self, interpreter: Interpreter) -> tuple[str, ...]:
        """Bundle paths of that package's licence texts."""
        return self.licence_files(interpreter.executable) or self.former.python_licences

    def licence_files(self, source: str) -> tuple[str, ...]:
        """Bundle paths of the licence texts of a file of this machine."""
        file = self.packaged.files.get(source)
        places = (f"{self.folder}/{name}" for name in sorted(file.texts)) if file is not None else ()
        return tuple(place for place in places if place in self.entries)


def find_host_packages(
    environment: Environment, libraries: LibraryFacts, entries: Entries, content: ContentOptions
) -> HostPackages:
    """Ask for the packages of what comes from the machine's own folders: libraries, what they open, and its own Python."""
    interpreter = environment.interpreter
    companions = _companion_files(libraries, entries)
    sources = [*(library.source for library in libraries.bundled), *companions.values()]
    if is_system_prefix(interpreter.sysroot.name_of(interpreter.base_prefix)):
        sources.append(interpreter.executable)
    former = read_former(environment, entries)
    if not sources:
        return HostPackages(former=former)
    packaged = system_of(environment.platform.system).packages_of(sources, interpreter.sysroot)
    folder = f"{environment.scheme.share}/{LICENCES}"
    texts = filtered(_licence_entries(packaged, folder, environment), environment.scheme, content)
    return HostPackages(packaged, texts, folder, companions, former)


def _companion_files(libraries: LibraryFacts, entries: Entries) -> dict[str, str]:
    """Files of this machine that came along with libraries, by bundle path: shared objects, and one of each folder without."""
    places = tuple(fact.path for fact in libraries.companions)
    found: dict[str, str] = {}
    folders: dict[str, str] = {}
    for path in sorted(path for path in entries if path.startswith(places)) if places else ():
        content = entries[path].content
        if isinstance(content, Source | Patched) and any(lies_in(path, place) for place in places):
            if ".so" in os.path.basename(path):
                found[path] = content.path
            folders.setdefault(os.path.dirname(path), path)
    with_objects = {os.path.dirname(path) for path in found}
    for folder, path in folders.items():
        content = entries[path].content
        if folder not in with_objects and isinstance(content, Source | Patched):
            found[path] = content.path
    return found


def _licence_entries(packaged: Packaged, folder: str, environment: Environment) -> dict[str, Entry]:
    """The texts; one that several packages have, or that has several names, is there once, and links lead to it."""
    texts = dict(sorted(itertools.chain.from_iterable(file.texts.items() for file in packaged.files.values())))
    digests = {path: _digest(path) for path in set(texts.values())}
    names: dict[bytes, str] = {}
    for name, path in texts.items():
        if os.path.basename(path) == os.path.basename(name):
            names.setdefault(digests[path], name)  # it is called so there, too
    entries = {}
    for name, path in texts.items():
        first = names.setdefault(digests[path], name)
        found = os.stat(path)
        content = source_of(path, found, environment.read_at)
        entry = Entry(
            f"{folder}/{name}",
            content if first == name else Link(relative(first, os.path.dirname(name))),
            0o644,
            found.st_mtime_ns,
            Layer.RUNTIME,
            base_origin(environment.interpreter, path),
        )
        entries[entry.path] = entry
    return entries


def _digest(path: str) -> bytes:
    with opened(path) as file:
        return hashlib.sha256(file.read()).digest()

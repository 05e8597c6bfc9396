"""The content of `bundle.json` as values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass, field
from typing import NamedTuple

from bundler.bundle_paths import normal
from bundler.ceiling import NO_CEILING, Ceiling
from bundler.companions import CompanionFact, CompiledInPath
from bundler.floor import Floor
from bundler.host_package import Copyleft, HostPackage
from bundler.scheme import BundleScheme

SCHEMA = 1
USUAL_MODE = 0o644
"""The permission bits of a file that are not written down."""


@dataclass(frozen=True, slots=True)
class PythonFacts:
    """The interpreter of a bundle, and where the bundle keeps what."""

    version: str
    scheme: BundleScheme
    library: str | None
    """The bundle path of the libpython that it loads; None where its own file holds Python."""
    site_packages: tuple[str, ...]
    """Bundle paths of all package folders."""
    extension_suffixes: tuple[str, ...]
    implementation: str = "cpython"
    package: HostPackage | None = None
    """The package of the packing machine that it came from; None for one of no package's."""
    licence_files: tuple[str, ...] = ()
    """Bundle paths of that package's licence texts."""

    @property
    def executable(self) -> str:
        """The bundle path of the interpreter."""
        return self.scheme.executable

    @property
    def stdlib(self) -> str:
        """The bundle path of the standard library."""
        return self.scheme.stdlib

    @property
    def release(self) -> tuple[int, int]:
        """`X.Y` as numbers; zeros for a version that is none."""
        found = re.match(r"(\d{1,5})\.(\d{1,5})", self.version)
        return (int(found[1]), int(found[2])) if found else (0, 0)


class FileFact(NamedTuple):
    """One path: a file has `sha256` (hexadecimal) and `size` in bytes, a link has `link`, its target."""

    sha256: str | None = None
    size: int = 0
    link: str | None = None
    origin: str = ""
    mode: int = USUAL_MODE
    """Permission bits of a file."""


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file that differs from its origin, and why."""

    path: str
    origin: str
    reason: str


@dataclass(frozen=True, slots=True)
class LibraryFact:
    """A library taken along from the host: bundle path, where it came from, who needs it (bundle paths)."""

    path: str
    origin: str
    needed_by: tuple[str, ...]
    licence: str | None = None
    """An SPDX expression, or the words that its package has for it; by the library's name alone where there is no package."""
    copyleft: Copyleft = Copyleft.NO
    """Whether that licence covers what is shipped with it."""
    package: HostPackage | None = None
    """The package of the packing machine that it came from."""
    licence_files: tuple[str, ...] = ()
    """Bundle paths of the package's licence texts."""


@dataclass(frozen=True, slots=True)
class PackageFact:
    """A package that brought other files than `bundled`: what those open by themselves, what an earlier pack took along."""

    package: HostPackage
    paths: tuple[str, ...]
    """Bundle paths of its shared objects, and of one file of each folder with none."""
    licence: str = ""
    """An SPDX expression, or the words that the package has for it."""
    licence_files: tuple[str, ...] = ()
    """Bundle paths of the package's licence texts."""


@dataclass(frozen=True, slots=True)
class MissingLibrary:
    """A NEEDED that was found nowhere in the source either, and the bundle path of the file that has it."""

    path: str
    needed: str


@dataclass(frozen=True, slots=True)
class UnprovidedFact:
    """A version of symbols that a file (bundle path) needs of a library, and that is not there in the source either."""

    path: str
    library: str
    version: str


@dataclass(frozen=True, slots=True)
class UnboundFact:
    """Symbols that a file (bundle path) asks for when it is loaded, and that nothing has in the source either."""

    path: str
    symbols: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OpenedFact:
    """A library that a file (bundle path) says it opens at run time, and what became of it. See `systems.libraries`."""

    path: str
    sonames: tuple[str, ...]
    priority: str
    feature: str
    outcome: str
    library: str | None = None
    """The bundle path of the one that came along."""


RecordedValue = str | bool | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecordedOptions:
    """The options that decided what is in a bundle, under the names of `[tool.bundler]`; what was left open is not there."""

    values: Mapping[str, RecordedValue] = field(default_factory=dict)
    configured: tuple[str, ...] = ()
    """The names of those that a configuration gave, and not whoever packed."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything in `bundle.json`."""

    bundler: str
    python: PythonFacts
    machine: str
    floor: Floor | None
    """None where nothing asks for a version."""
    distributions: tuple[tuple[str, str], ...]
    """Name and version of each."""
    files: Mapping[str, FileFact]
    changed: tuple[ChangedFile, ...] = ()
    bundled: tuple[LibraryFact, ...] = ()
    host_libraries: tuple[str, ...] = ()
    """Names that are left to the host."""
    asked_of_target: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Bundle paths of the files that need each of those which not every target has."""
    missing: tuple[MissingLibrary, ...] = ()
    unprovided: tuple[UnprovidedFact, ...] = ()
    unbound: tuple[UnboundFact, ...] = ()
    loader: str = ""
    """The bundle path of the loader that comes along with libc; "" where the target's are used."""
    host_libc: Floor | None = None
    """The oldest libc of a target that is used in place of the one that comes along; None where none is."""
    opened: tuple[OpenedFact, ...] = ()
    companions: tuple[CompanionFact, ...] = ()
    companion_packages: tuple[PackageFact, ...] = ()
    """Where the companions came from; in a bundle that was packed again, libraries as well."""
    compiled_in: tuple[CompiledInPath, ...] = ()
    import_failures: Mapping[str, str] | None = field(default_factory=dict)
    """Modules that fail to import in the source too, with the error; None where the source was not tried."""
    entry: str = ""
    """What the start command starts: `module:function`, or a script of the bundle with arguments; "" for none."""
    start_module: str = ""
    """The module that the start command begins with; "" for none."""
    options: RecordedOptions | None = None
    """None where bundle.json does not tell."""
    warnings: tuple[str, ...] = ()
    empty_folders: tuple[str, ...] = ()
    """Bundle paths of folders that nothing lies in: many a program that copies loses them."""
    system: str = "linux"
    """The operating system that the bundle runs on, as Python's `sys.platform` names it."""
    libc: str | None = None
    """The C library that it is built for (`glibc`); None outside of Linux."""
    ceiling: Ceiling = NO_CEILING
    unpublished: tuple[str, ...] = ()
    """Names of the distributions that came from no index."""
    application: tuple[str, str] = ("", "")
    """Name and version of what the bundle was made for; "" where nobody knows them."""
    schema: int = SCHEMA

    def leading_out(self) -> Iterator[str]:
        """Paths that are none of a bundle's: absolute ones, and such as lead out of it. No pack writes any."""
        python = self.python
        scheme = (path for value in astuple(python.scheme) for path in ((value,) if isinstance(value, str) else value))
        for path in dict.fromkeys((*scheme, python.library or "", *python.site_packages, self.loader, *self.files)):
            if (path[:1] in ("/", ".") or "//" in path or "/." in path or path[-1:] == "/") and normal(path) != path:
                yield path

"""What a bundle's bytes are: its parts, and what each smaller profile would save of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from bundler.entries import Entry, Layer
from bundler.manifest import FileFact, Manifest
from bundler.options import ContentOptions, Profile
from bundler.plan.filters import left_out_by
from bundler.scheme import BundleScheme

_PACKAGE = re.compile(r"[^/.-]+")  # `numpy` of `numpy/…`, `numpy.libs/…` and `numpy-2.1.dist-info/…`


class Part(NamedTuple):
    """A part of a bundle: a package, the standard library, a folder."""

    name: str
    size: int
    """Bytes of its files."""


class NeededLibrary(Protocol):
    """A library of the host that comes along."""

    @property
    def path(self) -> str:
        """Its bundle path."""

    @property
    def needed_by(self) -> tuple[str, ...]:
        """Bundle paths of the files that ask for it."""


class Saving(NamedTuple):
    """What a profile would leave out of a bundle."""

    profile: Profile
    size: int
    """Bytes."""


def parts_of(manifest: Manifest) -> tuple[Part, ...]:
    """The parts of a bundle, the largest first. `bundle.json` itself belongs to none."""
    python = manifest.python
    scheme = python.scheme
    named = [(f"{folder}/", "") for folder in python.site_packages]
    named += [(f"{scheme.stdlib}/", "standard library"), (f"{scheme.bundled}/", "host libraries")]
    named += [(fact.path, "host libraries") for fact in manifest.bundled]
    named.append((scheme.executable, "interpreter"))
    if python.library:
        named.append((python.library, python.library if python.library.endswith(".dll") else "libpython"))
    sizes: dict[str, int] = {}
    for path, fact in manifest.files.items():
        if fact.size:
            name = _name(path, named)
            sizes[name] = sizes.get(name, 0) + fact.size
    return tuple(Part(name, size) for name, size in sorted(sizes.items(), key=lambda item: (-item[1], item[0])))


def _name(path: str, named: Sequence[tuple[str, str]]) -> str:
    """What the part is called that a file belongs to."""
    for place, name in named:
        if path.startswith(place):
            match = None if name else _PACKAGE.match(path, len(place))
            return match[0] if match else name or "packages"
    first, _, below = path.partition("/")
    second, slash, _ = below.partition("/")
    return f"{first}/{second}" if slash else first


def savings(
    entries: Sequence[Entry],
    files: Mapping[str, FileFact],
    scheme: BundleScheme,
    options: ContentOptions,
    libraries: Sequence[NeededLibrary],
) -> tuple[Saving, ...]:
    """What each profile that is smaller than the chosen one would save of a plan, libraries that nothing else needs included.

    `files` are the facts of the entries' files, by bundle path.
    """
    runtime = [entry.path for entry in entries if entry.layer is Layer.RUNTIME and entry.path in files]
    return savings_of(runtime, files, scheme, options, libraries)


def savings_of(
    runtime: Iterable[str],
    files: Mapping[str, FileFact],
    scheme: BundleScheme,
    options: ContentOptions,
    libraries: Sequence[NeededLibrary],
) -> tuple[Saving, ...]:
    """The same of a bundle, whose files of the `runtime` (bundle paths) are known. `options` are those that made it."""
    left_out = left_out_by(runtime, scheme, options)
    left_out |= _of_no_use(left_out, libraries)
    return tuple(_totals(left_out, files))


def _totals(left_out: Mapping[str, Profile], files: Mapping[str, FileFact]) -> Iterator[Saving]:
    total = 0
    for profile in Profile:  # each leaves out what those before it do
        of_profile = [path for path, first in left_out.items() if first is profile]
        total += sum(files[path].size for path in of_profile)
        if of_profile:
            yield Saving(profile, total)


def _of_no_use(left_out: Mapping[str, Profile], libraries: Sequence[NeededLibrary]) -> dict[str, Profile]:
    """The libraries of the host that only what is left out asks for, each with the first profile that needs them no more."""
    order = list(Profile)
    found: dict[str, Profile] = {}
    missing = [library for library in libraries if library.needed_by]
    while missing:
        gone = {**left_out, **found}
        useless = [library for library in missing if all(path in gone for path in library.needed_by)]
        if not useless:
            break
        found |= {each.path: max((gone[path] for path in each.needed_by), key=order.index) for each in useless}
        missing = [library for library in missing if library not in useless]
    return found

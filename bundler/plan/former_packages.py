"""A bundle that is packed again: which packages its files came from, its own `bundle.json` knows. Nobody else does any more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bundler.entries import Source
from bundler.environment import Environment
from bundler.errors import BundlerError
from bundler.files import MOST_OF_A_MANIFEST, read_regular
from bundler.host_package import HostPackage
from bundler.machine import os
from bundler.machine.failing import unless_failing
from bundler.manifest import Manifest, PackageFact, read_manifest
from bundler.plan.overlay import Entries


@dataclass(frozen=True, slots=True)
class Former:
    """What an earlier pack knew of what is there still."""

    packages: tuple[PackageFact, ...] = ()
    python: HostPackage | None = None
    python_licences: tuple[str, ...] = ()
    """Bundle paths of the licence texts of Python's package."""


def read_former(environment: Environment, entries: Entries) -> Former:
    """What the `bundle.json` of the environment, or of its base, tells of files that are among the entries as they were."""
    manifest = _manifest((environment.root, environment.interpreter.base_prefix))
    if manifest is None:
        return Former()
    return Former(
        tuple(_packages(manifest, entries)),
        manifest.python.package,
        tuple(path for path in manifest.python.licence_files if path in entries),
    )


def _packages(manifest: Manifest, entries: Entries) -> Iterator[PackageFact]:
    facts = [
        *(
            PackageFact(fact.package, (fact.path,), fact.licence or "", fact.licence_files)
            for fact in manifest.bundled
            if fact.package is not None
        ),
        *manifest.companion_packages,
    ]
    for fact in facts:
        paths = tuple(path for path in fact.paths if _is_as_it_was(path, manifest, entries))
        texts = tuple(path for path in fact.licence_files if path in entries)
        if paths:
            yield PackageFact(fact.package, paths, fact.licence, texts)


def _is_as_it_was(path: str, manifest: Manifest, entries: Entries) -> bool:
    """Whether a file is there, and has the size that it had."""
    entry, fact = entries.get(path), manifest.files.get(path)
    return (
        entry is not None and fact is not None and isinstance(entry.content, Source) and entry.content.size == fact.size
    )


def _manifest(folders: Iterable[str]) -> Manifest | None:
    """The first `bundle.json` that is there; None where there is none that can be read: the environment is no bundle then."""
    for folder in folders:
        path = os.path.join(folder, "bundle.json")
        try:
            return read_manifest(read_regular(path, MOST_OF_A_MANIFEST))
        except (OSError, BundlerError) as error:
            unless_failing(error, path)
    return None

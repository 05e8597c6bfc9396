"""`bundle.json` of a plan: the last entry, written when everything else is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import NamedTuple

from bundler.entries import Deferred, Digest, Digests, Directory, Entry, Layer, Link, size_of
from bundler.manifest import (
    ChangedFile,
    FileFact,
    Manifest,
    MissingLibrary,
    OpenedFact,
    PythonFacts,
    UnboundFact,
    UnprovidedFact,
    write_manifest,
)
from bundler.plan.make import Plan
from bundler.systems import system_of
from bundler.systems.asked import asked_of_target
from bundler.version import VERSION

MANIFEST = "bundle.json"
_PATH = attrgetter("path")
_NO_DIGEST = bytes(32)
_LINE = 118  # bytes of a line about a file, but for its path and its origin


def manifest_entry(
    plan: Plan, import_failures: Mapping[str, str] | None, made: Callable[[Manifest], object] = lambda _manifest: None
) -> Entry:
    """The entry of `bundle.json`, whose manifest is that of `manifest_of`. `made` is told of it when the digests are known."""

    def make(digests: Digests) -> bytes:
        manifest = manifest_of(plan, digests, import_failures)
        made(manifest)
        return write_manifest(manifest)

    time = next(entry.mtime_ns for entry in plan.entries if entry.path == plan.environment.scheme.executable)
    size = sum(len(entry.path) + len(entry.origin) + _LINE for entry in plan.entries)
    return Entry(MANIFEST, Deferred(make, size), 0o644, time, Layer.APPLICATION, "bundler")


class Foreseen(NamedTuple):
    """What is known of a bundle that nobody writes."""

    manifest: Manifest
    """Files have a size, and no digest."""
    size: int
    """Bytes of all files, `bundle.json` among them."""


def foreseen(plan: Plan, import_failures: Mapping[str, str] | None) -> Foreseen:
    """What a plan comes to, where `import_failures` are found: sizes are exact, since no digest is longer than another."""
    digests: dict[str, Digest] = {}
    for entry in plan.entries:
        match entry.content:
            case Directory() | Link():
                continue
            case Deferred(make):
                size = len(make(digests))
            case content:
                size = size_of(content)
        digests[entry.path] = Digest(_NO_DIGEST, size)
    manifest = manifest_of(plan, digests, import_failures)
    size = sum(digest.size for digest in digests.values()) + len(write_manifest(manifest))
    files = {path: fact._replace(sha256=None) for path, fact in manifest.files.items()}
    return Foreseen(replace(manifest, files=files, import_failures=None), size)


def manifest_of(plan: Plan, digests: Digests, import_failures: Mapping[str, str] | None) -> Manifest:
    """The manifest of a plan."""
    interpreter = plan.environment.interpreter
    entries = sorted(plan.entries, key=_PATH)
    environment = plan.environment
    scheme, libraries, libc = environment.scheme, plan.libraries, environment.platform.libc
    system = system_of(environment.platform.system)
    folders = [entry.path for entry in plan.entries if isinstance(entry.content, Directory)]
    return Manifest(
        bundler=VERSION,
        python=PythonFacts(
            version=interpreter.version,
            scheme=scheme,
            library=plan.libpython,
            site_packages=tuple(path for path in folders if scheme.is_package_folder(path)) or (scheme.site_packages,),
            extension_suffixes=interpreter.extension_suffixes,
            package=plan.packages.of_interpreter(interpreter),
            licence_files=plan.packages.interpreter_licences(interpreter),
        ),
        machine="+".join(environment.platform.machine_names),
        floor=plan.floor,
        ceiling=plan.ceiling,
        distributions=tuple(sorted((found.name, found.version) for found in environment.distributions)),
        application=plan.title,
        unpublished=plan.published.unpublished if plan.published is not None else (),
        files={entry.path: _file(entry, digests) for entry in entries if not isinstance(entry.content, Directory)},
        empty_folders=_empty(folders, entries),
        changed=tuple(
            ChangedFile(entry.path, entry.origin, entry.reason) for entry in entries if entry.reason is not None
        ),
        bundled=tuple(plan.packages.fact(library, environment) for library in libraries.bundled),
        host_libraries=libraries.host,
        loader=libraries.loader,
        host_libc=libraries.host_libc,
        asked_of_target=asked_of_target(libraries, system),
        missing=tuple(MissingLibrary(*needed) for needed in libraries.missing),
        unprovided=tuple(UnprovidedFact(*version) for version in libraries.unprovided),
        unbound=tuple(UnboundFact(*symbols) for symbols in libraries.unbound),
        opened=tuple(
            OpenedFact(
                noted.path,
                noted.sonames,
                noted.priority,
                noted.feature,
                outcome=noted.outcome.value,
                library=noted.library,
            )
            for noted in libraries.noted
        ),
        companions=libraries.companions,
        companion_packages=plan.packages.companion_facts,
        compiled_in=libraries.compiled_in,
        import_failures=import_failures,
        entry=plan.start.entry if plan.start else "",
        start_module=plan.start.module if plan.start else "",
        options=plan.options,
        warnings=plan.warnings,
        system=environment.platform.system.value,
        libc=libc.value if libc else None,
    )


def _empty(folders: Sequence[str], entries: Sequence[Entry]) -> tuple[str, ...]:
    """Those of the folders in which no entry lies, in order."""
    above = {entry.path.rpartition("/")[0] for entry in entries}
    return tuple(sorted(folder for folder in folders if folder not in above))


def _file(entry: Entry, digests: Digests) -> FileFact:
    if isinstance(entry.content, Link):
        return FileFact(link=entry.content.target, origin=entry.origin)
    digest = digests[entry.path]
    return FileFact(digest.sha256.hex(), digest.size, None, entry.origin, entry.mode)

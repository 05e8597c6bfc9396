"""`bundle.json` of a plan: the last entry, written when everything else is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from operator import attrgetter

from bundler.entries import Deferred, Digests, Directory, Entry, Layer, Link
from bundler.manifest import (
    ChangedFile,
    FileFact,
    LibraryFact,
    Manifest,
    MissingLibrary,
    PythonFacts,
    write_manifest,
)
from bundler.plan.base_mounts import executable_path, site_packages_path, stdlib_path
from bundler.plan.binaries.planned import library_origin
from bundler.plan.make import Plan
from bundler.systems.linux.closure import Missing
from bundler.systems.linux.policy import copyleft_licence
from bundler.version import VERSION

MANIFEST = "bundle.json"
_PATH = attrgetter("path")


class ManifestMaker:
    """What makes `bundle.json`, once the digests are known; `import_failures` are modules that the source cannot import either."""

    def __init__(self, plan: Plan, import_failures: Mapping[str, str]) -> None:
        self._plan = plan
        self._import_failures = import_failures
        self._made: Manifest | None = None

    @property
    def entry(self) -> Entry:
        """The entry of `bundle.json`."""
        time = next(entry.mtime_ns for entry in self._plan.entries if entry.path == "pyvenv.cfg")
        return Entry(MANIFEST, Deferred(self._make), 0o644, time, Layer.APPLICATION, "bundler")

    @property
    def manifest(self) -> Manifest:
        """What was written; where nothing was, the same without digests."""
        return self._made or manifest_of(self._plan, {}, self._import_failures)

    def _make(self, digests: Digests) -> bytes:
        self._made = manifest_of(self._plan, digests, self._import_failures)
        return write_manifest(self._made)


def manifest_of(plan: Plan, digests: Digests, import_failures: Mapping[str, str]) -> Manifest:
    """The manifest of a plan. Without digests (a dry run) files have none."""
    interpreter = plan.environment.interpreter
    entries = sorted(plan.entries, key=_PATH)
    site_packages = re.compile(rf"lib(64)?/{re.escape(interpreter.python_name)}/(system-site/\d+/)?site-packages")
    folders = [entry.path for entry in plan.entries if isinstance(entry.content, Directory)]
    return Manifest(
        bundler=VERSION,
        python=PythonFacts(
            version=interpreter.version,
            executable=executable_path(interpreter),
            stdlib=stdlib_path(interpreter),
            site_packages=tuple(path for path in folders if site_packages.fullmatch(path))
            or (site_packages_path(interpreter),),
            extension_suffixes=interpreter.extension_suffixes,
        ),
        machine="+".join(plan.environment.platform.machine_names),
        libc_floor=plan.floor.text if plan.floor else None,
        floor_file=plan.floor.file if plan.floor else None,
        floor_symbol=plan.floor.symbol if plan.floor else None,
        distributions=tuple(sorted((found.name, found.version) for found in plan.environment.distributions)),
        files={entry.path: _file(entry, digests) for entry in entries if not isinstance(entry.content, Directory)},
        changed=tuple(
            ChangedFile(entry.path, entry.origin, entry.reason) for entry in entries if entry.reason is not None
        ),
        bundled=tuple(
            LibraryFact(
                library.path,
                library_origin(library, interpreter),
                library.needed_by,
                copyleft_licence(library.path.rpartition("/")[2]),
            )
            for library in plan.closure.bundled
        ),
        host_libraries=plan.closure.host,
        missing=tuple(
            MissingLibrary(path, name)
            for path, needs in sorted(plan.closure.needs.items())
            for name, location in needs.items()
            if isinstance(location, Missing)
        ),
        import_failures=import_failures,
        warnings=plan.warnings,
        system=plan.environment.platform.system.value,
    )


def _file(entry: Entry, digests: Digests) -> FileFact:
    if isinstance(entry.content, Link):
        return FileFact(link=entry.content.target, origin=entry.origin)
    digest = digests.get(entry.path)
    if digest is None:
        return FileFact(origin=entry.origin)
    return FileFact(digest.sha256.hex(), digest.size, None, entry.origin)

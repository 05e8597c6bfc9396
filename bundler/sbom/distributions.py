"""The distributions of a bundle, by the files of their metadata."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from packaging.utils import canonicalize_name

from bundler.bundle_paths import join, normal
from bundler.manifest import Manifest
from bundler.sbom.metadata import Metadata, Origin, read_metadata, read_origin

Read = Callable[[str], "bytes | None"]
"""Gives the bytes of the file at a bundle path, links followed; None where there is none, or `is_read` does not ask for it."""
_METADATA = re.compile(r"[^/]+(\.dist-info/METADATA|\.egg-info/PKG-INFO|\.egg-info)")


@dataclass(frozen=True, slots=True)
class Installed:
    """A distribution in a bundle."""

    folder: str
    """The bundle path of its `.dist-info` or `.egg-info`."""
    files: frozenset[str]
    """Bundle paths of what lies in that."""
    metadata: Metadata
    origin: Origin
    sboms: Mapping[str, bytes] = field(default_factory=dict)
    """The bills of materials that it brings, by bundle path."""
    owned: frozenset[str] = frozenset()
    """Bundle paths of its files, by its RECORD."""

    @property
    def key(self) -> str:
        """Its name as every tool spells it (PEP 503)."""
        return canonicalize_name(self.metadata.name)


def is_read(path: str) -> bool:
    """Whether `components_of` may read the file at a bundle path: it tells of a distribution. For who reads a bundle in one go."""
    folder, _, name = path.rpartition("/")
    if folder.endswith(".dist-info"):
        return name in ("METADATA", "RECORD", "direct_url.json")
    return path.endswith((".egg-info", ".egg-info/PKG-INFO")) or folder.endswith(".dist-info/sboms")


def metadata_files(manifest: Manifest) -> tuple[str, ...]:
    """Bundle paths of the files with the metadata of distributions, in order."""
    found = []
    for folder in manifest.python.site_packages:
        below = f"{folder}/"
        found += [path for path in manifest.files if path.startswith(below) and _METADATA.fullmatch(path, len(below))]
    return tuple(sorted(set(found)))


def find_installed(manifest: Manifest, read: Read) -> tuple[Installed, ...]:
    """Every distribution, in the order of paths."""
    found = {path: data for path in metadata_files(manifest) if (data := read(path)) is not None}
    in_folders = _in_folders(manifest, {_folder(path) for path in found})
    return tuple(_installed(path, data, in_folders, read) for path, data in found.items())


def _installed(path: str, data: bytes, in_folders: Mapping[str, frozenset[str]], read: Read) -> Installed:
    folder = _folder(path)
    files = in_folders.get(folder, frozenset())
    metadata = read_metadata(data)
    stem = folder.rpartition("/")[2].partition("-")
    metadata = metadata._replace(
        name=metadata.name or stem[0], version=metadata.version or stem[2].rpartition(".")[0].partition("-")[0]
    )
    sboms = {
        place: content
        for place in sorted(files)
        if place.startswith(f"{folder}/sboms/") and (content := read(place)) is not None
    }
    record = read(f"{folder}/RECORD") if f"{folder}/RECORD" in files else None
    origin = read(f"{folder}/direct_url.json") if f"{folder}/direct_url.json" in files else None
    return Installed(
        folder,
        files,
        metadata,
        read_origin(origin) if origin is not None else Origin(),
        sboms,
        frozenset(_owned(record or b"", folder.rpartition("/")[0])),
    )


def _folder(path: str) -> str:
    """Where the metadata lies whose main file is at a path: an `.egg-info` may be that file."""
    return path if path.endswith(".egg-info") else path.rpartition("/")[0]


def _in_folders(manifest: Manifest, folders: Iterable[str]) -> dict[str, frozenset[str]]:
    """The files below each folder of metadata."""
    found: dict[str, list[str]] = {folder: [] for folder in folders}
    for path in manifest.files:
        at = max(path.find(".dist-info/"), path.find(".egg-info/"))
        if at >= 0 and (folder := path[: path.index("/", at)]) in found:
            found[folder].append(path)
    return {folder: frozenset(paths) for folder, paths in found.items()}


def _owned(record: bytes, site_packages: str) -> Iterator[str]:
    """The files that a RECORD lists, without those outside of the bundle; a damaged one ends at the first row that is none."""
    try:
        for row in csv.reader(record.decode("utf-8", "surrogateescape").splitlines()):
            place = normal(join(site_packages, row[0])) if row and not row[0].startswith("/") else None
            if place:
                yield place
    except csv.Error:
        return

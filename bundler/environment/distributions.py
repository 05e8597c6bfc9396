"""The distributions installed in a package folder, read from their metadata."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from bundler.environment.facts import Distribution
from bundler.rewrite.direct_url import is_editable


def find_distributions(site_packages: Iterable[str]) -> tuple[Distribution, ...]:
    """Every distribution with a `.dist-info` folder in the given folders, by folder and name."""
    return tuple(found for folder in site_packages for found in _in_folder(folder))


def _in_folder(folder: str) -> Iterator[Distribution]:
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        return
    for name in names:
        if name.endswith(".dist-info"):
            metadata = os.path.join(folder, name)
            if os.path.isdir(metadata):
                yield _read(metadata)


def _read(metadata: str) -> Distribution:
    """Name and version from METADATA; where that is missing, from the folder's name."""
    stem = os.path.basename(metadata).removesuffix(".dist-info")
    name, _, version = stem.partition("-")
    try:
        with open(os.path.join(metadata, "METADATA"), encoding="utf-8", errors="surrogateescape") as file:
            for line in file:
                key, _, value = line.partition(":")
                if not line.strip():
                    break
                if key == "Name":
                    name = value.strip()
                elif key == "Version":
                    version = value.strip()
    except OSError:
        pass
    return Distribution(name, version, metadata, _editable(metadata))


def _editable(metadata: str) -> bool:
    try:
        with open(os.path.join(metadata, "direct_url.json"), "rb") as file:
            return is_editable(file.read())
    except OSError:
        return False

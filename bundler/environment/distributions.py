"""The distributions installed in a package folder, read from their metadata (the "Core metadata" specification)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from bundler.environment.facts import Distribution
from bundler.files import read_regular
from bundler.machine import os
from bundler.machine.failing import is_dir, unless_failing
from bundler.rewrite.direct_url import DirectUrl, parse_direct_url
from bundler.sysroot import HOST, Sysroot

_KINDS = (".dist-info", ".egg-info")


def find_distributions(site_packages: Iterable[str], root: Sysroot = HOST) -> tuple[Distribution, ...]:
    """Every distribution in the given folders of a root, by folder and name.

    It has a folder `.dist-info`, or what came before: a folder or a file `.egg-info`.
    """
    return tuple(found for folder in site_packages for found in _in_folder(folder, root))


def _in_folder(folder: str, root: Sysroot) -> Iterator[Distribution]:
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        return
    for name in names:
        stem, kind = os.path.splitext(name)
        metadata = os.path.join(folder, name)
        if kind in _KINDS and (kind == ".egg-info" or is_dir(metadata)):
            yield _read_distribution(metadata, stem, root)


def _read_distribution(metadata: str, stem: str, root: Sysroot) -> Distribution:
    """Name and version are the metadata's own; where it has none, those in the name `stem`, which installers normalise."""
    from email.parser import BytesHeaderParser

    problems = []
    name, _, version = stem.partition("-")
    version = version.partition("-")[0]
    try:
        # A description may follow the headers, and be long.
        headers = BytesHeaderParser().parsebytes(_read_headers(metadata))
        name, version = str(headers.get("Name", name)), str(headers.get("Version", version))
    except FileNotFoundError:
        pass
    except OSError as error:
        unless_failing(error, metadata)
        problems.append(f"{os.path.basename(metadata)}: its metadata cannot be read ({error.strerror})")
    try:
        direct_url = _read_direct_url(metadata)
    except OSError as error:
        unless_failing(error, metadata)
        direct_url = None
        problems.append(f"{os.path.basename(metadata)}/direct_url.json cannot be read ({error.strerror})")
    return Distribution(name, version, metadata, direct_url, tuple(problems), root)


def _read_headers(metadata: str) -> bytes:
    """What stands before the first empty line of METADATA, or of the PKG-INFO of an `.egg-info`."""
    place = metadata
    if is_dir(metadata):
        place = os.path.join(metadata, "PKG-INFO" if metadata.endswith(".egg-info") else "METADATA")
    return re.split(rb"^[ \t]*\r?\n", read_regular(place), maxsplit=1, flags=re.MULTILINE)[0]


def _read_direct_url(metadata: str) -> DirectUrl | None:
    try:
        return parse_direct_url(read_regular(os.path.join(metadata, "direct_url.json")))
    except (FileNotFoundError, NotADirectoryError):
        return None

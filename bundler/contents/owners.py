"""Which distribution each file of a bundle belongs to, by what its installer left.

A RECORD says it, or the list of an `.egg-info`. What no list has, but lies where one distribution alone has files (a compiled
module that Python wrote later), is that one's. Distributions without a list (Debian's) have the modules that `top_level.txt`
names, or one of their own name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from email.message import Message
from email.parser import HeaderParser
from typing import NamedTuple

from bundler.bundle_paths import folder_among, normal, parents
from bundler.contents.model import Distribution
from bundler.rewrite.record import parse_record

_FOLDERS = (".dist-info", ".egg-info")
_CACHE = "__pycache__"
_HEADERS_END = re.compile(rb"^\r?\n", re.MULTILINE)  # a line of blanks goes on with a header: licences have such
_TELLS_NOTHING = b"uv"
"""The installer that writes REQUESTED for whatever it installs (findings/uv_requested.sh)."""
KEPT = ("/PKG-INFO", "/installed-files.txt", "/top_level.txt", ".dist-info/INSTALLER")
"""How paths of files end that tell of a distribution, beside those that an audit keeps."""


class Metadata(NamedTuple):
    """Where the metadata of a distribution lie."""

    site: str
    """The folder of packages, a bundle path."""
    place: str
    """The folder or file in it, a bundle path."""


def is_kept(path: str) -> bool:
    """Whether a file tells of a distribution (see `audit.seen_files.Looking.keeps`)."""
    return path.endswith(KEPT) or path.endswith(".egg-info")


def find_distributions(
    paths: Iterable[str], sites: Sequence[str], texts: Mapping[str, bytes]
) -> tuple[Distribution, ...]:
    """The distributions whose metadata lie in the folders of packages `sites`, by folder and name.

    `paths` are bundle paths of all files, `texts` what some of them hold.
    """
    known = set(paths)
    return tuple(_distribution(each.place, texts, known) for each in find_metadata(known, sites))


def find_metadata(paths: Iterable[str], sites: Sequence[str]) -> list[Metadata]:
    """Where metadata lie directly in a folder of packages; what a package has inside of it is no distribution's own."""
    order = {site: number for number, site in enumerate(sites)}
    found = set()
    for path in paths:
        site = folder_among(path, order)
        name = path[len(site) + 1 :].partition("/")[0] if site is not None else ""
        if site is not None and name.endswith(_FOLDERS):
            found.add(Metadata(site, f"{site}/{name}"))
    return sorted(found, key=lambda each: (order[each.site], each.place))


def _distribution(place: str, texts: Mapping[str, bytes], paths: set[str]) -> Distribution:
    """Name and version are the metadata's own; where it has none, those in its place."""
    name, _, version = place.rpartition("/")[2].rpartition(".")[0].partition("-")
    headers = _headers(place, texts)
    return Distribution(
        str(headers.get("Name") or name).strip(),
        str(headers.get("Version") or version.partition("-")[0]).strip(),
        place,
        tuple(str(line).strip() for line in headers.get_all("Requires-Dist", [])),
        tuple(str(line).strip() for line in headers.get_all("Provides-Extra", [])),
        f"{place}/REQUESTED" in paths and texts.get(f"{place}/INSTALLER", b"").strip() != _TELLS_NOTHING,
    )


def _headers(place: str, texts: Mapping[str, bytes]) -> Message:
    """A description may follow the headers, and be long."""
    places = (f"{place}/METADATA", f"{place}/PKG-INFO", place)
    text = next((texts[path] for path in places if path in texts), b"")
    return HeaderParser().parsestr(_HEADERS_END.split(text, maxsplit=1)[0].decode("utf-8", "replace"))


class Owners:
    """Tells the distribution of each file."""

    def __init__(self, distributions: Sequence[Distribution], sites: Sequence[str], texts: Mapping[str, bytes]) -> None:
        """See `find_distributions`."""
        self._sites = frozenset(sites)
        self._metadata = {each.metadata: each.name for each in distributions}
        self._listed: dict[str, str] = {}
        self._tops: dict[str, str] = {}
        for each in distributions:
            listed = list(_listed(each.metadata, texts))
            for path in listed:
                self._listed.setdefault(path, each.name)
            if not listed:
                site = each.metadata.rpartition("/")[0]
                for name in _top_level(each, texts):
                    self._tops.setdefault(f"{site}/{name}", each.name)
        self._folders = self._owned_folders()

    def owner(self, path: str) -> str:
        """The name of the distribution that the file at a bundle path belongs to; "" for none."""
        known = self._listed.get(path)
        if known is not None:
            return known
        site = folder_among(path, self._sites)
        if site is None:
            return ""
        top = f"{site}/{path[len(site) + 1 :].partition('/')[0]}"
        if top in self._metadata:
            return self._metadata[top]
        source = _source_of(path)
        if source in self._listed:
            return self._listed[source]
        for folder in parents(path):
            if folder == site:
                break
            owner = self._folders.get(folder)
            if owner:
                return owner
        module = (source or path)[len(site) + 1 :].partition("/")[0].partition(".")[0]
        return self._tops.get(f"{site}/{module}", "")

    def _owned_folders(self) -> dict[str, str]:
        """Folders below those of packages in which one distribution alone lists files; "" for those of several."""
        found: dict[str, str] = {}
        for path, name in self._listed.items():
            site = folder_among(path, self._sites)
            for folder in parents(path) if site is not None else ():
                if folder == site:
                    break
                if found.setdefault(folder, name) != name:
                    found[folder] = ""
        return found


def _listed(metadata: str, texts: Mapping[str, bytes]) -> Iterator[str]:
    """The bundle paths that a distribution's own list has; one that leads out of the bundle is left out."""
    site = metadata.rpartition("/")[0]
    for row in parse_record(texts.get(f"{metadata}/RECORD", b"")).paths:
        path = f"{site}/{row}" if row[:1] not in ("/", ".", "") and "/." not in row and "//" not in row else None
        path = path or (normal(f"{site}/{row}") if not row.startswith("/") else None)
        if path:
            yield path
    for row in texts.get(f"{metadata}/installed-files.txt", b"").decode("utf-8", "surrogateescape").splitlines():
        path = normal(f"{metadata}/{row}") if row and not row.startswith("/") else None
        if path:
            yield path


def _top_level(distribution: Distribution, texts: Mapping[str, bytes]) -> Iterator[str]:
    """The modules of a distribution without a list, by their names at the top of its folder of packages."""
    told = texts.get(f"{distribution.metadata}/top_level.txt", b"").decode("utf-8", "surrogateescape").split()
    yield from told or [re.sub(r"[-.]+", "_", distribution.name), distribution.name.lower().replace("-", "_")]


def _source_of(path: str) -> str | None:
    """The source of a compiled module in a cache; None for any other file."""
    folder, _, name = path.rpartition("/")
    if not name.endswith(".pyc") or folder.rpartition("/")[2] != _CACHE:
        return None
    return f"{folder.rpartition('/')[0]}/{name.partition('.')[0]}.py"

"""The licence texts of a bundle's components, sorted by component, with an index."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from bundler.sbom.component import Component, ComponentKind
from bundler.sbom.distributions import Read

INDEX = "index.csv"
COLUMNS = ("component", "version", "kind", "licence", "told by", "package", "files")
_COMMON = "/common-licenses/"
_UNSAFE = re.compile(r"[^A-Za-z0-9._+-]+")


class Collected(NamedTuple):
    """What a folder of licences shall hold."""

    files: Mapping[str, bytes]
    """By paths in it, the index among them."""
    without: tuple[str, ...]
    """Components that have no licence text, by name and version; what is inside of a wheel has that of the wheel, mostly."""


def collect_texts(components: Iterable[Component], read: Read) -> Collected:
    """A folder a component, with its texts; those to which several packages of Debian refer stand once, in `common-licenses`."""
    files: dict[str, bytes] = {}
    without: list[str] = []
    rows = io.StringIO(newline="")
    writer = csv.writer(rows, lineterminator="\n")
    writer.writerow(COLUMNS)
    for component in components:
        folder = _folder(component)
        places = []
        for path in component.licence_files:
            data = read(path)
            if data is not None:
                place = _place(path, folder, component)
                files[place] = data
                places.append(place)
        if not places and component.kind is not ComponentKind.VENDORED:
            without.append(" ".join(filter(None, (component.name, component.version))))
        writer.writerow(
            (
                component.name,
                component.version,
                component.kind.value,
                component.licence,
                component.told_by.value,
                component.package or component.owner,
                " ".join(places),
            )
        )
    files[INDEX] = rows.getvalue().encode("utf-8", "surrogateescape")
    return Collected(files, tuple(without))


def listed_files(index: bytes) -> set[str] | None:
    """The files that an index lists, itself among them; None for what no index of ours is."""
    rows = csv.reader(io.StringIO(index.decode("utf-8", "surrogateescape"), newline=""))
    try:
        if tuple(next(rows, ())) != COLUMNS:
            return None
        return {INDEX, *(place for row in rows if len(row) == len(COLUMNS) for place in row[-1].split(" ") if place)}
    except csv.Error:
        return None


def _folder(component: Component) -> str:
    """`requests-2.32.3`: what a file system takes everywhere."""
    name = "-".join(filter(None, (component.name, component.version)))
    return _UNSAFE.sub("_", name).lstrip(".") or "_"


def _place(path: str, folder: str, component: Component) -> str:
    """Where a text goes: below the folder as it lies below the component's own."""
    if _COMMON in path:
        return f"common-licenses/{_UNSAFE.sub('_', path.rpartition('/')[2])}"
    own = next((place for place in component.paths if path.startswith(f"{place}/")), path.rpartition("/")[0])
    below = path[len(own) + 1 :].removeprefix("licenses/")
    return "/".join([folder, *(_UNSAFE.sub("_", part).lstrip(".") or "_" for part in below.split("/"))])

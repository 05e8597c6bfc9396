"""What the page's scripts read, as JSON: columns of numbers and names, since a bundle may have tens of thousands of files."""

from __future__ import annotations

import json

from bundler.contents import Contents, FileKind, Need, Place
from bundler.contents.requirements import Requirements
from bundler.entries import Layer
from bundler.page.numbering import Numbering
from bundler.printable import printable

_KINDS = tuple(FileKind)
_LAYERS = tuple(Layer)
_PLACES = tuple(Place)
_ESCAPED = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"}
"""What could end the element that holds the data, or begin another: within JSON they stand in texts alone."""


def embedded_json(contents: Contents, numbering: Numbering) -> str:
    """The data, ASCII, with no character in it that HTML gives a meaning to."""
    text = json.dumps(_data(contents, numbering), separators=(",", ":"), ensure_ascii=True)
    return text.translate(_ESCAPED)


def _data(contents: Contents, numbering: Numbering) -> dict[str, object]:
    requirements = Requirements(contents)
    folders: dict[str, int] = {}
    origins: dict[str, int] = {}
    reasons: dict[str, int] = {"": 0}
    in_folder, names, of_origin, of_reason = [], [], [], []
    for item in contents.items:
        folder, _, name = item.path.rpartition("/")
        in_folder.append(folders.setdefault(folder, len(folders)))
        names.append(printable(name))
        of_origin.append(origins.setdefault(_origin(item.path, item.origin), len(origins)))
        of_reason.append(reasons.setdefault(item.reason, len(reasons)))
    return {
        "layers": [layer.value for layer in _LAYERS],
        "kinds": [kind.value for kind in _KINDS],
        "places": [place.value for place in _PLACES],
        "owners": [printable(name) for name in numbering.owners],
        "folders": [printable(folder) for folder in folders],
        "origins": [printable(origin) for origin in origins],
        "reasons": [printable(reason) for reason in reasons],
        "absent": [[printable(name), _PLACES.index(place)] for name, place in numbering.absent],
        "files": {
            "folder": in_folder,
            "name": names,
            "size": [item.size for item in contents.items],
            "layer": [_LAYERS.index(item.layer) for item in contents.items],
            "owner": [numbering.owner(item) for item in contents.items],
            "kind": [_KINDS.index(item.kind) for item in contents.items],
            "origin": of_origin,
            "reason": of_reason,
        },
        "links": {number: printable(item.link) for number, item in enumerate(contents.items) if item.link is not None},
        "binaries": {
            numbering.files[path]: {
                "needs": [_need(need, numbering) for need in binary.needs],
                "asks": [binary.demand.text, printable(binary.demand.reason)] if binary.demand else None,
            }
            for path, binary in contents.binaries.items()
            if path in numbering.files
        },
        "opened": [
            [numbering.files[fact.path], printable(", ".join(fact.sonames)), fact.outcome, printable(fact.feature)]
            for fact in contents.manifest.opened
            if fact.path in numbering.files
        ],
        "required": {
            number: [[numbering.owner_of_name(each.by.name), printable(each.text)] for each in found]
            for distribution in contents.distributions
            if (number := numbering.owner_of_name(distribution.name)) is not None
            and (
                found := [
                    each
                    for each in requirements.of(distribution.name)
                    if numbering.owner_of_name(each.by.name) is not None
                ]
            )
        },
        "components": [_component(contents, number, numbering) for number in range(len(contents.components))],
    }


def _need(need: Need, numbering: Numbering) -> list[str | int]:
    """The name that a binary has, and the number of the file that is found: from 0 on. Below it are those that are absent."""
    number = -1 - numbering.library(need.name, need.place) if numbering.is_absent(need) else numbering.files[need.path]
    return [printable(need.name), number]


def _component(contents: Contents, number: int, numbering: Numbering) -> dict[str, object]:
    component = contents.components[number]
    return {
        "kind": component.kind.value,
        "name": printable(component.name),
        "version": printable(component.version),
        "files": [numbering.files[path] for path in component.paths if path in numbering.files],
        "licence": printable(component.licence),
        "texts": [numbering.files[path] for path in component.licence_files if path in numbering.files],
        "package": printable(component.package),
        "purl": printable(component.purl),
    }


def _origin(path: str, origin: str) -> str:
    """Where a file came from; with a `*` for its own path, which most came from."""
    return origin[: -len(path)] + "*" if origin.endswith(f":{path}") else origin

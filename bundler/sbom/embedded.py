"""Bills of materials that wheels bring (PEP 770: `.dist-info/sboms/`): auditwheel writes them, or whoever builds a wheel.

Both formats are read narrowly: names, versions, package URLs and licences. The files are anybody's; what has another shape says
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from bundler.parsing import parse_json
from bundler.sbom.purl import known_purl

_DEEPEST = 16
_MOST = 10_000
"""Components of one file."""


class Part(NamedTuple):
    """A component that a wheel has inside; "" for what is not said."""

    name: str
    version: str
    purl: str
    licence: str


def read_embedded(data: bytes) -> tuple[Part, ...]:
    """The components that a CycloneDX or SPDX document (JSON) lists, in its order, each once."""
    try:
        value = parse_json(data)
    except ValueError:
        return ()
    top = _object(value)
    if top.get("bomFormat") == "CycloneDX":
        parts = _of_cyclonedx(top, 0)
    elif "spdxVersion" in top:
        parts = _of_spdx(top)
    else:
        return ()
    return tuple(dict.fromkeys(part for part, _ in zip(parts, range(_MOST), strict=False) if part.name))


def _of_cyclonedx(holder: Mapping[str, object], depth: int) -> Iterator[Part]:
    for item in _objects(holder.get("components")):
        if item.get("type") != "file":
            yield Part(_text(item, "name"), _text(item, "version"), known_purl(_text(item, "purl")), _licence(item))
        if depth < _DEEPEST:
            yield from _of_cyclonedx(item, depth + 1)


def _licence(item: Mapping[str, object]) -> str:
    """The expression, or the licences, each by its identifier or its name."""
    told = []
    for choice in _objects(item.get("licenses")):
        licence = _object(choice.get("license"))
        told.append(_text(choice, "expression") or _text(licence, "id") or _text(licence, "name"))
    return "; ".join(filter(None, told))


def _of_spdx(top: Mapping[str, object]) -> Iterator[Part]:
    """The packages, without the one that the document describes: that is the wheel itself."""
    described = top.get("documentDescribes")
    described = described if isinstance(described, list) else []
    for item in _objects(top.get("packages")):
        if item.get("SPDXID") in described:
            continue
        purls = (
            _text(each, "referenceLocator")
            for each in _objects(item.get("externalRefs"))
            if each.get("referenceType") == "purl"
        )
        licences = (_text(item, name) for name in ("licenseConcluded", "licenseDeclared"))
        licence = next((each for each in licences if each not in ("", "NOASSERTION", "NONE")), "")
        yield Part(_text(item, "name"), _text(item, "versionInfo"), known_purl(next(purls, "")), licence)


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _objects(value: object) -> Iterator[Mapping[str, object]]:
    yield from (item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()


def _text(item: Mapping[str, object], name: str) -> str:
    value = item.get(name)
    return value if isinstance(value, str) else ""

"""A bill of materials as CycloneDX 1.6 (ECMA-424), in JSON. By cyclonedx-python-lib."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component as Part
from cyclonedx.model.component import ComponentType
from cyclonedx.model.component_evidence import ComponentEvidence, Occurrence
from cyclonedx.model.license import DisjunctiveLicense, LicenseAcknowledgement, LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from bundler.sbom.bill import Bill, remarks
from bundler.sbom.component import Component, ComponentKind
from bundler.sbom.metadata import spdx_or_none

_ROOT = "bundle"
_TYPES = {ComponentKind.INTERPRETER: ComponentType.PLATFORM}


def write_cyclonedx(bill: Bill) -> bytes:
    """The document. Its serial number follows from all else in it, so that the same bill is the same document."""
    bom = _bom(bill)
    bom.serial_number = uuid.UUID(int=0)
    text = JsonV1Dot6(bom).output_as_string(indent=1)
    serial = uuid.uuid5(uuid.NAMESPACE_OID, text)
    return text.replace(bom.serial_number.urn, serial.urn, 1).encode("utf-8", "backslashreplace") + b"\n"


def _bom(bill: Bill) -> Bom:
    bom = Bom()
    bom.metadata.timestamp = bill.created
    bom.metadata.tools.components.add(Part(name="bundler", version=bill.maker, type=ComponentType.APPLICATION))
    root = Part(name=bill.name, version=bill.version or None, type=ComponentType.APPLICATION, bom_ref=_ROOT)
    bom.metadata.component = root
    parts = {each.ref: _part(each) for each in bill.components}
    bom.components.update(parts.values())
    bom.register_dependency(root, [parts[ref] for ref in bill.roots])
    for each in bill.components:
        bom.register_dependency(parts[each.ref], [parts[ref] for ref in each.needs])
    return bom


def _part(component: Component) -> Part:
    return Part(
        name=component.name,
        version=component.version or None,
        type=_TYPES.get(component.kind, ComponentType.LIBRARY),
        bom_ref=component.ref,
        purl=PackageURL.from_string(component.purl) if component.purl else None,
        cpe=component.cpe or None,
        licenses=list(_licences(component)),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=component.archive_sha256)]
        if component.archive_sha256
        else [],
        external_references=list(_references(component)),
        evidence=ComponentEvidence(occurrences=[_occurrence(component.ref, path) for path in component.paths]),
        components=[_file(component.ref, path, digest) for path, digest in component.digests],
        properties=[Property(name=name, value=value) for name, value in remarks(component).items()],
    )


def _licences(component: Component) -> Iterator[LicenseExpression | DisjunctiveLicense]:
    """The expression, or the words as a name."""
    declared = LicenseAcknowledgement.DECLARED
    expression = spdx_or_none(component.licence)
    if expression is not None:
        yield LicenseExpression(expression, acknowledgement=declared)
    elif component.licence:
        yield DisjunctiveLicense(name=component.licence, acknowledgement=declared)


def _references(component: Component) -> Iterator[ExternalReference]:
    if component.url:
        yield ExternalReference(type=ExternalReferenceType.DISTRIBUTION, url=XsUri(component.url))


def _occurrence(ref: str, path: str) -> Occurrence:
    """Where a component is. Without a name of its own it would stand in an order of chance: the library sorts by these."""
    return Occurrence(bom_ref=f"{ref}@{path}", location=path)


def _file(ref: str, path: str, digest: str) -> Part:
    """A binary of a component, with the digest that it has in the bundle: it may have been patched."""
    return Part(
        name=path,
        type=ComponentType.FILE,
        bom_ref=f"{ref}#{path}",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
    )

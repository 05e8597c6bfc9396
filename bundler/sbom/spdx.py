"""A bill of materials as SPDX 2.3 (ISO/IEC 5962), in JSON. By spdx-tools."""

from __future__ import annotations

import io
import json
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from license_expression import ExpressionError, LicenseExpression, Licensing, get_spdx_licensing
from spdx_tools.spdx.model import (
    Actor,
    ActorType,
    Checksum,
    ChecksumAlgorithm,
    CreationInfo,
    Document,
    ExternalPackageRef,
    ExternalPackageRefCategory,
    ExtractedLicensingInfo,
    Package,
    PackagePurpose,
    Relationship,
    RelationshipType,
    SpdxNoAssertion,
)
from spdx_tools.spdx.writer.json.json_writer import write_document_to_stream

from bundler.sbom.bill import Bill, remarks
from bundler.sbom.component import Component, ComponentKind
from bundler.sbom.metadata import spdx_or_none

_DOCUMENT, _ROOT = "SPDXRef-DOCUMENT", "SPDXRef-bundle"
_NAMESPACE = "https://spdx.org/spdxdocs/"
"""What SPDX advises for documents that lie nowhere on the web (2.3, section 6.5)."""
_NO_CHARACTER_OF_AN_ID = re.compile(r"[^A-Za-z0-9.-]+")
_OWN_LICENCE = re.compile(r"LicenseRef-[A-Za-z0-9.-]+")


def write_spdx(bill: Bill) -> bytes:
    """The document. Its namespace follows from all else in it, so that the same bill is the same document."""
    document = _document(bill)
    file = io.StringIO()
    write_document_to_stream(document, file, validate=False, drop_duplicates=False)
    # The library writes its own word, which the standard's schema does not have.
    text = file.getvalue().replace('"referenceCategory": "PACKAGE_MANAGER"', '"referenceCategory": "PACKAGE-MANAGER"')
    name = json.dumps(document.creation_info.document_namespace)
    serial = uuid.uuid5(uuid.NAMESPACE_OID, text)
    return text.replace(name, f'{name[:-1]}-{serial}"', 1).encode("utf-8", "backslashreplace") + b"\n"


def _document(bill: Bill) -> Document:
    name = "-".join(filter(None, (bill.name, bill.version)))
    creation = CreationInfo(
        spdx_version="SPDX-2.3",
        spdx_id=_DOCUMENT,
        name=name,
        document_namespace=_NAMESPACE + _NO_CHARACTER_OF_AN_ID.sub("-", name),
        creators=[Actor(ActorType.TOOL, f"bundler-{bill.maker}")],
        created=bill.created.replace(tzinfo=None),
    )
    ids = _ids(bill.components)
    root = Package(
        spdx_id=_ROOT,
        name=bill.name,
        version=bill.version or None,
        download_location=SpdxNoAssertion(),
        files_analyzed=False,
        primary_package_purpose=PackagePurpose.APPLICATION,
    )
    return Document(
        creation,
        packages=[root, *(_package(each, ids[each.ref]) for each in bill.components)],
        relationships=[Relationship(_DOCUMENT, RelationshipType.DESCRIBES, _ROOT), *_relationships(bill, ids)],
        extracted_licensing_info=list(_own_licences(bill.components)),
    )


def _ids(components: Iterable[Component]) -> Mapping[str, str]:
    """An identifier for each `ref`: letters, digits, `.` and `-` alone."""
    ids: dict[str, str] = {}
    for number, each in enumerate(components, 1):
        ids[each.ref] = f"SPDXRef-{number}-{_NO_CHARACTER_OF_AN_ID.sub('-', each.name)}"
    return ids


def _relationships(bill: Bill, ids: Mapping[str, str]) -> Iterator[Relationship]:
    for each in bill.components:
        yield Relationship(_ROOT, RelationshipType.CONTAINS, ids[each.ref])
    for each in bill.components:
        for ref in each.needs:
            yield Relationship(ids[each.ref], RelationshipType.DEPENDS_ON, ids[ref])


def _package(component: Component, identifier: str) -> Package:
    licence = _parsed(component.licence)
    told = [f"{name} = {value}" for name, value in remarks(component).items()]
    told += [f"SHA-256 of {path} in the bundle: {digest}" for path, digest in component.digests]
    return Package(
        spdx_id=identifier,
        name=component.name,
        version=component.version or None,
        download_location=component.url or SpdxNoAssertion(),
        files_analyzed=False,
        checksums=[Checksum(ChecksumAlgorithm.SHA256, component.archive_sha256)] if component.archive_sha256 else [],
        source_info=", ".join(component.paths) or None,
        license_concluded=SpdxNoAssertion(),
        license_declared=licence if licence is not None else SpdxNoAssertion(),
        license_comment=f"in other words: {component.licence}" if component.licence and licence is None else None,
        copyright_text=SpdxNoAssertion(),
        comment="\n".join(told) or None,
        external_references=list(_references(component)),
        primary_package_purpose=(
            PackagePurpose.APPLICATION if component.kind is ComponentKind.INTERPRETER else PackagePurpose.LIBRARY
        ),
    )


def _references(component: Component) -> Iterator[ExternalPackageRef]:
    if component.purl:
        yield ExternalPackageRef(ExternalPackageRefCategory.PACKAGE_MANAGER, "purl", component.purl)
    if component.cpe:
        yield ExternalPackageRef(ExternalPackageRefCategory.SECURITY, "cpe23Type", component.cpe)


def _parsed(text: str) -> LicenseExpression | None:
    """The expression, for what is one and has names that SPDX knows, or references of our own."""
    expression = spdx_or_none(text)
    if expression is None:
        return None
    licensing = _licensing()
    try:
        parsed = licensing.parse(expression)
    except ExpressionError:
        return None
    unknown = (key for key in licensing.unknown_license_keys(parsed) if not _OWN_LICENCE.fullmatch(key))
    return parsed if next(unknown, None) is None else None


@cache  # it reads the whole list of licences
def _licensing() -> Licensing:
    return get_spdx_licensing()


def _own_licences(components: Iterable[Component]) -> Iterator[ExtractedLicensingInfo]:
    """The references of our own that licences have, with where the texts are."""
    files: dict[str, list[str]] = {}
    for each in components:
        if _parsed(each.licence) is not None:
            for name in _OWN_LICENCE.findall(each.licence):
                files.setdefault(name, []).extend(each.licence_files)
    for name, paths in sorted(files.items()):
        where = ", ".join(dict.fromkeys(paths)) or "the component's own files"
        yield ExtractedLicensingInfo(name, f"The text is in: {where}", name.removeprefix("LicenseRef-"))

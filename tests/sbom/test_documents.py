"""Both documents are valid by their schemas, the same twice, and name every component as scanners look for it."""

from __future__ import annotations

import contextlib
import json
import os
from typing import Any

import pytest
from spdx_tools.spdx.parser.error import SPDXParsingError

from bundler.options import SbomFormat
from bundler.plan.times import DEFAULT_EPOCH
from bundler.sbom.bill import Bill, bill_of
from bundler.sbom.documents import write_bill
from tests.sbom.made_up import FILES, SITE, info, manifest, read
from tests.sbom.validators import faults


def bill(created: int = DEFAULT_EPOCH) -> Bill:
    return bill_of(manifest(), read, created)


def document(form: SbomFormat) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(write_bill(bill(), form))
    return found


@pytest.mark.parametrize("form", SbomFormat)
def test_a_document_is_valid_by_its_schema(form: SbomFormat) -> None:
    assert faults(write_bill(bill(), form), form) == []


@pytest.mark.parametrize(("form", "member"), [("cyclonedx", "components"), ("spdx", "packages")])
def test_a_spoiled_document_is_not_valid(form: str, member: str) -> None:
    found = document(SbomFormat(form))
    del found[member][0]["name"]
    found[member][0]["odd"] = 1
    with contextlib.suppress(SPDXParsingError):
        assert faults(json.dumps(found), form) != []


ODD_BILL = """{"bomFormat": "CycloneDX", "components": [
    {"name": "no URL", "purl": "not a purl"}, {"name": "no name", "purl": "pkg:pypi/"},
    {"name": "half \\ud800", "purl": "pkg:Odd Type/x@1"},
    {"name": "licence", "licenses": [{"expression": "half \\ud800"}], "purl": "pkg:pypi/x@\\ud800"}]}"""
ODD = {
    **FILES,
    **info(
        "odd",
        "1.0\udc80",
        metadata="License-Expression: MIT \udcff\nHome-page: x\nRequires-Dist: \udcff\n",
        RECORD="odd\udcff.py,,\n",
        direct_url__json='{"url": "https://example.org/\\ud800", "vcs_info": {"vcs": "git", "commit_id": "half \\ud800"}}',
        **{"sboms/odd.cdx.json": ODD_BILL},
    ),
    f"{SITE}/odd.libs/lib\udcff.so.1": "odd",
}


def read_odd(path: str) -> bytes | None:
    return os.fsencode(ODD[path]) if path in ODD else None


@pytest.mark.parametrize("form", SbomFormat)
def test_what_is_no_name_no_url_and_no_letter_spoils_no_document(form: SbomFormat) -> None:
    """Anybody's metadata and bills are taken in: with marks for what is no letter, and without what is no package URL."""
    found = bill_of(manifest(ODD), read_odd, DEFAULT_EPOCH)
    data = write_bill(found, form)
    assert json.loads(data.decode())
    assert {"no URL", "no name", "odd"} <= {each.name for each in found.components}
    assert {each.purl for each in found.components if each.name in ("no URL", "no name")} == {""}


@pytest.mark.parametrize("form", SbomFormat)
def test_the_same_bill_is_the_same_document_and_another_time_makes_another(form: SbomFormat) -> None:
    first, second, later = (write_bill(each, form) for each in (bill(), bill(), bill(DEFAULT_EPOCH + 1)))
    assert first == second != later
    assert b"2000-01-01T00:00:00" in first
    name = {SbomFormat.CYCLONEDX: "serialNumber", SbomFormat.SPDX: "documentNamespace"}[form]
    assert json.loads(first)[name] != json.loads(later)[name]


def test_cyclonedx_names_components_licences_and_files() -> None:
    found = document(SbomFormat.CYCLONEDX)
    assert found["metadata"]["component"]["name"] == "shop"
    components = {each["name"]: each for each in found["components"]}
    ssl, python = components["libssl3"], components["CPython"]
    assert ssl["purl"] == "pkg:deb/debian/libssl3@3.0.17-1~deb12u2?arch=amd64&distro=debian-12&upstream=openssl"
    assert [each["location"] for each in ssl["evidence"]["occurrences"]] == [
        "lib/bundled/libcrypto.so.3",
        "lib/bundled/libssl.so.3",
    ]
    assert {each["name"]: each["hashes"][0]["alg"] for each in ssl["components"]} == {
        "lib/bundled/libssl.so.3": "SHA-256",
        "lib/bundled/libcrypto.so.3": "SHA-256",
    }
    assert python["cpe"] == "cpe:2.3:a:python:python:3.12.1:*:*:*:*:*:*:*"
    assert components["shop"]["licenses"] == [{"license": {"id": "MIT", "acknowledgement": "declared"}}] or components[
        "shop"
    ]["licenses"] == [{"expression": "MIT", "acknowledgement": "declared"}]
    assert components["fast"]["licenses"][0]["license"]["name"] == "BSD License"
    told = {each["name"]: each["value"] for each in components["fast"]["properties"]}
    assert told["bundler:licence-told-by"] == "classifiers"
    gomp = {each["name"]: each["value"] for each in components["libgomp-a34b3233.so.1.0.0"]["properties"]}
    assert gomp["bundler:version"] == "unknown"


def test_cyclonedx_has_the_graph() -> None:
    found = document(SbomFormat.CYCLONEDX)
    names = {each["bom-ref"]: each["name"] for each in found["components"]}
    graph = {
        names.get(each["ref"], each["ref"]): sorted(names[ref] for ref in each.get("dependsOn", ()))
        for each in found["dependencies"]
    }
    assert graph["bundle"] == ["CPython", "shop", "slow"]
    assert graph["shop"] == ["fast"]
    assert graph["libssl3"] == ["libown.so.1"]


def test_spdx_names_packages_and_what_they_need() -> None:
    found = document(SbomFormat.SPDX)
    packages = {each["name"]: each for each in found["packages"]}
    ids = {each["SPDXID"]: name for name, each in packages.items()}
    references = {
        each["referenceType"]: each["referenceLocator"]
        for name in ("CPython", "libssl3")
        for each in packages[name]["externalRefs"]
    }
    assert references["cpe23Type"] == "cpe:2.3:a:python:python:3.12.1:*:*:*:*:*:*:*"
    assert references["purl"].startswith("pkg:deb/debian/libssl3@3.0.17-1~deb12u2?")
    assert packages["libssl3"]["licenseDeclared"] == "Apache-2.0"
    assert packages["fast"]["licenseDeclared"] == "NOASSERTION" and "BSD License" in packages["fast"]["licenseComments"]
    assert packages["fast"]["checksums"] == [{"algorithm": "SHA256", "checksumValue": "ab" * 32}]
    edges = {
        (ids.get(each["spdxElementId"]), each["relationshipType"], ids.get(each["relatedSpdxElement"]))
        for each in found["relationships"]
    }
    assert ("shop", "DEPENDS_ON", "fast") in edges
    assert {("libssl3", "DEPENDS_ON", "libown.so.1"), ("fast", "DEPENDS_ON", "libssl3")} <= edges

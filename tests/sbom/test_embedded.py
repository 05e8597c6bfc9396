"""Bills of materials that wheels bring are read in both formats, and damaged ones say nothing."""

from __future__ import annotations

import json

import pytest

from bundler.sbom.embedded import Part, read_embedded
from tests.sbom.made_up import AUDITWHEEL

SPDX = {
    "spdxVersion": "SPDX-2.3",
    "documentDescribes": ["SPDXRef-wheel"],
    "packages": [
        {"SPDXID": "SPDXRef-wheel", "name": "fast", "versionInfo": "2.0"},
        {
            "SPDXID": "SPDXRef-1",
            "name": "zlib",
            "versionInfo": "1.3.1",
            "licenseConcluded": "NOASSERTION",
            "licenseDeclared": "Zlib",
            "externalRefs": [
                {
                    "referenceCategory": "SECURITY",
                    "referenceType": "cpe23Type",
                    "referenceLocator": "cpe:2.3:a:zlib:zlib:1.3.1",
                },
                {
                    "referenceCategory": "PACKAGE-MANAGER",
                    "referenceType": "purl",
                    "referenceLocator": "pkg:generic/zlib@1.3.1",
                },
            ],
        },
    ],
}


def test_auditwheel_s_is_read() -> None:
    assert read_embedded(AUDITWHEEL.encode())[-1:] == (
        Part("libgfortran", "8.5.0-22.el8", "pkg:rpm/almalinux/libgfortran@8.5.0-22.el8", "GPL-3.0-or-later"),
    )


def test_spdx_is_read_without_the_wheel_itself() -> None:
    assert read_embedded(json.dumps(SPDX).encode()) == (Part("zlib", "1.3.1", "pkg:generic/zlib@1.3.1", "Zlib"),)


def test_components_inside_of_components_count_and_files_do_not() -> None:
    inner = {"type": "library", "name": "inner", "licenses": [{"expression": "MIT OR Zlib"}]}
    outer = {"type": "library", "name": "outer", "components": [inner, {"type": "file", "name": "x.c"}]}
    parts = read_embedded(json.dumps({"bomFormat": "CycloneDX", "components": [outer]}).encode())
    assert parts == (Part("outer", "", "", ""), Part("inner", "", "", "MIT OR Zlib"))


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "7", "[" * 100_000),
        '{"bomFormat": "CycloneDX"}',
        '{"bomFormat": "CycloneDX", "components": 7}',
        '{"bomFormat": "CycloneDX", "components": [7, {"name": 7}, {"name": ""}]}',
        '{"spdxVersion": 1, "packages": [{}]}',
    ],
)
def test_what_has_another_shape_says_nothing(text: str) -> None:
    assert read_embedded(text.encode()) == ()

"""What a distribution's metadata say for a bill of materials (the "Core metadata" specification, PEP 639, PEP 610)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from email.message import Message
from email.parser import BytesHeaderParser
from typing import NamedTuple

from bundler.parsing import parse_json
from bundler.sbom.component import LicenceTeller

_TROVE = "License :: "
_SPDX = {
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "ISC License (ISCL)": "ISC",
    "Mozilla Public License 1.1 (MPL 1.1)": "MPL-1.1",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Lesser General Public License v2 (LGPLv2)": "LGPL-2.0-only",
    "GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.0-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "GNU Affero General Public License v3": "AGPL-3.0-only",
    "GNU Affero General Public License v3 or later (AGPLv3+)": "AGPL-3.0-or-later",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "Boost Software License 1.0 (BSL-1.0)": "BSL-1.0",
    "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication": "CC0-1.0",
    "BSD 3-Clause": "BSD-3-Clause",
}
"""Classifiers that mean one licence; others ("BSD License", "Apache Software License") are told as they stand."""
_LONGEST = 120
"""Letters of a `License` field: some have the whole text there."""
_LICENCE_NAME = re.compile(r"(LICEN[CS]E|COPYING|NOTICE|COPYRIGHT|AUTHORS)\b.*", re.IGNORECASE)


class Licences(NamedTuple):
    """What a distribution is under."""

    text: str
    """An SPDX expression, or words; "" for nothing."""
    told_by: LicenceTeller


class Metadata(NamedTuple):
    """What `METADATA` or `PKG-INFO` says."""

    name: str
    version: str
    licences: Licences
    licence_files: tuple[str, ...]
    """As it lists them: relative to `licenses/` in the folder of metadata, or to that folder."""
    requires: tuple[str, ...]
    """Requirements, as they stand there."""


class Origin(NamedTuple):
    """What `direct_url.json` says."""

    url: str = ""
    vcs: str = ""
    """The repository, with the kind and the commit: `git+https://…@1234`; "" for none."""
    sha256: str = ""
    """That of the archive; "" where it is not noted."""


def read_metadata(data: bytes) -> Metadata:
    """What the headers say; what is missing is ""."""
    headers = BytesHeaderParser().parsebytes(data)
    return Metadata(
        _text(headers, "Name"),
        _text(headers, "Version"),
        _licences(headers),
        tuple(_texts(headers, "License-File")),
        tuple(_texts(headers, "Requires-Dist")),
    )


def read_origin(data: bytes) -> Origin:
    """Where a distribution was installed from; nothing for what is no such file, and for a folder of the packing machine."""
    try:
        value = parse_json(data)
    except ValueError:
        return Origin()
    members = value if isinstance(value, dict) else {}
    url = members.get("url")
    if not isinstance(url, str) or url.lower().startswith("file:"):
        return Origin()
    vcs, archive = members.get("vcs_info"), members.get("archive_info")
    repository = digest = ""
    if isinstance(vcs, dict) and isinstance(vcs.get("vcs"), str):
        commit = vcs.get("commit_id")
        repository = f"{vcs['vcs']}+{url}" + (f"@{commit}" if isinstance(commit, str) else "")
    if isinstance(archive, dict):
        hashes, older = archive.get("hashes"), archive.get("hash")
        digest = str(hashes.get("sha256", "")) if isinstance(hashes, dict) else ""
        digest = digest or (
            older.removeprefix("sha256=") if isinstance(older, str) and older.startswith("sha256=") else ""
        )
    return Origin(url, repository, digest.lower() if re.fullmatch(r"[0-9a-fA-F]{64}", digest) else "")


def spdx_or_none(text: str) -> str | None:
    """The SPDX expression that a text is, in its usual form; None for other words."""
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

    try:
        return str(canonicalize_license_expression(text)) if text else None
    except (InvalidLicenseExpression, RecursionError):
        return None


def licence_files(listed: Iterable[str], folder: str, files: Collection[str]) -> tuple[str, ...]:
    """Bundle paths of the licence texts of a distribution with a folder of metadata; `files` are the paths in that.

    Those that its metadata lists and that are there; where it lists none, what is called so.
    """
    places = (f"{folder}/{below}{name}" for name in listed for below in ("licenses/", "", "license_files/"))
    found = [place for place in places if place in files]
    if not found:
        names = ((path, path.rpartition("/")[2]) for path in files)
        found = [
            path for path, name in names if _LICENCE_NAME.fullmatch(name) or path.startswith(f"{folder}/licenses/")
        ]
    return tuple(sorted(set(found)))


def _licences(headers: Message) -> Licences:
    """The licence, by who says it in the most certain way."""
    expression = _text(headers, "License-Expression")
    if expression:
        return Licences(spdx_or_none(expression) or expression, LicenceTeller.EXPRESSION)
    field = _text(headers, "License")
    if spdx := spdx_or_none(field) if len(field) <= _LONGEST else None:
        return Licences(spdx, LicenceTeller.FIELD)
    classifiers = [
        text.removeprefix(_TROVE).removeprefix("OSI Approved :: ")
        for text in _texts(headers, "Classifier")
        if text.startswith(_TROVE)
    ]
    classifiers = [_SPDX.get(text, text) for text in classifiers if text != "OSI Approved"]
    if classifiers:
        return Licences("; ".join(dict.fromkeys(classifiers)), LicenceTeller.CLASSIFIERS)
    if field and "\n" not in field and len(field) <= _LONGEST and field.upper() != "UNKNOWN":
        return Licences(field, LicenceTeller.FIELD)
    return Licences("", LicenceTeller.NOBODY)


def _text(headers: Message, name: str) -> str:
    return str(headers.get(name, "")).strip()


def _texts(headers: Message, name: str) -> list[str]:
    return [str(value).strip() for value in headers.get_all(name, [])]

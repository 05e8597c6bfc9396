"""in-toto statements: what a predicate says, of subjects that are known by their digests (github.com/in-toto/attestation, v1)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from bundler.parsing import parse_json

PAYLOAD_TYPE = "application/vnd.in-toto+json"
"""The type of a statement in an envelope."""
_TYPE = "https://in-toto.io/Statement/v1"
_TYPES = (_TYPE, "https://in-toto.io/Statement/v0.1")  # the latter is cosign's
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Subject(NamedTuple):
    """A file that is spoken of."""

    name: str
    """For people: the digest alone tells what is meant."""
    sha256: str
    """In hexadecimal."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A predicate, and what it is about."""

    subjects: tuple[Subject, ...]
    predicate_type: str
    predicate: Mapping[str, object]

    @property
    def digests(self) -> frozenset[str]:
        """Of all subjects."""
        return frozenset(subject.sha256 for subject in self.subjects)


def write_statement(statement: Statement) -> bytes:
    """JSON in ASCII; the same statement gives the same bytes."""
    value = {
        "_type": _TYPE,
        "subject": [{"name": name, "digest": {"sha256": sha256}} for name, sha256 in statement.subjects],
        "predicateType": statement.predicate_type,
        "predicate": statement.predicate,
    }
    return json.dumps(value, separators=(",", ":")).encode("ascii")


def read_statement(payload: bytes) -> Statement:
    """What the bytes say; subjects that have no SHA-256 are left out. Raises ValueError for what is no statement."""
    value = parse_json(payload)
    if not isinstance(value, dict) or value.get("_type") not in _TYPES:
        raise ValueError("what it signs is no in-toto statement")
    kind, predicate, subjects = (value.get(name) for name in ("predicateType", "predicate", "subject"))
    if not isinstance(kind, str) or not isinstance(subjects, list):
        raise ValueError("what it signs is no whole in-toto statement")
    found = tuple(subject for item in subjects if (subject := _subject(item)) is not None)
    return Statement(found, kind, predicate if isinstance(predicate, dict) else {})


def _subject(value: object) -> Subject | None:
    members = value if isinstance(value, dict) else {}
    name, digest = members.get("name"), members.get("digest")
    sha256 = digest.get("sha256") if isinstance(digest, dict) else None
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        return None
    return Subject(name if isinstance(name, str) else "", sha256)

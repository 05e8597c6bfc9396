"""Hold a bundle against its signature: its bytes are hashed and nothing in it is read, until a key has vouched for them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from bundler.errors import SignatureUnreadable
from bundler.faults import Fault, FaultKind
from bundler.files import MOST_OF_A_MANIFEST, opened, read_regular
from bundler.formats import ARCHIVES, SIGNATURE, SIGNATURE_SUFFIX
from bundler.machine import os
from bundler.signing.envelope import Envelope, read_envelopes
from bundler.signing.keys import PublicKey
from bundler.signing.provenance import PREDICATE_TYPE, builder_of
from bundler.signing.statement import PAYLOAD_TYPE, Statement, read_statement

_CHUNK = 1 << 20
_MOST = 16 << 20
"""Bytes of a file of signatures: what a bundle was made of takes 200 for each distribution."""
_LETTERS, _NAMED = 64, 3
"""How much is shown of what nobody has signed."""
_MANIFEST = "bundle.json"
_NOT_TRUSTED = "do not use it unless you know why; take it again from where it came from, with its signature"
_NAME_IT = "give the file that came with it: --signature FILE"
_OTHER_KEY = "is it the key of who packed the bundle? Get it by another way than the bundle"


class SignatureReport(NamedTuple):
    """A signature that holds."""

    path: str
    """The file that it stands in."""
    key: str
    """The fingerprint of the key: SHA-256 of its DER, in hexadecimal."""
    algorithm: str
    builder: str
    """What it says has made the bundle; "" where it does not say."""
    digests: frozenset[str]
    """SHA-256 of all that it vouches for, in hexadecimal."""

    def to_dict(self) -> dict[str, str]:
        """For `--json`."""
        return {"path": self.path, "key": self.key, "algorithm": self.algorithm, "builder": self.builder}

    @property
    def text(self) -> str:
        """For a person."""
        by = f", made by {self.builder}" if self.builder else ""
        return f"signed by the key SHA256:{self.key} ({self.algorithm}){by}"


def signature_files(bundle: str) -> Iterator[str]:
    """Where the signature of a bundle may lie: in a directory; else beside it, under its name or under that of an archive of it."""
    if not os.path.isdir(bundle):
        yield bundle + SIGNATURE_SUFFIX
        return
    yield os.path.join(bundle, SIGNATURE)
    beside = os.path.realpath(bundle)
    yield beside + SIGNATURE_SUFFIX
    for suffix in dict.fromkeys(suffix for form in ARCHIVES for suffix in form.suffixes):
        yield beside + suffix + SIGNATURE_SUFFIX


def check_signature(bundle: str, key: PublicKey, named: str = "") -> SignatureReport | Fault:
    """The signature of a bundle that the key made; a fault where there is none. The file is looked for unless it is `named`.

    Of a directory `bundle.json` is vouched for, of an archive the file itself. Raises SignatureUnreadable for a named one that
    cannot be read, OSError for a bundle.
    """
    places = [named] if named else [path for path in signature_files(bundle) if os.path.lexists(path)]
    if not places:
        return Fault(FaultKind.ATTESTATION, "", f"is not signed: there is no {next(signature_files(bundle))}", _NAME_IT)
    is_folder = os.path.isdir(bundle)
    what = _MANIFEST if is_folder else "the archive"
    digest = _digest_of_manifest(bundle) if is_folder else _digest_of_file(bundle)
    faults = []
    for path in places:
        found = _checked(path, key, digest, what, is_named=bool(named))
        if isinstance(found, SignatureReport):
            return found
        faults.append(found)
    return faults[0]


def _checked(path: str, key: PublicKey, digest: str, what: str, *, is_named: bool) -> SignatureReport | Fault:
    """What the file at a path says of something with this digest. Raises SignatureUnreadable for a named one."""
    try:
        data = read_regular(path, _MOST)
    except OSError as error:
        if is_named:
            raise SignatureUnreadable(
                f"the signature {path} cannot be read: {error.strerror}",
                f"an archive's lies beside it, under its name and {SIGNATURE_SUFFIX}; that of a directory in it: {SIGNATURE}",
            ) from error
        return Fault(FaultKind.ATTESTATION, "", f"its signature {path} cannot be read: {error.strerror}", _NAME_IT)
    try:
        envelopes = read_envelopes(data)
    except ValueError as error:
        return Fault(FaultKind.ATTESTATION, "", f"{path} is no signature: {error}", _NOT_TRUSTED)
    signed = [each for each in envelopes if each.is_signed_by(key)]
    if not signed:
        other = sorted({each.keyid[:_LETTERS] for found in envelopes for each in found.signatures if each.keyid})
        is_other = bool(other) and key.fingerprint not in other
        says = f", but by one that it calls {', '.join(other[:_NAMED])}" if is_other else ""
        message = f"{path} is not signed by the key SHA256:{key.fingerprint}{says}; or what it says was changed"
        return Fault(FaultKind.ATTESTATION, "", message, _OTHER_KEY)
    return _vouched(path, key, signed, digest, what)


def _vouched(path: str, key: PublicKey, signed: Sequence[Envelope], digest: str, what: str) -> SignatureReport | Fault:
    """What signed envelopes say of something with this digest."""
    statements, problems = [], []
    for envelope in signed:
        try:
            statements.append(_provenance(envelope))
        except ValueError as error:
            problems.append(str(error))
    for statement in statements:
        if digest in statement.digests:
            builder = builder_of(statement.predicate)
            return SignatureReport(path, key.fingerprint, key.kind.value, builder, statement.digests)
    if not statements:
        return Fault(
            FaultKind.ATTESTATION, "", f"{path} is signed, but vouches for nothing: {problems[0]}", _NOT_TRUSTED
        )
    names = ", ".join(sorted({f"{each.name} {each.sha256}" for found in statements for each in found.subjects}))
    message = f"{path} is the signature of something else: it vouches for {names or 'nothing'}; {what} has {digest}"
    return Fault(FaultKind.ATTESTATION, "", message, _NOT_TRUSTED)


def _provenance(envelope: Envelope) -> Statement:
    """What an envelope says. Raises ValueError for what says nothing of who made something: a key may have signed other things."""
    if envelope.payload_type != PAYLOAD_TYPE:
        raise ValueError(f"what it signs is of the type {envelope.payload_type}, and not {PAYLOAD_TYPE}")
    statement = read_statement(envelope.payload)
    if statement.predicate_type != PREDICATE_TYPE:
        raise ValueError(f"what it tells is of the type {statement.predicate_type}, and not {PREDICATE_TYPE}")
    return statement


def _digest_of_manifest(folder: str) -> str:
    return hashlib.sha256(read_regular(os.path.join(folder, _MANIFEST), MOST_OF_A_MANIFEST)).hexdigest()


def _digest_of_file(path: str) -> str:
    digest = hashlib.sha256()
    with opened(path) as file:
        for chunk in iter(lambda: file.read(_CHUNK), b""):
            digest.update(chunk)
    return digest.hexdigest()

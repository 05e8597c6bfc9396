"""What signs the bundles of a pack: a key that was opened before the pack began."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bundler.destination import Destination, ToFile
from bundler.formats import SIGNATURE
from bundler.machine import os, path_shown
from bundler.manifest import Manifest
from bundler.options import PackOptions
from bundler.signing.envelope import sealed, write_envelope
from bundler.signing.keys import PASSPHRASE, PrivateKey, is_locked, read_private_key
from bundler.signing.provenance import PREDICATE_TYPE, Material, provenance
from bundler.signing.statement import PAYLOAD_TYPE, Statement, Subject, write_statement


class SignedBy(NamedTuple):
    """What signed a bundle."""

    path: str
    """The file with the signature."""
    key: str
    """The fingerprint of the key: SHA-256 of its public half in DER, in hexadecimal."""
    algorithm: str

    @property
    def text(self) -> str:
        """For a person."""
        return f"signed by the key SHA256:{self.key} ({self.algorithm}): {path_shown(self.path)}"


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs."""

    key: PrivateKey

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is to be said of the key."""
        if not self.key.readable_by_others:
            return ()
        return (f"others than its owner may read the key that signs: chmod 600 {self.key.path}",)

    def attestation(
        self, manifest: Manifest, subjects: Sequence[Subject], materials: Sequence[Material], form: str
    ) -> bytes:
        """The signed provenance of a bundle, packed in a format, which is known by its subjects: an envelope, on one line."""
        predicate = provenance(manifest, materials, form)
        statement = Statement(tuple(subjects), PREDICATE_TYPE, predicate)
        return write_envelope(sealed(PAYLOAD_TYPE, write_statement(statement), self.key))


def signed_by(signer: Signer, destination: Destination, place: str) -> SignedBy:
    """What is told of a bundle that was signed, and is at `place` now."""
    path = destination.signature if isinstance(destination, ToFile) else os.path.join(place, SIGNATURE)
    return SignedBy(path, signer.key.public.fingerprint, signer.key.public.kind.value)


def signer_of(options: PackOptions) -> Signer:
    """What the options sign with. The variable stands in for a passphrase that they do not have. Raises BadKey, ExtraMissing."""
    return Signer(read_private_key(options.sign, options.passphrase.text or os.environ.get(PASSPHRASE, "")))


def needs_passphrase(path: str) -> bool:
    """Whether the key at a path is encrypted, and the variable is not there. Raises BadKey, ExtraMissing."""
    return not os.environ.get(PASSPHRASE) and is_locked(path)

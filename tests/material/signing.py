"""Keys that are made when a test runs, and signatures taken apart and put together by hand."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

KINDS = ("ed25519", "ecdsa", "rsa")
PASSPHRASE = "correct horse"  # of keys that are worth nothing
STATEMENT = "application/vnd.in-toto+json"
PROVENANCE = "https://slsa.dev/provenance/v1"
_MAKERS: Mapping[str, Callable[[], Any]] = {
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "ecdsa": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ecdsa-p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
    "rsa-short": lambda: rsa.generate_private_key(65537, 1024),
}


class Keys(NamedTuple):
    """The files of a private key and of its public half, and the key itself."""

    private: Path
    public: Path
    key: Any

    @property
    def fingerprint(self) -> str:
        der = self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return hashlib.sha256(der).hexdigest()


def make_keys(folder: Path, kind: str = "ed25519", passphrase: str = "", *, openssh: bool = False) -> Keys:
    """A new pair, in PEM or as OpenSSH writes it."""
    folder.mkdir(parents=True, exist_ok=True)
    key = _MAKERS[kind]()
    lock: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        lock = serialization.BestAvailableEncryption(passphrase.encode())
    form = serialization.PrivateFormat.OpenSSH if openssh else serialization.PrivateFormat.PKCS8
    private, public = folder / f"{kind}.pem", folder / f"{kind}.pub"
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, lock))
    private.chmod(0o600)
    if openssh:
        how = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    else:
        how = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    public.write_bytes(key.public_key().public_bytes(*how))
    return Keys(private, public, key)


def pae(kind: str, payload: bytes) -> bytes:
    """What DSSE signs, by its specification."""
    return b" ".join([b"DSSEv1", str(len(kind.encode())).encode(), kind.encode(), str(len(payload)).encode(), payload])


def envelope_in(path: Path) -> dict[str, Any]:
    """The one envelope of a file."""
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found


def statement_in(path: Path) -> dict[str, Any]:
    """What the one envelope of a file says."""
    found: dict[str, Any] = json.loads(base64.b64decode(envelope_in(path)["payload"]))
    return found


def line(value: object) -> bytes:
    return json.dumps(value).encode() + b"\n"


def sealed(payload: bytes, keys: Sequence[Keys], kind: str = STATEMENT, keyid: str = "") -> dict[str, Any]:
    """An envelope that Ed25519 keys have signed."""
    return {
        "payloadType": kind,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [
            {
                "keyid": keyid or each.fingerprint,
                "sig": base64.b64encode(each.key.sign(pae(kind, payload))).decode(),
            }
            for each in keys
        ],
    }


def statement(digests: Mapping[str, str], predicate: str = PROVENANCE, algorithm: str = "sha256") -> bytes:
    """A statement about files by name."""
    subjects = [{"name": name, "digest": {algorithm: digest}} for name, digest in digests.items()]
    value = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subjects,
        "predicateType": predicate,
        "predicate": {},
    }
    return json.dumps(value).encode()


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()

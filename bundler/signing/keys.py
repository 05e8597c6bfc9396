"""Keys that sign, and keys that signatures are held against: files as OpenSSL, cosign and OpenSSH write them.

The library that knows them, `cryptography`, is an extra of bundler's: it is imported when a key is asked for.
"""

from __future__ import annotations

import enum
import hashlib
import re
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn, cast

from bundler.errors import BadKey, BundlerError, ExtraMissing
from bundler.files import named
from bundler.machine import HAS_DRIVES, os

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

    Private = Ed25519PrivateKey | EllipticCurvePrivateKey | RSAPrivateKey
    Public = Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey

PASSPHRASE = "BUNDLER_SIGN_PASSPHRASE"
"""The variable that holds the passphrase of an encrypted key."""
_MOST = 1 << 20
"""Bytes of a key file."""
_LEAST_RSA = 2048
"""Bits (NIST SP 800-131A)."""
_ARMOUR = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----")
_OPENSSH = b"OPENSSH PRIVATE KEY"
_OPENSSH_PUBLIC = (b"ssh-", b"ecdsa-sha2-", b"sk-")
_COSIGN = (b"ENCRYPTED SIGSTORE PRIVATE KEY", b"ENCRYPTED COSIGN PRIVATE KEY")
_MINISIGN = b"untrusted comment:"
_KINDS = "keys are Ed25519, ECDSA P-256, or RSA of 2048 bits and more"
_MAKE_ONE = "make one: openssl genpkey -algorithm ed25519 -out key.pem"
_PUBLIC_OF = "its public half: openssl pkey -in key.pem -pubout -out key.pub"


class KeyKind(enum.Enum):
    """A kind of key, with which goes one way to sign."""

    ED25519 = "Ed25519"
    """RFC 8032: the same key and bytes give the same signature."""
    ECDSA = "ECDSA P-256"
    """With SHA-256, as cosign signs; the signature in DER. The same each time where the library can (RFC 6979)."""
    RSA = "RSA"
    """PKCS #1 v1.5 with SHA-256, as cosign signs."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """What signatures are held against."""

    kind: KeyKind
    fingerprint: str
    """SHA-256 of the key as a DER SubjectPublicKeyInfo, in hexadecimal."""
    _key: Public = field(repr=False)

    def is_signed(self, data: bytes, signature: bytes) -> bool:
        """Whether a signature is this key's, of these bytes."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding

        key = self._key
        try:
            if isinstance(key, ed25519.Ed25519PublicKey):
                key.verify(signature, data)
            elif isinstance(key, ec.EllipticCurvePublicKey):
                key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
            else:
                key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """What signs. No part of it is ever shown."""

    path: str
    public: PublicKey
    readable_by_others: bool
    """Whether the file's mode lets others than its owner read it."""
    _key: Private = field(repr=False)

    def sign(self, data: bytes) -> bytes:
        """The signature of bytes."""
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding

        key = self._key
        if isinstance(key, ed25519.Ed25519PrivateKey):
            return key.sign(data)
        if isinstance(key, ec.EllipticCurvePrivateKey):
            return key.sign(data, _ecdsa())
        return key.sign(data, padding.PKCS1v15(), hashes.SHA256())


def read_private_key(path: str, passphrase: str = "") -> PrivateKey:
    """The key in a file, or a pipe; a passphrase that it does not need is none of its business. Raises BadKey, ExtraMissing."""
    _check_extra("--sign")
    data, found = _read(path)
    label = _label(data)
    if label in _COSIGN:
        raise BadKey(
            f"{path} is encrypted in cosign's own way, which cosign alone opens",
            f"{_MAKE_ONE}; cosign import-key-pair --key key.pem makes it cosign's, too",
        )
    if label.endswith(b"PUBLIC KEY") or data.startswith(_OPENSSH_PUBLIC):
        raise BadKey(f"{path} is a public key, which signs nothing", "give the private one, which it was made of")
    key = _unlocked(path, data, label, passphrase)
    _check_kind(path, key.public_key())
    by_others = stat.S_ISREG(found.st_mode) and bool(found.st_mode & 0o077) and not HAS_DRIVES
    return PrivateKey(path, _described(key.public_key()), by_others, key)


def is_locked(path: str) -> bool:
    """Whether the key in a file asks for a passphrase; False for what is no file, and can be read but once.

    Raises BadKey, ExtraMissing.
    """
    if not os.path.isfile(path):
        return False
    _check_extra("--sign")
    data, _ = _read(path)
    try:
        _loaded(data, _label(data), None)
    except TypeError:
        return True
    except (ValueError, BundlerError):
        return False
    return False


def read_public_key(path: str) -> PublicKey:
    """The key in a file. Raises BadKey, ExtraMissing."""
    _check_extra("--key")
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    data, _ = _read(path)
    label = _label(data)
    if label.endswith(b"PRIVATE KEY"):
        raise BadKey(f"{path} is a private key, which nobody needs to verify", _PUBLIC_OF)
    if label == b"CERTIFICATE":
        raise BadKey(f"{path} is a certificate", "take the key out: openssl x509 -in FILE -noout -pubkey > key.pub")
    if data.startswith(_MINISIGN):
        raise BadKey(f"{path} is a key of minisign, which signs in another form", _KINDS)
    try:
        if data.startswith(_OPENSSH_PUBLIC):
            key: object = serialization.load_ssh_public_key(data)
        else:
            key = serialization.load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadKey(f"{path} is no public key in PEM, and none of OpenSSH", f"{_KINDS}; {_PUBLIC_OF}") from error
    _check_kind(path, key)
    return _described(cast("Public", key))


def _described(key: Public) -> PublicKey:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519

    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    kind = KeyKind.RSA
    if isinstance(key, ed25519.Ed25519PublicKey):
        kind = KeyKind.ED25519
    elif isinstance(key, ec.EllipticCurvePublicKey):
        kind = KeyKind.ECDSA
    return PublicKey(kind, hashlib.sha256(der).hexdigest(), key)


def _check_kind(path: str, key: object) -> None:
    """Refuse a key of another kind than `KeyKind` has. Raises BadKey."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    what = type(key).__name__.strip("_").removesuffix("PublicKey")
    if isinstance(key, ed25519.Ed25519PublicKey):
        return
    if isinstance(key, ec.EllipticCurvePublicKey):
        if key.curve.name == "secp256r1":
            return
        what = f"ECDSA {key.curve.name}"
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size >= _LEAST_RSA:
            return
        what = f"RSA of {key.key_size} bits"
    raise BadKey(f"{path} is a key of a kind that bundler does not sign with: {what}", _KINDS)


def _unlocked(path: str, data: bytes, label: bytes, passphrase: str) -> Private:
    """The private key that a file's bytes are. Raises BadKey."""
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        try:
            return _loaded(data, label, None)
        except TypeError:
            if not passphrase:
                _refuse_locked(path)
        return _loaded(data, label, passphrase.encode("utf-8", "surrogateescape"))
    except UnsupportedAlgorithm as error:
        raise BadKey(f"{path} is a key that cannot be opened here: {error}", _KINDS) from None
    except ValueError:
        # What the library says may hold a part of the file.
        if passphrase and label:
            raise BadKey(
                f"{path}: the passphrase does not open it, or it is damaged", f"is {PASSPHRASE} right?"
            ) from None
        raise BadKey(f"{path} is no private key in PEM, and none of OpenSSH", f"{_KINDS}; {_MAKE_ONE}") from None


def _refuse_locked(path: str) -> NoReturn:
    raise BadKey(f"{path} is encrypted, and there is no passphrase", f"put it into the variable {PASSPHRASE}")


def _loaded(data: bytes, label: bytes, passphrase: bytes | None) -> Private:
    """Raises TypeError for an encrypted key without passphrase, ValueError, UnsupportedAlgorithm."""
    from cryptography.hazmat.primitives import serialization

    load = serialization.load_ssh_private_key if label == _OPENSSH else serialization.load_pem_private_key
    return cast("Private", load(data, passphrase))


def _ecdsa() -> ECDSA:
    """ECDSA with SHA-256; by RFC 6979 where the library's OpenSSL has that (3.2 and later)."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        return ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
    except UnsupportedAlgorithm:
        return ec.ECDSA(hashes.SHA256())


def _label(data: bytes) -> bytes:
    """What the first armour of PEM says it holds; nothing for what has none."""
    found = _ARMOUR.search(data)
    return found[1] if found else b""


def _read(path: str) -> tuple[bytes, os.stat_result]:
    """A key file, which may be a pipe. Raises BadKey."""
    try:
        with open(path, "rb") as file:
            data, facts = file.read(_MOST + 1), os.fstat(file.fileno())
    except OSError as error:
        raise BadKey(f"the key {path} cannot be read: {named(error, path).strerror}") from error
    if len(data) > _MOST:
        raise BadKey(f"{path} is too large for a key: more than {_MOST} bytes")
    return data, facts


def _check_extra(option: str) -> None:
    """Raise ExtraMissing where the library is not installed."""
    try:
        import cryptography  # noqa: F401
    except ImportError as error:
        raise ExtraMissing(
            f"{option} needs the package cryptography", "pip install 'relocatable-bundler[sign]'"
        ) from error

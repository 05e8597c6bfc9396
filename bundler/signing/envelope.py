"""DSSE envelopes: bytes with their type and their signatures, as JSON (github.com/secure-systems-lab/dsse, protocol 1.0).

A file holds one envelope, or several, one on a line (in-toto's "Bundle"); what cosign writes around one is taken off.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from bundler.parsing import parse_json
from bundler.signing.keys import PrivateKey, PublicKey

_MOST_SIGNATURES = 64
"""Of one envelope: each costs a moment."""
_MOST_LINES = 1024
_AROUND = "dsseEnvelope"
"""The member of a Sigstore bundle (sigstore_bundle.proto) that holds the envelope."""


class EnvelopeSignature(NamedTuple):
    """A signature, and what it says of its key: a hint that nobody has signed."""

    keyid: str
    signature: bytes


class Envelope(NamedTuple):
    """Bytes of some type, and signatures of both."""

    payload_type: str
    payload: bytes
    signatures: tuple[EnvelopeSignature, ...]

    def is_signed_by(self, key: PublicKey) -> bool:
        """Whether one of the signatures is this key's. The hints count for nothing."""
        signed = encoded(self.payload_type, self.payload)
        return any(key.is_signed(signed, each.signature) for each in self.signatures)


def encoded(payload_type: str, payload: bytes) -> bytes:
    """What is signed (PAE): no other payload, or type, has the same bytes."""
    kind = payload_type.encode("utf-8", "surrogatepass")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def sealed(payload_type: str, payload: bytes, key: PrivateKey) -> Envelope:
    """The envelope that a key signs."""
    signature = key.sign(encoded(payload_type, payload))
    return Envelope(payload_type, payload, (EnvelopeSignature(key.public.fingerprint, signature),))


def write_envelope(envelope: Envelope) -> bytes:
    """One line of ASCII."""
    value = {
        "payloadType": envelope.payload_type,
        "payload": base64.b64encode(envelope.payload).decode(),
        "signatures": [
            {"keyid": each.keyid, "sig": base64.b64encode(each.signature).decode()} for each in envelope.signatures
        ],
    }
    return json.dumps(value).encode("ascii") + b"\n"


def read_envelopes(data: bytes) -> tuple[Envelope, ...]:
    """The envelopes of a file; lines that are none are passed over, as in-toto asks. Raises ValueError where there is none."""
    found, first = [], None
    for text in _texts(data):
        try:
            found.append(_envelope(parse_json(text)))
        except ValueError as error:
            first = first or error
    if not found:
        raise ValueError(str(first) if first is not None else "it is empty")
    return tuple(found)


def _texts(data: bytes) -> Iterator[bytes]:
    """The whole file where it is one value, laid out as anybody likes; else its lines."""
    try:
        parse_json(data)
    except ValueError:
        yield from [line for line in data.split(b"\n") if line.strip()][:_MOST_LINES]
    else:
        yield data


def _envelope(value: object) -> Envelope:
    members = _members(value, "an envelope")
    if _AROUND in members:
        members = _members(members[_AROUND], "an envelope")
    kind, signatures = members.get("payloadType"), members.get("signatures")
    if not isinstance(kind, str) or not isinstance(signatures, list):
        raise ValueError("it is no DSSE envelope: payloadType, payload or signatures are missing")
    if len(signatures) > _MOST_SIGNATURES:
        raise ValueError(f"it has {len(signatures)} signatures, and {_MOST_SIGNATURES} would be many")
    return Envelope(kind, _bytes(members.get("payload")), tuple(map(_signature, signatures)))


def _signature(value: object) -> EnvelopeSignature:
    members = _members(value, "a signature")
    keyid = members.get("keyid")
    return EnvelopeSignature(keyid if isinstance(keyid, str) else "", _bytes(members.get("sig")))


def _members(value: object, what: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} is no JSON object")
    return value


def _bytes(text: object) -> bytes:
    """The bytes of a text in base 64, of either alphabet."""
    if not isinstance(text, str):
        raise ValueError("it is no DSSE envelope: payloadType, payload or signatures are missing")
    plain = text.replace("-", "+").replace("_", "/")
    return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)

"""Envelopes, held against OpenSSL and against another implementation of DSSE."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope as OtherEnvelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer._key import SSlibKey

from bundler.signing.envelope import (
    Envelope,
    EnvelopeSignature,
    encoded,
    read_envelopes,
    sealed,
    write_envelope,
)
from bundler.signing.keys import read_private_key, read_public_key
from tests.material.programs import need
from tests.material.signing import KINDS, Keys, line, make_keys, pae
from tests.material.signing import sealed as sealed_by_hand

KIND = "application/vnd.in-toto+json"
PAYLOAD = '{"_type": "é"}'.encode()
SCHEMES = {"ed25519": "ed25519", "ecdsa": "ecdsa-sha2-nistp256", "rsa": "rsa-pkcs1v15-sha256"}


def sign(keys: Keys, payload: bytes = PAYLOAD) -> bytes:
    return write_envelope(sealed(KIND, payload, read_private_key(str(keys.private))))


def test_what_is_signed_is_what_the_specification_says() -> None:
    """Its own example, and a type whose bytes are more than its letters."""
    assert encoded("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    assert encoded("é", b"") == b"DSSEv1 2 \xc3\xa9 0 "


@given(kind=st.text(max_size=20), payload=st.binary(max_size=40), signature=st.binary(max_size=80), keyid=st.text())
def test_an_envelope_comes_back_as_it_was(kind: str, payload: bytes, signature: bytes, keyid: str) -> None:
    envelope = Envelope(kind, payload, (EnvelopeSignature(keyid, signature), EnvelopeSignature("", b"")))
    written = write_envelope(envelope)
    assert read_envelopes(written) == (envelope,)
    assert written.isascii() and written.count(b"\n") == 1
    assert read_envelopes(written + written) == (envelope, envelope)


@given(st.binary(max_size=200))
def test_what_is_no_envelope_is_one_kind_of_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_envelopes(data)


@pytest.mark.parametrize("kind", KINDS)
def test_openssl_takes_the_signature_over_what_the_specification_says(tmp_path: Path, kind: str) -> None:
    openssl, keys = need("openssl"), make_keys(tmp_path, kind)
    envelope = json.loads(sign(keys))
    (tmp_path / "signed").write_bytes(pae(envelope["payloadType"], base64.b64decode(envelope["payload"])))
    (tmp_path / "other").write_bytes(pae(envelope["payloadType"], b"{}"))
    (tmp_path / "sig").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
    statuses = []
    for name in ("signed", "other"):
        words: list[str | Path]
        if kind == "ed25519":
            words = ["pkeyutl", "-verify", "-pubin", "-inkey", keys.public, "-rawin", "-in", tmp_path / name]
            words += ["-sigfile", tmp_path / "sig"]
        else:
            words = ["dgst", "-sha256", "-verify", keys.public, "-signature", tmp_path / "sig", tmp_path / name]
        statuses.append(subprocess.run([openssl, *words], capture_output=True, check=False).returncode)
    assert statuses == [0, 1]


@pytest.mark.parametrize("kind", KINDS)
def test_another_implementation_takes_what_is_signed_here(tmp_path: Path, kind: str) -> None:
    keys, other = make_keys(tmp_path, kind), make_keys(tmp_path / "other", kind)
    envelope: dict[str, Any] = json.loads(sign(keys))
    read = OtherEnvelope.from_dict(envelope)
    assert read.payload == PAYLOAD

    def as_other(of: Keys) -> SSlibKey:
        return SSlibKey.from_crypto(of.key.public_key(), keys.fingerprint, SCHEMES[kind])

    assert set(read.verify([as_other(keys)], 1)) == {keys.fingerprint}
    with pytest.raises(VerificationError):
        read.verify([as_other(other)], 1)


def test_a_hint_on_the_key_counts_for_nothing(tmp_path: Path) -> None:
    keys, other = make_keys(tmp_path), make_keys(tmp_path / "other")
    key = read_public_key(str(keys.public))
    (good,) = read_envelopes(line(sealed_by_hand(PAYLOAD, [keys], keyid="somebody else")))
    (bad,) = read_envelopes(line(sealed_by_hand(PAYLOAD, [other], keyid=keys.fingerprint)))
    assert good.is_signed_by(key) and not bad.is_signed_by(key)


def test_one_signature_of_several_is_enough(tmp_path: Path) -> None:
    keys, other = make_keys(tmp_path), make_keys(tmp_path / "other")
    (envelope,) = read_envelopes(line(sealed_by_hand(PAYLOAD, [other, keys])))
    assert all(envelope.is_signed_by(read_public_key(str(each.public))) for each in (keys, other))


def test_either_alphabet_of_base_64_is_read_and_nothing_else(tmp_path: Path) -> None:
    value = json.loads(sign(make_keys(tmp_path), b"\xfb\xff\xbf" * 5))
    standard = value["payload"]
    assert "+" in standard or "/" in standard
    value["payload"] = standard.replace("+", "-").replace("/", "_").rstrip("=")
    assert read_envelopes(line(value))[0].payload == b"\xfb\xff\xbf" * 5
    value["payload"] = standard[:4] + " " + standard[4:]
    with pytest.raises(ValueError, match=r"."):
        read_envelopes(line(value))


def test_a_file_may_have_lines_that_are_no_envelopes_and_one_laid_out_over_several(tmp_path: Path) -> None:
    envelope = json.loads(sign(make_keys(tmp_path)))
    assert len(read_envelopes(b"# by hand\n\n{}\n" + line(envelope))) == 1
    assert len(read_envelopes(json.dumps(envelope, indent=2).encode())) == 1
    around = {"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "dsseEnvelope": envelope}
    assert read_envelopes(line(around)) == read_envelopes(line(envelope))


def test_thousands_of_signatures_are_not_tried(tmp_path: Path) -> None:
    envelope = json.loads(sign(make_keys(tmp_path)))
    envelope["signatures"] *= 1000
    with pytest.raises(ValueError, match=r"1000 signatures, and 64 would be many"):
        read_envelopes(line(envelope))

"""Which keys sign, which do not, and what is said of those."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bundler.errors import BadKey, ExtraMissing
from bundler.signing.keys import KeyKind, is_locked, read_private_key, read_public_key
from tests.material.programs import need
from tests.material.signing import KINDS, PASSPHRASE, make_keys

DATA = b"what is signed"


@pytest.mark.parametrize("openssh", [False, True], ids=["pem", "openssh"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_signs_and_its_public_half_tells(tmp_path: Path, kind: str, openssh: bool) -> None:
    keys, other = make_keys(tmp_path, kind, openssh=openssh), make_keys(tmp_path / "other", kind)
    private, public = read_private_key(str(keys.private)), read_public_key(str(keys.public))
    signature = private.sign(DATA)
    assert public.is_signed(DATA, signature)
    assert not public.is_signed(DATA + b"!", signature)
    assert not public.is_signed(DATA, signature[:-1] + bytes([signature[-1] ^ 1]))
    assert not public.is_signed(DATA, b"")
    assert not read_public_key(str(other.public)).is_signed(DATA, signature)
    assert private.public.fingerprint == public.fingerprint == keys.fingerprint
    assert private.sign(DATA) == signature, "the same each time"
    assert not private.readable_by_others


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["genpkey", "-algorithm", "ed25519"], KeyKind.ED25519),
        (["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"], KeyKind.ECDSA),
        (["ecparam", "-name", "prime256v1", "-genkey", "-noout"], KeyKind.ECDSA),  # "EC PRIVATE KEY"
        (["genrsa", "-traditional", "2048"], KeyKind.RSA),  # "RSA PRIVATE KEY"
    ],
    ids=lambda value: "-".join(value[:3]) if isinstance(value, list) else "",
)
def test_keys_of_openssl(tmp_path: Path, words: list[str], kind: KeyKind) -> None:
    openssl = need("openssl")
    private, public = tmp_path / "key.pem", tmp_path / "key.pub"
    subprocess.run([openssl, words[0], "-out", private, *words[1:]], check=True, capture_output=True)
    subprocess.run([openssl, "pkey", "-in", private, "-pubout", "-out", public], check=True)
    key = read_public_key(str(public))
    assert key.kind is kind
    assert key.is_signed(DATA, read_private_key(str(private)).sign(DATA))
    der = subprocess.run([openssl, "pkey", "-pubin", "-in", public, "-outform", "DER"], check=True, capture_output=True)
    assert hashlib.sha256(der.stdout).hexdigest() == key.fingerprint


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_keys_of_ssh_keygen(tmp_path: Path, kind: str) -> None:
    private = tmp_path / "id"
    subprocess.run([need("ssh-keygen"), "-q", "-t", kind, "-N", PASSPHRASE, "-C", "nobody", "-f", private], check=True)
    assert is_locked(str(private))
    key = read_public_key(f"{private}.pub")
    assert key.is_signed(DATA, read_private_key(str(private), PASSPHRASE).sign(DATA))


@pytest.mark.parametrize("openssh", [False, True], ids=["pem", "openssh"])
def test_an_encrypted_key_opens_by_its_passphrase_alone(tmp_path: Path, openssh: bool) -> None:
    keys = make_keys(tmp_path, passphrase=PASSPHRASE, openssh=openssh)
    path = str(keys.private)
    assert is_locked(path)
    assert read_private_key(path, PASSPHRASE).public.fingerprint == keys.fingerprint
    with pytest.raises(BadKey, match=r"is encrypted, and there is no passphrase") as lacking:
        read_private_key(path)
    assert "BUNDLER_SIGN_PASSPHRASE" in lacking.value.hint
    with pytest.raises(BadKey, match=r"the passphrase does not open it") as wrong:
        read_private_key(path, "wrong horse")
    assert "wrong horse" not in f"{wrong.value!r} {wrong.value} {wrong.value.hint}"


def test_a_passphrase_that_a_key_does_not_need_is_passed_over(tmp_path: Path) -> None:
    keys = make_keys(tmp_path)
    assert not is_locked(str(keys.private))
    assert read_private_key(str(keys.private), PASSPHRASE).public.fingerprint == keys.fingerprint


def test_a_key_from_a_pipe_is_read_once(tmp_path: Path) -> None:
    keys = make_keys(tmp_path)
    reader, writer = os.pipe()
    os.write(writer, keys.private.read_bytes())
    os.close(writer)
    path = f"/proc/self/fd/{reader}"
    try:
        assert not is_locked(path)
        assert read_private_key(path).public.fingerprint == keys.fingerprint
    finally:
        os.close(reader)


def test_a_key_that_others_may_read_is_told(tmp_path: Path) -> None:
    keys = make_keys(tmp_path)
    keys.private.chmod(0o640)
    assert read_private_key(str(keys.private)).readable_by_others


def test_nothing_of_a_key_is_shown(tmp_path: Path) -> None:
    keys = make_keys(tmp_path)
    secret = keys.key.private_bytes_raw().hex()
    private = read_private_key(str(keys.private))
    assert keys.private.read_text().splitlines()[1] not in repr(private)
    assert secret not in repr(private)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("-----BEGIN ENCRYPTED SIGSTORE " + "PRIVATE KEY-----\n", "in cosign's own way", "cosign import-key-pair"),
        ("-----BEGIN ENCRYPTED COSIGN " + "PRIVATE KEY-----\n", "in cosign's own way", "cosign import-key-pair"),
        ("-----BEGIN PUBLIC KEY-----\n", "is a public key", "private"),
        ("ssh-ed25519 AAAA nobody\n", "is a public key", "private"),
        ("no key\n", "is no private key in PEM", "openssl genpkey"),
        ("", "is no private key in PEM", "openssl genpkey"),
        ("-----BEGIN " + "PRIVATE KEY-----\nAAAA\n-----END " + "PRIVATE KEY-----\n", "is no private key in PEM", ""),
    ],
)
def test_what_signs_nothing_is_told_with_what_to_do(tmp_path: Path, text: str, message: str, hint: str) -> None:
    (tmp_path / "key").write_text(text)
    with pytest.raises(BadKey, match=message) as error:
        read_private_key(str(tmp_path / "key"))
    assert hint in error.value.hint


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("-----BEGIN CERTIFICATE-----\n", "is a certificate", "openssl x509"),
        ("untrusted comment: minisign public key\nRWQ\n", "is a key of minisign", "Ed25519"),
        ("no key\n", "is no public key in PEM", "-pubout"),
    ],
)
def test_what_no_signature_is_held_against_is_told_with_what_to_do(
    tmp_path: Path, text: str, message: str, hint: str
) -> None:
    (tmp_path / "key").write_text(text)
    with pytest.raises(BadKey, match=message) as error:
        read_public_key(str(tmp_path / "key"))
    assert hint in error.value.hint


def test_a_private_key_is_no_key_to_verify_by(tmp_path: Path) -> None:
    keys = make_keys(tmp_path)
    with pytest.raises(BadKey, match=r"is a private key, which nobody needs to verify") as error:
        read_public_key(str(keys.private))
    assert "-pubout" in error.value.hint


@pytest.mark.parametrize(
    ("kind", "what"), [("ecdsa-p384", "ECDSA secp384r1"), ("rsa-short", "RSA of 1024 bits")], ids=["p384", "short"]
)
def test_other_kinds_are_refused_by_name(tmp_path: Path, kind: str, what: str) -> None:
    keys = make_keys(tmp_path, kind)
    with pytest.raises(BadKey, match=what) as error:
        read_private_key(str(keys.private))
    assert "Ed25519, ECDSA P-256" in error.value.hint
    with pytest.raises(BadKey, match=what):
        read_public_key(str(keys.public))


def test_a_file_that_is_not_there_or_endless_is_told(tmp_path: Path) -> None:
    for read in (read_private_key, read_public_key):
        with pytest.raises(BadKey, match=r"cannot be read: No such file"):
            read(str(tmp_path / "none"))
        with pytest.raises(BadKey, match=r"cannot be read: Is a directory"):
            read(str(tmp_path))
        with pytest.raises(BadKey, match=r"is too large for a key"):
            read("/dev/zero")


def test_without_the_extra_it_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = make_keys(tmp_path)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    for read, path, option in ((read_private_key, keys.private, "--sign"), (read_public_key, keys.public, "--key")):
        with pytest.raises(ExtraMissing, match=f"{option} needs the package cryptography") as error:
            read(str(path))
        assert "relocatable-bundler[sign]" in error.value.hint

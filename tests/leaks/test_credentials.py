"""Credentials are found by their forms, and what only looks like one is not."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path

import pytest

from bundler.leaks.findings import Trace
from bundler.leaks.tokens import RUN, TOKENS
from tests.leaks.scanned import kinds, scanned
from tests.material import secrets

TOKENS_OF_ALL_KINDS = secrets.tokens(random.Random(7))
SIZES = (1, 1000, 1 << 20)


def test_each_kind_of_token_has_a_row_and_a_page() -> None:
    assert {kind for kind, _ in TOKENS_OF_ALL_KINDS} == {row.name for row in TOKENS}
    assert all(row.source.startswith("https://") for row in TOKENS)


@pytest.mark.parametrize(("kind", "token"), TOKENS_OF_ALL_KINDS, ids=[kind for kind, _ in TOKENS_OF_ALL_KINDS])
def test_a_token_is_found_wherever_pieces_are_cut_and_in_every_coding(kind: str, token: str) -> None:
    text = f'# first\nvalue = "{token}"\n'
    for size in SIZES:
        traces, (credential,) = scanned(text.encode(), size=size)
        assert (traces, credential.kind, credential.line) == (Trace.CREDENTIAL, kind, 2)
        assert len(credential.shown) <= 5 and token not in credential.shown
    assert kinds(json.dumps({"x": text}).encode(), "a.json") == [kind]
    assert kinds(text.encode("utf-16"), "a.txt") == [kind]
    assert kinds(b"\x7fELF\0\0" + token.encode() + b"\0", "a.so") == [kind]


@pytest.mark.parametrize("coding", ["utf-16-le", "utf-16-be"])
def test_a_token_in_a_program_of_windows_is_found(coding: str) -> None:
    token = dict(TOKENS_OF_ALL_KINDS)["github-token"]
    for size in (7, 1 << 20):
        assert kinds(b"MZ\0\0\x01\x02" + token.encode(coding) + b"\0\0", "a.exe", size=size) == ["github-token"]


def test_a_token_with_a_checksum_is_found_between_other_strings(chosen: random.Random) -> None:
    """Rust keeps its strings one behind the other."""
    token = secrets.with_crc32("gh" + "p_", secrets.letters(chosen, 30))
    assert kinds(b"\x7fELF\0\0no such file" + token.encode() + b"at line", "a.so") == ["github-token"]


def test_what_has_the_form_and_another_checksum_is_none(chosen: random.Random) -> None:
    token = secrets.with_crc32("gh" + "p_", secrets.letters(chosen, 30))
    changed = token[:-7] + ("A" if token[-7] != "A" else "B") + token[-6:]
    assert kinds(token.encode()) == ["github-token"]
    assert kinds(changed.encode()) == []


@pytest.mark.parametrize(
    "text",
    [
        "AK" + "IAIOSFODNN7EXAMPLE",  # of Amazon's manuals
        "gl" + "pat-" + "x" * 20,
        "xo" + "xb-" + "1234567890" + "12-123456789012-your-token-goes-here",
        "AK" + "IA" + "ABCDEFGH" * 2,
        "sk" + "_live_" + "0" * 24,
        "ey" + "JhbGciOiJIUzI1NiJ9" + "." + "eyJ" + "a" * 20 + "." + "b" * 30,  # no JSON inside
        "a" * 40,
        "test_a_long_name_of_a_function_in_python",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",  # a digest
        "mydapi" + "0123456789abcdef" * 2,
    ],
)
def test_examples_names_and_digests_are_none(text: str) -> None:
    assert kinds(f"x = '{text}'\n".encode()) == []


def test_many_tokens_of_one_file_are_told_up_to_twenty(chosen: random.Random) -> None:
    text = "\n".join(secrets.with_crc32("gh" + "p_", secrets.letters(chosen, 30)) for _ in range(50))
    credentials = scanned(text.encode())[1]
    assert [credential.line for credential in credentials] == list(range(1, 21))


def test_lines_and_offsets_count_from_the_start_of_a_large_file(chosen: random.Random) -> None:
    token = secrets.with_crc32("gh" + "p_", secrets.letters(chosen, 30))
    before = b"some words on a line\n" * 200_000
    (credential,) = scanned(before + b"x = " + token.encode(), size=1 << 16)[1]
    assert (credential.line, credential.offset) == (200_001, len(before) + 4)


def test_a_token_has_a_run_that_it_is_found_by() -> None:
    assert all(any(len(part) >= RUN for part in _runs(token)) for _, token in TOKENS_OF_ALL_KINDS)


def _runs(token: str) -> list[str]:
    return "".join(letter if letter.isalnum() or letter in "-_" else " " for letter in token).split()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("what", ["RSA PRIVATE", "PRIVATE"])
def test_a_private_key_is_found_in_its_armour_and_in_a_program_s_text(
    chosen: random.Random, what: str, size: int
) -> None:
    key = secrets.armoured(what, secrets.rsa_key(chosen))
    assert kinds(b"\n\n" + key, "a.pem", size=size) == ["private-key"]
    assert kinds(json.dumps({"key": key.decode()}).encode(), "a.json", size=size) == ["private-key"]
    lines = "".join(f"    {line + chr(10)!r}\n" for line in key.decode().splitlines())
    assert kinds(f"KEY = (\n{lines})\n".encode(), size=size) == ["private-key"]
    assert kinds(f"KEY = {key!r}\n".encode(), size=size) == ["private-key"]


@pytest.mark.parametrize(
    "options", [("-t", "ed25519"), ("-t", "rsa", "-b", "2048"), ("-t", "rsa", "-m", "PEM"), ("-t", "ecdsa")]
)
def test_keys_of_ssh_are_found(tmp_path: Path, options: tuple[str, ...]) -> None:
    assert kinds(secrets.private_key(tmp_path, *options), "id") == ["private-key"]


def test_an_encrypted_key_is_told_as_one(tmp_path: Path) -> None:
    key = secrets.private_key(tmp_path, "-t", "rsa", "-m", "PEM", "-N", "a passphrase")
    assert kinds(key, "id") == ["encrypted-private-key"]


@pytest.mark.parametrize(
    "text",
    [
        b'if line.startswith("-----BEGIN ' + b'PRIVATE KEY-----"):\n    return line.strip().removesuffix("x" * 70)\n',
        b"-----BEGIN RSA " + b"PRIVATE KEY-----\n...\n-----END RSA " + b"PRIVATE KEY-----\n",
        b"-----BEGIN PGP " + b"PRIVATE KEY BLOCK-----\n<your key>\n",
        b"-----BEGIN " + b"PUBLIC KEY-----\nMIIB" + b"A" * 60,
        b"-----BEGIN " + b"PRIVATE KEY-----\nQUJD" + b"QUJD" * 20 + b"\n-----END " + b"PRIVATE KEY-----\n",  # words
        b"-----BEGIN CERTIFICATE-----\nMIIB" + b"A" * 60,
        b"_PEM = re.compile(b'-----BEGIN (RSA|EC) ' b'PRIVATE KEY-----')",
    ],
)
def test_who_names_the_armour_has_no_key(text: bytes) -> None:
    assert kinds(text) == []


def test_keys_without_an_armour_are_found_by_how_their_files_begin(tmp_path: Path, chosen: random.Random) -> None:
    assert kinds(secrets.rsa_key(chosen), "a.der") == ["private-key"]
    store = tmp_path / "a.p12"
    commands = (
        ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=a", "-keyout", "k", "-out", "c"),
        ("openssl", "pkcs12", "-export", "-inkey", "k", "-in", "c", "-passout", "pass:a word", "-out", store),
    )
    try:
        for command in commands:
            subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("no openssl here")
    assert kinds(store.read_bytes(), "a.p12") == ["key-store"]
    assert kinds((tmp_path / "c").read_bytes(), "c.pem") == []


@pytest.mark.parametrize("size", SIZES)
def test_a_password_in_a_url_is_found_and_neither_user_nor_host_is_told(chosen: random.Random, size: int) -> None:
    password = secrets.letters(chosen, 14)
    for scheme, host in (
        ("https", "pypi.corp.net/simple"),
        ("postgresql+psycopg2", "db/app"),
        ("redis", "10.0.0.5:6379/0"),
    ):
        (credential,) = scanned(f"URL = '{scheme}://app:{password}@{host}'".encode(), size=size)[1]
        assert (credential.kind, credential.shown) == ("password-in-url", f"{scheme}://…")


@pytest.mark.parametrize(
    "url",
    [
        *("https://user:password@host/", "http://user:pass@proxy.example.com:3128", "postgresql://scott:tiger@localhost/test"),
        *("https://{user}:{password}@corp.net", "https://$USER:$TOKEN@corp.net", "https://%s:%s@corp.net", "git+ssh://git@github.com/a/b"),
        *("redis://:changeme@redis:6379", "https://corp.net:8080/@scope/package", "http://admin:admin@10.0.0.1", "https://a:xxxxxxxx@corp.net"),
        *("amqp://guest:guest@rabbit//", "http://<user>:<password>@corp.net", "mailto:someone@corp.net", "ftp://alice:Hq5tR8wz@127.0.0.1/"),
    ],
)  # fmt: skip
def test_a_url_of_a_manual_a_template_or_this_very_machine_is_none(url: str) -> None:
    assert kinds(f"see {url} for more\n".encode()) == []

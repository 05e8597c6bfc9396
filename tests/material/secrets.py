"""Credentials that give access to nothing, put together when a test runs: none stands in a file, where a scanner would find it."""

from __future__ import annotations

import base64
import json
import random
import string
import subprocess
import zlib
from pathlib import Path

import pytest

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_BASE32 = string.ascii_uppercase + "234567"
_URL_SAFE = string.ascii_letters + string.digits + "-_"
_HEXADECIMAL = "0123456789abcdef"


def letters(chosen: random.Random, count: int, alphabet: str = BASE62) -> str:
    """Random ones, with each kind of the alphabet among them, as in a token."""
    return "".join(chosen.choice(alphabet) for _ in range(count))


def with_crc32(prefix: str, body: str) -> str:
    """A token as GitHub makes them: behind its body the CRC-32 of it, in base 62."""
    number, digits = zlib.crc32(body.encode()), ""
    while number:
        number, rest = divmod(number, 62)
        digits = BASE62[rest] + digits
    return prefix + body + digits.rjust(6, "0")


def _coded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def tokens(chosen: random.Random) -> list[tuple[str, str]]:
    """One or more of each kind of `bundler.leaks.tokens`: the kind, and a token."""

    def some(count: int, alphabet: str = BASE62) -> str:
        return letters(chosen, count, alphabet)

    macaroon = b"\x02\x01\x08" + b"pypi.org" + bytes(chosen.randrange(256) for _ in range(80))
    claims = json.dumps({"sub": some(8), "iat": 1600000000}).encode()
    header = json.dumps({"alg": "HS" + "256", "typ": "JWT"}).encode()
    return [
        *(("github-token", with_crc32("gh" + letter + "_", some(30))) for letter in "pousr"),
        ("github-token", "github" + "_pat_" + some(22) + "_" + some(59)),
        ("npm-token", with_crc32("npm" + "_", some(30))),
        ("pypi-token", "pypi" + "-" + _coded(macaroon)),
        ("gitlab-token", "gl" + "pat-" + some(20, _URL_SAFE)),
        ("gitlab-token", "gl" + "pat-" + some(40, _URL_SAFE) + ".01." + some(9, _HEXADECIMAL)),
        ("aws-access-key", "AK" + "IA" + some(16, _BASE32)),
        ("aws-access-key", "AS" + "IA" + some(16, _BASE32)),
        ("google-api-key", "AI" + "za" + some(35, _URL_SAFE)),
        ("google-client-secret", "GOC" + "SPX-" + some(28, _URL_SAFE)),
        ("slack-token", "xo" + "xb-" + some(12, string.digits) + "-" + some(12, string.digits) + "-" + some(24)),
        (
            "slack-token",
            "xa" + "pp-1-A" + some(10, _BASE32) + "-" + some(13, string.digits) + "-" + some(64, _HEXADECIMAL),
        ),
        (
            "slack-webhook",
            "https://"
            + "hooks.slack.com"
            + "/services/T"
            + some(8, _BASE32)
            + "/B"
            + some(8, _BASE32)
            + "/"
            + some(24),
        ),
        ("stripe-key", "sk" + "_live_" + some(24)),
        ("openai-key", "sk-" + "proj-" + some(40, _URL_SAFE) + "T3Bl" + "bkFJ" + some(40, _URL_SAFE)),
        ("anthropic-key", "sk-" + "ant-api03-" + some(93, _URL_SAFE) + "AA"),
        ("huggingface-token", "hf" + "_" + some(34, string.ascii_letters)),
        ("docker-token", "dckr" + "_pat_" + some(27, _URL_SAFE)),
        ("sendgrid-key", "SG" + "." + some(22, _URL_SAFE) + "." + some(43, _URL_SAFE)),
        ("digitalocean-token", "dop" + "_v1_" + some(64, _HEXADECIMAL)),
        ("databricks-token", "da" + "pi" + some(32, _HEXADECIMAL)),
        ("vault-token", "hv" + "s." + some(90, _URL_SAFE)),
        ("terraform-token", some(14) + ".atlas" + "v1." + some(64, _URL_SAFE)),
        ("grafana-token", "gl" + "sa_" + some(32) + "_" + some(8, _HEXADECIMAL)),
        ("telegram-token", some(10, "123456789") + ":A" + "A" + some(33, _URL_SAFE)),
        ("shopify-token", "shp" + "at_" + some(32, _HEXADECIMAL)),
        ("postman-key", "PM" + "AK-" + some(24, _HEXADECIMAL) + "-" + some(34, _HEXADECIMAL)),
        ("artifactory-token", "cmVm" + "dGtu" + some(56)),
        ("jwt", ".".join((_coded(header), _coded(claims), some(43, _URL_SAFE)))),
        ("age-key", "AGE-" + "SECRET-KEY-1" + some(58, "023456789ACDEFGHJKLMNPQRSTUVWXYZ")),
    ]


def private_key(folder: Path, *options: str) -> bytes:
    """A new key as `ssh-keygen` writes it, or skip."""
    path = folder / "key"
    path.unlink(missing_ok=True)
    try:
        subprocess.run(["ssh-keygen", "-q", "-N", "", *options, "-f", path], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("ssh-keygen makes no such key here")
    return path.read_bytes()


def armoured(what: str, key: bytes) -> bytes:
    """A key in the armour of RFC 7468."""
    text = base64.b64encode(key)
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    bounds = [f"-----{word} {what}".encode() + b" KEY-----" for word in ("BEGIN", "END")]
    return b"\n".join((bounds[0], *lines, bounds[1], b""))


def rsa_key(chosen: random.Random) -> bytes:
    """The shape of an RSAPrivateKey (RFC 8017, A.1.2) of 2048 bits, with numbers that are no key."""
    number = bytes(chosen.randrange(1, 256) for _ in range(256))
    body = b"\x02\x01\x00" + b"\x02\x82\x01\x01\x00" + number + b"\x02\x03\x01\x00\x01" + b"\x02\x82\x01\x00" + number
    return b"\x30\x82" + len(body).to_bytes(2, "big") + body

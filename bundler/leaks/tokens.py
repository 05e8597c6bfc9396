"""Tokens of known forms: one row a kind, with what proves that it is one, and who says so.

A row's expression names letters that tokens of no other kind begin with, or a form that has a checksum. What people write into
manuals has the form, too: `examples` tells it apart.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import NamedTuple

from bundler.leaks.examples import is_made_up

RUN = 20
"""Each token has so many letters, digits, `-` and `_` in a row, or more: only around such runs is looked for one."""
BEFORE = 24
"""The most bytes of a token that stand before its first run; one that is a URL is looked for where that begins."""
URL = b"://hooks."
"""What begins those that are URLs, but for their scheme."""
LONGEST = 4096
"""The most bytes of a token that are looked at."""

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_NOT_BEFORE = rb"(?<![0-9A-Za-z_-])"
_NOT_BEHIND = rb"(?![0-9A-Za-z_-])"


@dataclass(frozen=True)
class TokenKind:
    """One row. (It has no slots: its expression is kept once it was asked for.)"""

    name: str
    literals: tuple[bytes, ...]
    """Each token has one of these in it."""
    form: bytes
    """A regular expression."""
    source: str
    """The page that describes the form."""
    check: Callable[[bytes], bool] | None = None
    """What a token has beside its form: a checksum, or a structure. Then it may stand in the middle of other letters."""

    @cached_property
    def expression(self) -> re.Pattern[bytes]:
        """The form, compiled, and without a check in its bounds."""
        return re.compile(self.form if self.check else _NOT_BEFORE + self.form + _NOT_BEHIND)


def _has_crc32(token: bytes) -> bool:
    """Whether the last six digits (base 62) are the CRC-32 of the 30 before."""
    digits = token[-6:].decode()
    number = 0
    for digit in digits:
        number = number * len(_BASE62) + _BASE62.index(digit)
    return zlib.crc32(token[4:-6]) == number


def _is_macaroon_of_pypi(token: bytes) -> bool:
    """Whether it is a macaroon (version 2) whose location is that of PyPI, or of its test instance."""
    data = _decoded(token[len(b"pypi-") :])
    return len(data) > 2 and data[:2] == b"\x02\x01" and data[3 : 3 + data[2]].endswith(b"pypi.org")


def _is_signed_json(token: bytes) -> bool:
    """Whether header and payload are JSON, and the header names an algorithm (RFC 7519, 7515)."""
    header, payload, _ = token.split(b".")
    try:
        told, claims = json.loads(_decoded(header)), json.loads(_decoded(payload))
    except ValueError:
        return False
    algorithm = told.get("alg", "none") if isinstance(told, dict) else "none"
    return isinstance(claims, dict) and bool(algorithm != "none")


def _decoded(text: bytes) -> bytes:
    """Base 64 of URLs, its padding left out; nothing where it is none."""
    try:
        return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    except binascii.Error:
        return b""


TOKENS = (
    TokenKind(
        "github-token",
        (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_"),
        rb"gh[pousr]_[0-9A-Za-z]{36}",
        "https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/",
        _has_crc32,
    ),
    TokenKind(
        "github-token",
        (b"github_pat_",),
        rb"github_pat_[0-9A-Za-z]{22}_[0-9A-Za-z]{59}",
        "https://docs.github.com/authentication/keeping-your-account-and-data-secure/about-authentication-to-github",
    ),
    TokenKind(
        "npm-token",
        (b"npm_",),
        rb"npm_[0-9A-Za-z]{36}",
        "https://github.blog/changelog/2021-09-23-npm-has-a-new-access-token-format/",
        _has_crc32,
    ),
    TokenKind(
        "pypi-token",
        (b"pypi-AgE",),
        rb"pypi-AgE[\w-]{50,1000}",
        "https://pypi.org/help/#apitoken",
        _is_macaroon_of_pypi,
    ),
    TokenKind(
        "gitlab-token",
        (b"gl",),
        rb"gl(?:pat|oas|dt|rt|rtr|cbt|ptt|ft|imt|agent|soat|ffct|wt)-[\w-]{20,300}(?:\.[0-9a-z]{2}\.[0-9a-z]{9})?",
        "https://docs.gitlab.com/security/tokens/#token-prefixes",
    ),
    TokenKind(
        "aws-access-key",
        (b"AKIA", b"ASIA"),
        rb"A[KS]IA[A-Z2-7]{16}",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids",
    ),
    TokenKind(
        "google-api-key",
        (b"AIza",),
        rb"AIza[0-9A-Za-z_-]{35}",
        "https://cloud.google.com/docs/authentication/api-keys-best-practices",
    ),
    TokenKind(
        "google-client-secret",
        (b"GOCSPX-",),
        rb"GOCSPX-[\w-]{28}",
        "https://developers.google.com/identity/protocols/oauth2",
    ),
    TokenKind(
        "slack-token",
        (b"xox",),
        rb"xox[abeoprs]-(?:\d+-)+[0-9A-Za-z-]{10,}",
        "https://docs.slack.dev/authentication/tokens",
    ),
    TokenKind(
        "slack-token",
        (b"xapp-",),
        rb"xapp-\d-[0-9A-Z]+-\d+-[0-9a-f]{32,}",
        "https://docs.slack.dev/authentication/tokens",
    ),
    TokenKind(
        "slack-webhook",
        (b"hooks.slack.com/",),
        rb"hooks\.slack\.com/(?:services|workflows)/T[0-9A-Z]+/[AB][0-9A-Z]+/[0-9A-Za-z/]{20,}",
        "https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks",
    ),
    TokenKind("stripe-key", (b"k_live_",), rb"[rs]k_live_[0-9A-Za-z]{16,250}", "https://docs.stripe.com/keys"),
    TokenKind(
        "openai-key",
        (b"T3BlbkFJ",),
        rb"sk-[\w-]{20,180}T3BlbkFJ[\w-]{20,180}",  # the middle is base 64 of a name
        "https://platform.openai.com/docs/api-reference/authentication",
    ),
    TokenKind(
        "anthropic-key",
        (b"sk-ant-",),
        rb"sk-ant-[a-z]+\d\d-[\w-]{80,200}",
        "https://docs.anthropic.com/en/api/overview",
    ),
    TokenKind("huggingface-token", (b"hf_",), rb"hf_[A-Za-z]{34}", "https://huggingface.co/docs/hub/security-tokens"),
    TokenKind(
        "docker-token",
        (b"dckr_",),
        rb"dckr_(?:pat|oat)_[\w-]{27,60}",
        "https://docs.docker.com/security/access-tokens/",
    ),
    TokenKind(
        "sendgrid-key",
        (b"SG.",),
        rb"SG\.[\w-]{22}\.[\w-]{43}",
        "https://www.twilio.com/docs/sendgrid/ui/account-and-settings/api-keys",
    ),
    TokenKind(
        "digitalocean-token",
        (b"_v1_",),
        rb"do[opr]_v1_[0-9a-f]{64}",
        "https://docs.digitalocean.com/reference/api/create-personal-access-token/",
    ),
    TokenKind(
        "databricks-token",
        (b"dapi",),
        rb"dapi[0-9a-f]{32}(?:-\d)?",
        "https://docs.databricks.com/aws/en/dev-tools/auth/pat",
    ),
    TokenKind(
        "vault-token",
        (b"hvb.", b"hvs.", b"hvr."),
        rb"hv[bsr]\.[\w-]{24,300}",
        "https://developer.hashicorp.com/vault/docs/concepts/tokens",
    ),
    TokenKind(
        "terraform-token",
        (b".atlasv1.",),
        rb"[0-9A-Za-z]{14}\.atlasv1\.[\w-]{60,}",
        "https://developer.hashicorp.com/terraform/cloud-docs",
    ),
    TokenKind(
        "grafana-token",
        (b"glsa_",),
        rb"glsa_[0-9A-Za-z]{32}_[0-9a-f]{8}",
        "https://grafana.com/docs/grafana/latest/administration/service-accounts/",
    ),
    TokenKind(
        "telegram-token", (b":AA",), rb"\d{8,10}:AA[\w-]{33}", "https://core.telegram.org/bots/api#authorizing-your-bot"
    ),
    TokenKind(
        "shopify-token",
        (b"shp",),
        rb"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}",
        "https://shopify.dev/docs/apps/build/authentication-authorization",
    ),
    TokenKind(
        "postman-key",
        (b"PMAK-",),
        rb"PMAK-[0-9a-f]{24}-[0-9a-f]{34}",
        "https://learning.postman.com/docs/developer/postman-api/authentication/",
    ),
    TokenKind(
        "artifactory-token",
        (b"cmVmdGtu",),
        rb"cmVmdGtu[0-9A-Za-z]{56}",
        "https://jfrog.com/help/r/jfrog-platform-administration-documentation/reference-tokens",
    ),
    TokenKind(
        "jwt",
        (b"eyJ",),
        rb"eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}",
        "https://www.rfc-editor.org/rfc/rfc7519",
        _is_signed_json,
    ),
    TokenKind(
        "age-key", (b"AGE-SECRET-KEY-1",), rb"AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}", "https://age-encryption.org/v1"
    ),
)


@cache
def _literals() -> re.Pattern[bytes]:
    return re.compile(b"|".join(re.escape(literal) for kind in TOKENS for literal in kind.literals))


def tokens_in(data: bytes, start: int, end: int) -> Iterator[tuple[TokenKind, int, bytes]]:
    """The tokens of a part of `data`: kind, position, value."""
    if _literals().search(data, start, end) is None:
        return
    for kind in TOKENS:
        if any(data.find(literal, start, end) >= 0 for literal in kind.literals):
            for match in kind.expression.finditer(data, start, end):
                value = match[0]
                if not is_made_up(value) and (kind.check is None or kind.check(value)):
                    yield kind, match.start(), value


_LETTERS = bytes(
    97 if chr(code).isascii() and (chr(code).isalnum() or chr(code) in "-_") else 48 if code == 0 else 32
    for code in range(256)
)
"""Letters of tokens become `a`, the zero byte `0`, all else a space."""
_RUN, _WIDE_RUN, _END = b"a" * RUN, b"a0" * RUN, b" "
_MARKS = b"-_"
_WITHOUT_DIGITS = (b"AKIA", b"ASIA", b"hf_")
"""Where tokens without a digit begin: of other kinds one in thousands has none."""
_MORE = re.compile(rb"[0-9A-Za-z_.:/~=-]*")


class Run(NamedTuple):
    """A part of a file in which a token may stand."""

    start: int
    """Of its first run of letters."""
    end: int
    """Of what may belong to it."""


def runs_in(data: bytes, start: int, stop: int) -> Iterator[Run]:
    """Where so many letters of tokens stand in a row that they may be one: runs that begin at `start` or behind, before `stop`.

    Most of a file is skipped at the speed of memory. Names of programs, which have no digits, are skipped, too.
    """
    letters = data[start:].translate(_LETTERS)
    position = letters.find(_RUN, 0, stop - start + RUN - 1)
    while position >= 0:
        end = letters.find(_END, position + RUN)
        end = len(letters) if end < 0 else end
        part = data[start + position : start + end]
        if not part.translate(None, _MARKS).isalpha() or part.startswith(_WITHOUT_DIGITS):
            more = _MORE.match(data, start + end, start + end + LONGEST)
            yield Run(start + position, more.end() if more is not None else start + end)
        position = letters.find(_RUN, end, stop - start + RUN - 1)


def wide_runs_in(data: bytes, start: int, stop: int) -> Iterator[Run]:
    """The same for letters with a zero byte behind each: UTF-16, of either order."""
    letters = data[start:].translate(_LETTERS)
    position = letters.find(_WIDE_RUN, 0, stop - start + 2 * RUN - 1)
    while position >= 0:
        end = letters.find(_END, position + len(_WIDE_RUN))
        end = len(letters) if end < 0 else end
        yield Run(start + position, start + end)
        position = letters.find(_WIDE_RUN, end, stop - start + 2 * RUN - 1)

"""Passwords in URLs: `https://user:password@host/`."""

from __future__ import annotations

import re
from typing import NamedTuple

from bundler.leaks.examples import is_placeholder

BEFORE = 24
"""The most bytes of a scheme that are looked at."""
LONGEST = 512
"""The most bytes of a URL's beginning that are looked at."""
COLON = b"://"

_SCHEME = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]{1,22}$")
_AUTHORITY = re.compile(
    rb"(?P<user>[^\s/?#@:\"'<>`\\|\x00-\x1f]{0,120}):(?P<password>[^\s/?#@\"'<>`|\x00-\x1f]{1,250})"
    rb"@(?P<host>[0-9A-Za-z._-]+|\[[0-9A-Fa-f:.]+\])"
)
# Nobody's hosts (RFC 2606, RFC 6761), this very machine, and words of manuals.
_NOBODYS_HOST = re.compile(
    rb"(?:.*\.)?(?:example|test|invalid|localhost|example\.(?:com|org|net))"
    rb"|127\..*|0\.0\.0\.0|\[::1?\]|.*\.local|(?:my|your|some|the|a)?[-_.]?(?:host(?:name)?|server|proxy|domain|site)(?:\d|\.\w+)?"
    rb"|foo(?:\..*)?|bar(?:\..*)?|(?:my|your)[\w-]*(?:\..*)?|host\..*|server\..*",
    re.IGNORECASE,
)


class Password(NamedTuple):
    """A URL that holds one."""

    start: int
    """Where it begins."""
    scheme: str


def password_at(data: bytes, position: int) -> Password | None:
    """The URL whose `COLON` stands at a position, where somebody's password is in it."""
    authority = _AUTHORITY.match(data, position + len(COLON))
    if authority is None:
        return None
    scheme = _SCHEME.search(data, max(0, position - BEFORE), position)
    if scheme is None or _NOBODYS_HOST.fullmatch(authority["host"]):
        return None
    if is_placeholder(authority["password"], authority["user"]):
        return None
    return Password(scheme.start(), scheme[0].decode("ascii"))

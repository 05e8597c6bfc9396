"""URLs without what gives access: a password, a token for a name, a signature among the parameters (PEP 610)."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

# What PEP 610 lets stand: variables of the shell, and the name that everybody uses for git.
_HARMLESS = re.compile(r"\$\{[\w-]+\}(:\$\{[\w-]+\})?|git|hg|svn")
_SECRET_PARAMETER = re.compile(
    r"(private_|access_|auth_)?token|api[-_]?key|secret|password|sig|signature|x-(amz|goog)-(signature|credential|security-token)",
    re.IGNORECASE,
)
_IN_TEXT = re.compile(rb"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?P<user>[^\s/?#@\"'<>]+)@")


def without_credentials(url: str) -> str:
    """The URL as it is where it holds none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    user, at, host = parts.netloc.rpartition("@")
    if at and _HARMLESS.fullmatch(user) is None:
        parts = parts._replace(netloc=host)
    parameters = [each for each in parts.query.split("&") if not _is_secret(each)] if parts.query else []
    return _joined(url, parts._replace(query="&".join(parameters)))


def _is_secret(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    return bool(value) and _SECRET_PARAMETER.fullmatch(name) is not None


def _joined(url: str, parts: SplitResult) -> str:
    """The parts as a URL; the text that it was where nothing changed, which need not be the one that the parts make."""
    return url if parts == urlsplit(url) else parts.geturl()


def text_without_credentials(data: bytes) -> bytes:
    """A text whose URLs have no user and no password any more."""
    return _IN_TEXT.sub(lambda match: match[0] if _is_harmless(match["user"]) else match["scheme"], data)


def _is_harmless(user: bytes) -> bool:
    return _HARMLESS.fullmatch(user.decode("utf-8", "surrogateescape")) is not None

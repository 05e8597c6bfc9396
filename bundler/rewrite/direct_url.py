"""`direct_url.json` (PEP 610): where a distribution was installed from, other than an index."""

from __future__ import annotations

import json
from urllib.parse import unquote, urlsplit


def names_local_path(data: bytes) -> bool:
    """Whether the URL is a path of the machine that installed it: such a file stays out of a bundle."""
    url = _members(data).get("url")
    return isinstance(url, str) and url.lower().startswith("file:")


def local_path(data: bytes) -> str | None:
    """The folder or file that the URL names on the machine that installed it; None for other URLs."""
    url = _members(data).get("url")
    if not isinstance(url, str) or not names_local_path(data):
        return None
    return unquote(urlsplit(url).path, errors="surrogateescape")


def is_editable(data: bytes) -> bool:
    """Whether the distribution is an editable install."""
    info = _members(data).get("dir_info")
    return isinstance(info, dict) and info.get("editable") is True


def _members(data: bytes) -> dict[str, object]:
    try:
        value = json.loads(data)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}

"""`direct_url.json` (PEP 610): where a distribution was installed from, other than an index."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from bundler.parsing import parse_json
from bundler.rewrite import Rewritten
from bundler.rewrite.urls import without_credentials


@dataclass(frozen=True, slots=True)
class DirectUrl:
    """What the file says; an empty URL for a file that says nothing."""

    url: str = ""
    editable: bool = False
    """Whether the distribution is an editable install."""

    @property
    def is_local(self) -> bool:
        """Whether the URL is a path of the machine that installed it: such a file stays out of a bundle."""
        return self.url.lower().startswith("file:")

    @property
    def local_path(self) -> str | None:
        """The folder or file that the URL names on the machine that installed it (`/src`, `C:/src`); None for other URLs.

        None, too, for what begins like such a URL and is none.
        """
        if not self.is_local:
            return None
        try:
            path = unquote(urlsplit(self.url).path, errors="surrogateescape")
        except ValueError:
            return None
        return path[1:] if re.match("/[A-Za-z]:/", path) else path


def parse_direct_url(data: bytes) -> DirectUrl:
    """What a file says; members that are missing or of another type say nothing."""
    try:
        value = parse_json(data)
    except ValueError:
        return DirectUrl()
    members: dict[str, object] = value if isinstance(value, dict) else {}
    url, info = members.get("url"), members.get("dir_info")
    return DirectUrl(url if isinstance(url, str) else "", isinstance(info, dict) and info.get("editable") is True)


def rewrite_direct_url(data: bytes) -> Rewritten | None:
    """The file with a URL that gives access to nothing, as PEP 610 asks; None for one that does so as it is."""
    url = parse_direct_url(data).url
    clean = without_credentials(url)
    if clean == url:
        return None
    value = json.loads(data)
    text = json.dumps(url).encode()
    if text in data:
        new = data.replace(text, json.dumps(clean).encode())
    else:  # escaped otherwise
        new = json.dumps({**value, "url": clean}).encode()
    return Rewritten(new, "a URL without the credentials in it")

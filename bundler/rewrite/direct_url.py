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
    sha256: str = ""
    """Of the archive that the URL names, in hexadecimal; "" where nobody noted it."""
    commit: str = ""
    """The commit of a git repository that the URL names; "" for another URL."""

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
    return DirectUrl(
        url if isinstance(url, str) else "",
        isinstance(info, dict) and info.get("editable") is True,
        _sha256(members.get("archive_info")),
        _commit(members.get("vcs_info")),
    )


def _sha256(info: object) -> str:
    """The digest in an `archive_info`: in `hashes`, or as it was written before (`sha256=…`)."""
    members = info if isinstance(info, dict) else {}
    hashes, former = members.get("hashes"), members.get("hash")
    found = hashes.get("sha256") if isinstance(hashes, dict) else None
    if found is None and isinstance(former, str):
        found = former.removeprefix("sha256=")
    return found if isinstance(found, str) and re.fullmatch(r"[0-9a-f]{64}", found) else ""


def _commit(info: object) -> str:
    members = info if isinstance(info, dict) else {}
    found = members.get("commit_id")
    is_one = (
        members.get("vcs") == "git" and isinstance(found, str) and re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", found)
    )
    return str(found) if is_one else ""


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

"""What the files of a bundle were installed from, by what installers left of it: RECORD and WHEEL of each distribution."""

from __future__ import annotations

from collections.abc import Mapping
from email.parser import HeaderParser
from functools import cached_property

from bundler.bundle_paths import normal
from bundler.machine import os
from bundler.rewrite.record import parse_record
from bundler.systems.bundle_view import Wheel

_FOLDER = ".dist-info"
_ANY = "any"


class Wheels:
    """Tells it of each file that a RECORD lists. `texts` are the contents of such files, by bundle path."""

    def __init__(self, texts: Mapping[str, bytes]) -> None:
        self._texts = texts

    def of(self, path: str) -> Wheel | None:
        """The wheel of the file at a bundle path; None for one that no RECORD lists."""
        folder = self._folders.get(path)
        if folder is None:
            return None
        name, _, version = os.path.basename(folder).removesuffix(_FOLDER).rpartition("-")
        tags = HeaderParser().parsestr(self._texts.get(f"{folder}/WHEEL", b"").decode("utf-8", "replace"))
        # One tag has its platforms joined by points, and there may be several tags (PEP 425, PEP 427).
        platforms = [one for tag in tags.get_all("Tag", []) for one in str(tag).rpartition("-")[2].split(".")]
        return Wheel(name, version, tuple(dict.fromkeys(one for one in platforms if one != _ANY)))

    @cached_property
    def _folders(self) -> dict[str, str]:
        """The folder with the metadata of each file's distribution."""
        found: dict[str, str] = {}
        for record, text in sorted(self._texts.items()):
            folder = os.path.dirname(record)
            if os.path.basename(record) == "RECORD" and folder.endswith(_FOLDER):
                packages = os.path.dirname(folder)
                for row in parse_record(text).rows:
                    if not row.path.startswith("/") and (path := normal(f"{packages}/{row.path}")) is not None:
                        found.setdefault(path, folder)
        return found

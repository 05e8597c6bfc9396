"""Names of container images: references, as `podman load` and `docker load` take them (distribution/reference, its grammar)."""

from __future__ import annotations

import re

from bundler.errors import BadOption

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_HOST = r"(?:[A-Za-z0-9][A-Za-z0-9-]*(?:\.[A-Za-z0-9][A-Za-z0-9-]*)*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
_REFERENCE = re.compile(rf"(?:{_HOST}/)?{_COMPONENT}(?:/{_COMPONENT})*(?::{_TAG})?")
_LONGEST_TAG = 128
_NO_VERSION = "latest"


def checked_reference(text: str) -> str:
    """A reference that somebody wrote, with the tag `latest` unless it has one. Raises BadOption where it is none."""
    if not _REFERENCE.fullmatch(text):
        raise BadOption(
            f"--image-name {text}: no name of an image",
            f"lower case letters, digits, and - . _ between them, then perhaps a tag: {reference_of(text, '')}",
        )
    return text if ":" in text.rpartition("/")[2] else f"{text}:{_NO_VERSION}"


def reference_of(name: str, version: str) -> str:
    """The reference that is nearest to a name and a version, either of which may be empty."""
    words = re.split(r"[^a-z0-9._-]+", name.lower())
    plain = re.sub(r"[._-]{2,}", "-", "-".join(words)).strip("._-")
    tag = re.sub(r"[^A-Za-z0-9_.-]+", "-", version).lstrip(".-")[:_LONGEST_TAG]
    return f"{plain or 'app'}:{tag or _NO_VERSION}"

"""Bundles that unpack themselves: a script in front of a gzipped tar archive, whose size and checksum the script has."""

from __future__ import annotations

import re
from typing import BinaryIO

from bundler.errors import NotABundle
from bundler.machine import os
from bundler.trees.compression import decompressed_part
from bundler.trees.frames import Part
from bundler.trees.last_file import manifest_in_stream
from bundler.trees.tar import members_of_stream
from bundler.trees.tree import Items

_HEAD = 1 << 16  # bytes that the script has at most
_FACTS = re.compile(
    rb"^payload_offset=(?P<offset>\d{1,20})\s*\npayload_size=(?P<size>\d{1,20})\s*\npayload_sha256=(?P<sha256>[0-9a-f]{64})\s*$",
    re.MULTILINE,
)


def members(path: str) -> Items:
    """See `trees.tree.Members`. Raises NotABundle for another script."""
    with open(path, "rb") as file:
        part, sha256 = _payload(path, file)
        with decompressed_part(part) as (stream, digest):
            yield from members_of_stream(stream)
            if digest() != sha256:
                raise ValueError("its checksum is another")


def manifest(path: str) -> bytes | None:
    """See `formats.ArchiveFormat.find_manifest_reader`."""
    with open(path, "rb") as file:
        return manifest_in_stream(_payload(path, file)[0])


def _payload(path: str, file: BinaryIO) -> tuple[Part, str]:
    """Where the archive lies in the file, and the SHA-256 that the script tells of it (hexadecimal)."""
    found = _FACTS.search(file.read(_HEAD))
    if found is None:
        raise NotABundle(f"{path} is a script, and no self-extracting bundle")
    size, whole = os.fstat(file.fileno()).st_size, int(found["offset"]) + int(found["size"])
    if size != whole:
        raise ValueError(f"it has {size} bytes instead of {whole}")
    return Part(file.fileno(), int(found["offset"]), whole), found["sha256"].decode()

"""The `bundle.json` of a bundle by itself: of an archive without the rest, where its format allows that."""

from __future__ import annotations

from typing import BinaryIO

from bundler.errors import NotABundle
from bundler.files import MOST_OF_A_MANIFEST, read_regular
from bundler.formats import HEAD_SIZE, archive_of_content
from bundler.machine import os
from bundler.trees.opening import open_archive
from bundler.trees.tree import MANIFEST, Member


def find_manifest(path: str) -> bytes:
    """The `bundle.json` of the directory or archive at a path; the latter is read to its end where nothing less will do.

    Raises NotABundle where there is none, DamagedBundle.
    """
    if os.path.isdir(path):
        try:
            return read_regular(os.path.join(path, MANIFEST), MOST_OF_A_MANIFEST)
        except OSError as error:
            raise NotABundle(f"{error.filename} cannot be read: {error.strerror}") from error
    return quick_manifest(path) or _read_through(path)


def quick_manifest(path: str) -> bytes | None:
    """That of an archive of frames; None for one that is damaged, or of another kind. Raises OSError."""
    with open(path, "rb") as file:
        form = archive_of_content(file.read(HEAD_SIZE))
    if form is None or not form.has_frames:
        return None
    try:
        data: bytes | None = form.find_manifest_reader()(path)
    except Exception:  # decoders have errors of their own
        return None
    return data


def _read_through(path: str) -> bytes:
    """That of an archive which is read to its end."""

    def look(member: Member, file: BinaryIO | None) -> bytes | None:
        if file is None or os.path.basename(member.path) != MANIFEST:
            return None
        parts = bytearray()
        while chunk := file.read(_CHUNK):
            parts += chunk
            if len(parts) > MOST_OF_A_MANIFEST:
                raise NotABundle(
                    f"{member.path} has more than {MOST_OF_A_MANIFEST >> 20} MiB, and no manifest is that large"
                )
        return bytes(parts)

    found = next((data for member, data in open_archive(path).scan(look) if member.path == MANIFEST), None)
    if found is None:
        raise NotABundle(f"{path} has no {MANIFEST}", "name an archive that bundler pack made")
    return found


_CHUNK = 1 << 20

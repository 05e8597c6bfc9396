"""The last file of a tar stream, read without what lies before it: in an archive of bundler's that is `bundle.json`."""

from __future__ import annotations

import io
import tarfile
from itertools import accumulate

from bundler.files import MOST_OF_A_MANIFEST
from bundler.machine import os
from bundler.sinks.archives.frame_codecs import GZIP, ZSTANDARD
from bundler.sinks.archives.frame_index import unpack_index
from bundler.trees.frames import Part, decompressed_frame, find_frames
from bundler.trees.tree import MANIFEST

_MOST_FRAMES = 8
_CODECS = (GZIP, ZSTANDARD)


def manifest_in_stream(part: Part) -> bytes | None:
    """The `bundle.json` at the end of a compressed tar stream in frames; None where there are none, or it is not there.

    Raises ValueError, or what a decoder raises, for what is damaged.
    """
    for codec in _CODECS:
        found = find_frames(part, codec)
        if found is None:
            continue
        frames = unpack_index(found.index).frames
        placed = list(zip(accumulate((frame.size for frame in frames), initial=found.start), frames, strict=False))
        plain = b""
        for offset, frame in placed[: -_MOST_FRAMES - 1 : -1]:
            # A frame may begin in the middle of a large file: then those before it have the header.
            plain = decompressed_frame(part.descriptor, codec, offset, frame) + plain
            manifest = manifest_in_tar(io.BytesIO(plain))
            if manifest is not None:
                return manifest
    return None


def manifest_in_tar(file: io.BufferedIOBase) -> bytes | None:
    """The `bundle.json` that is the last member of a plain tar; None where another one is."""
    try:
        with tarfile.open(fileobj=file, mode="r:") as archive:
            *_, last = archive
            is_one = os.path.basename(last.name) == MANIFEST and last.isreg() and last.size <= MOST_OF_A_MANIFEST
            content = archive.extractfile(last) if is_one else None
            return content.read() if content is not None else None
    except (tarfile.TarError, ValueError):  # no member at all; or no tar
        return None

"""What makes a changed PE file whole: no signature that is not true any more, and a checksum that is."""

from __future__ import annotations

import io

from bundler.binaries.pe import constants as c
from bundler.binaries.pe import structs as s
from bundler.binaries.pe.checksum import file_checksum
from bundler.binaries.pe.headers import Headers
from bundler.binaries.pe.room import contents_end


def without_signature(data: bytes, headers: Headers) -> bytes:
    """The file without its signature, which goes from the end of the file where it lies there. No checksum is changed."""
    if not headers.directory(c.SECURITY).size:
        return data
    place = headers.directories_offset + c.SECURITY * s.DATA_DIRECTORY.size
    end = contents_end(headers)
    return data[:place] + bytes(s.DATA_DIRECTORY.size) + data[place + s.DATA_DIRECTORY.size : end]


def with_true_checksum(data: bytes, headers: Headers) -> bytes:
    """The file with the checksum of its bytes, where it has one. `headers` may be those from before a change of other fields."""
    if not headers.checksum:
        return data
    place = headers.optional_offset + s.CHECKSUM
    return data[:place] + s.DWORD.pack(file_checksum(io.BytesIO(data), place)) + data[place + 4 :]

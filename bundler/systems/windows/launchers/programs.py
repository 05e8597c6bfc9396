"""What launchers have in common as programs: console or not, what lies behind their sections, and how they are changed."""

from __future__ import annotations

import io

from bundler.binaries.pe import constants as c
from bundler.binaries.pe.headers import Headers, read_headers
from bundler.binaries.pe.room import contents_end
from bundler.binaries.pe.sealing import with_true_checksum, without_signature
from bundler.errors import BinaryFormatError
from bundler.systems.windows.launchers.launcher import Span

_WINDOWS_GUI = 2
"""IMAGE_SUBSYSTEM_WINDOWS_GUI."""


def program_headers(data: bytes) -> Headers | None:
    """The headers of a program; None for a DLL, and for what is none or is damaged."""
    try:
        headers = read_headers(io.BytesIO(data), len(data))
    except BinaryFormatError:
        return None
    return None if headers.is_dll else headers


def is_gui(headers: Headers) -> bool:
    """Whether a program opens no console."""
    return headers.subsystem == _WINDOWS_GUI


def is_signed(data: bytes) -> bool:
    """Whether a program has a signature, which no change leaves true."""
    headers = program_headers(data)
    return headers is not None and headers.directory(c.SECURITY).size > 0


def own_end(headers: Headers) -> int:
    """Where the file ends without a signature."""
    return contents_end(headers)


def with_bytes(data: bytes, headers: Headers, place: Span, new: bytes) -> bytes:
    """The file with other bytes in a place behind its sections, without a signature, and with a true checksum."""
    whole = without_signature(data, headers)
    return with_true_checksum(whole[: place.start] + new + whole[place.end :], headers)

"""What a signature holds besides hashes: the file's name in it and the entitlements, which a new signature must keep.

macholib does not read signatures. Their hashes are checked elsewhere. Layout: <kern/cs_blobs.h> of XNU.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

from bundler.audit.readers.bytewise import read_range
from bundler.audit.readers.facts import SliceFacts
from bundler.errors import BinaryFormatError

_EMBEDDED_SIGNATURE, _CODE_DIRECTORY = 0xFADE0CC0, 0xFADE0C02
_LINKER_SIGNED = 0x20000
_ENTITLEMENTS = (5, 7)
_MOST_BLOBS = 64
_LARGEST = 64 << 20


def kept_blobs(
    files: tuple[BinaryIO, BinaryIO], slices: tuple[SliceFacts, SliceFacts]
) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """Of the source's signature and of the file's: the identifier, and each entitlement. Nothing of one that cannot be read.

    A linker's signature has no entitlements.
    """
    try:
        old = _kept(files[0], slices[0])
    except (BinaryFormatError, struct.error, IndexError):
        return (), ()  # it protected nothing: a new one was made from nothing
    return old, _kept(files[1], slices[1])


def _kept(file: BinaryIO, part: SliceFacts) -> tuple[bytes, ...]:
    assert part.signature is not None
    offset, size = part.signature
    if size > _LARGEST:
        raise BinaryFormatError(f"a signature of {size} bytes")
    data = read_range(file, part.offset + offset, part.offset + offset + size)
    magic, _, count = struct.unpack_from(">3I", data)
    if magic != _EMBEDDED_SIGNATURE or count > _MOST_BLOBS:
        raise BinaryFormatError(f"a signature with the magic number {magic:#x} and {count} parts")
    blobs = {}
    for number in range(count):
        slot, start = struct.unpack_from(">2I", data, 12 + 8 * number)
        length = struct.unpack_from(">I", data, start + 4)[0]
        blobs[slot] = data[start : start + length]
    directory = blobs.get(0, b"")
    magic, flags, name = (struct.unpack_from(">I", directory, at)[0] for at in (0, 12, 20))
    if magic != _CODE_DIRECTORY:
        raise BinaryFormatError(f"a code directory with the magic number {magic:#x}")
    identifier = directory[name:].partition(b"\0")[0]
    entitlements = () if flags & _LINKER_SIGNED else tuple(blobs.get(slot, b"") for slot in _ENTITLEMENTS)
    return identifier, *entitlements

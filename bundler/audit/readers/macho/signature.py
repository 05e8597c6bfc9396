"""A new signature against the slice that it signs and the one that was there before.

macholib does not read signatures, and the patcher's own reader is not asked: every hash is made anew, the file's name in the
signature and its entitlements are those of the old one. Layout: <kern/cs_blobs.h> of XNU; all numbers are big-endian.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from bundler.audit.readers.bytewise import CHUNK, read_range
from bundler.audit.readers.difference import Difference, Sides
from bundler.audit.readers.facts import SliceFacts
from bundler.audit.readers.ranges import split
from bundler.errors import BinaryFormatError

_SIDES = Sides("the source has", "the file has")
_EMBEDDED_SIGNATURE, _CODE_DIRECTORY = 0xFADE0CC0, 0xFADE0C02
_ADHOC, _LINKER_SIGNED = 0x2, 0x20000
_ENTITLEMENTS = (5, 7)
_SHA256 = 2
_MOST_BLOBS = 64
_LARGEST = 64 << 20


@dataclass(frozen=True, slots=True)
class _Signature:
    """The parts of a signature by their slot, and what its first code directory says."""

    blobs: Mapping[int, bytes]
    identifier: bytes
    flags: int
    """ADHOC (0x2), LINKER_SIGNED (0x20000) and others."""
    hash_type: int
    page: int
    limit: int
    special: Mapping[int, bytes]
    pages: tuple[bytes, ...]

    @property
    def kept(self) -> tuple[bytes, ...]:
        """What a new signature keeps: the file's name, and each entitlement."""
        return self.identifier, *(self.blobs.get(slot, b"") for slot in _ENTITLEMENTS)


def signature_differences(
    files: tuple[BinaryIO, BinaryIO], slices: tuple[SliceFacts, SliceFacts]
) -> Iterator[Difference]:
    """Hashes that are not those of the changed slice's bytes, and what the old signature had besides and the new one has not."""
    try:
        old = _read(files[0], slices[0])
    except (BinaryFormatError, struct.error):
        old = None  # it protected nothing: the new one was made from nothing
    new = _read(files[1], slices[1])
    assert new is not None
    if old is not None:
        yield from _SIDES.differ("what is signed besides", old.kept, new.kept)
    assert slices[1].signature is not None
    if (
        new.flags & (_ADHOC | _LINKER_SIGNED) != _ADHOC
        or new.hash_type != _SHA256
        or new.limit != slices[1].signature[0]
    ):
        yield Difference(
            "the signature", "it should be ad hoc, no linker's, of all bytes in front of it", "the file has another"
        )
        return
    if new.pages != tuple(_hashes(files[1], slices[1], new)):
        yield Difference("the signature", "a hash is not that of its page", "the file would be killed")
    for slot, digest in new.special.items():
        if slot in new.blobs and hashlib.sha256(new.blobs[slot]).digest() != digest:
            yield Difference(
                "the signature", f"the hash of slot {slot} is not of what is there", "the file would be killed"
            )


def _hashes(file: BinaryIO, part: SliceFacts, signature: _Signature) -> Iterator[bytes]:
    step = max(CHUNK // signature.page, 1) * signature.page
    for start, end in split((part.offset, part.offset + signature.limit), step):
        data = memoryview(read_range(file, start, end))
        for at in range(0, len(data), signature.page):
            yield hashlib.sha256(data[at : at + signature.page]).digest()


def _read(file: BinaryIO, part: SliceFacts) -> _Signature | None:
    if part.signature is None:
        return None
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
        blobs[slot] = data[start : start + struct.unpack_from(">I", data, start + 4)[0]]
    directory = blobs.get(0, b"")
    magic, _, _, flags, hashes, name, special, pages, limit = struct.unpack_from(">9I", directory)
    hash_size, hash_type, _, page = struct.unpack_from("4B", directory, 36)
    if magic != _CODE_DIRECTORY or not 10 <= page <= 24 or hashes + pages * hash_size > len(directory):
        raise BinaryFormatError(f"a code directory with the magic number {magic:#x} and {pages} pages of 2**{page}")
    if limit == 0xFFFFFFFF:
        limit = struct.unpack_from(">Q", directory, 56)[0]

    def digest(number: int) -> bytes:
        return directory[hashes + number * hash_size : hashes + (number + 1) * hash_size]

    return _Signature(
        blobs, directory[name:].partition(b"\0")[0], flags, hash_type, 1 << page, limit,
        {slot: digest(-slot) for slot in range(1, min(special, _MOST_BLOBS) + 1)},
        tuple(digest(number) for number in range(pages)),
    )  # fmt: skip

"""Signatures as they stand in a file: who signed it, how, and whether the hashes are true.

Everything in a signature is big-endian. Source of the layout: <kern/cs_blobs.h> of XNU.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from typing import BinaryIO

from bundler.binaries.macho import constants as c
from bundler.binaries.macho.image import Slice
from bundler.binaries.reading import read_at
from bundler.errors import BinaryFormatError
from bundler.machine import os

SUPER_BLOB = struct.Struct(">3I")
"""magic, length, count."""
BLOB_INDEX = struct.Struct(">2I")
"""slot, offset."""
CODE_DIRECTORY = struct.Struct(">9I4B4I4Q")
"""magic, length, version, flags, hashOffset, identOffset, nSpecialSlots, nCodeSlots, codeLimit, hashSize, hashType,
platform, pageSize (a power of two), spare2, scatterOffset, teamOffset, spare3, codeLimit64, execSegBase, execSegLimit,
execSegFlags: version 0x20400."""
_SHORTEST_DIRECTORY = 44
_HASHES = {1: "sha1", 2: "sha256", 3: "sha256", 4: "sha384"}
_READ = 1 << 20


@dataclass(frozen=True, slots=True)
class CodeDirectory:
    """One list of hashes, with what it says about the file."""

    identifier: str
    team: str | None
    flags: int
    hash_type: int
    hash_size: int
    page_size: int
    code_limit: int
    """The bytes from the slice's start that are hashed."""
    special: dict[int, bytes]
    """Hash of each other blob, by its slot."""
    pages: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Signature:
    """An embedded signature."""

    directories: tuple[CodeDirectory, ...]
    """The lists of hashes, the one with the best hash last."""
    blobs: dict[int, bytes]
    """All blobs by their slot."""

    @property
    def identifier(self) -> str:
        """What the signature calls the file."""
        return self.directories[-1].identifier

    @property
    def linker_signed(self) -> bool:
        """Whether a linker made it, as it does for every arm64 file."""
        return bool(self.directories[-1].flags & c.CS_LINKER_SIGNED)

    @property
    def identity(self) -> str | None:
        """Whose certificate signed it: the team, else the identifier; None for an ad-hoc signature."""
        if len(self.blobs.get(c.CSSLOT_SIGNATURE, b"")) <= BLOB_INDEX.size:
            return None
        return self.directories[-1].team or self.identifier


def read_signature(file: BinaryIO, part: Slice) -> Signature | None:
    """The signature of a slice; None where it has none. Raises BinaryFormatError for one that cannot be read."""
    if part.signature is None:
        return None
    offset, size = part.signature
    data = read_at(file, part.offset + offset, size, "the signature")
    try:
        magic, length, count = SUPER_BLOB.unpack_from(data)
        if magic != c.CSMAGIC_EMBEDDED_SIGNATURE or length > size:
            raise BinaryFormatError(f"a signature with the magic number {magic:#x} and {length} of {size} bytes")
        blobs = {}
        for number in range(count):
            slot, start = BLOB_INDEX.unpack_from(data, SUPER_BLOB.size + number * BLOB_INDEX.size)
            _, blob_size = BLOB_INDEX.unpack_from(data, start)
            if not BLOB_INDEX.size <= blob_size <= length - start:
                raise BinaryFormatError(f"a blob of {blob_size} bytes in a signature of {length}")
            blobs[slot] = data[start : start + blob_size]
        slots = sorted(slot for slot in blobs if slot == 0 or slot & ~0xF == c.CSSLOT_ALTERNATE_CODE_DIRECTORY)
        directories = [_read_directory(blobs[slot]) for slot in slots]
    except struct.error as error:
        raise BinaryFormatError(f"a truncated signature: {error}") from error
    if not directories:
        raise BinaryFormatError("a signature without a code directory")
    return Signature(tuple(sorted(directories, key=lambda one: one.hash_type)), blobs)


def _read_directory(data: bytes) -> CodeDirectory:
    magic, _, version, flags, hashes, identifier, special, count, limit = struct.unpack_from(">9I", data)
    if magic != c.CSMAGIC_CODE_DIRECTORY:
        raise BinaryFormatError(f"a code directory with the magic number {magic:#x}")
    size, hash_type, _, page = data[36:40]
    if version >= c.CS_SUPPORTS_EXEC_SEGMENT:
        limit = struct.unpack_from(">Q", data, 56)[0] or limit
    team = struct.unpack_from(">I", data, 48)[0] if version >= c.CS_SUPPORTS_TEAM_ID else 0
    if hashes - special * size < _SHORTEST_DIRECTORY or hashes + count * size > len(data):
        raise BinaryFormatError(f"a code directory of {len(data)} bytes with {special} and {count} hashes")
    return CodeDirectory(
        identifier=_text(data, identifier),
        team=_text(data, team) if team else None,
        flags=flags,
        hash_type=hash_type,
        hash_size=size,
        page_size=1 << page if page else limit,
        code_limit=limit,
        special={slot: data[hashes - slot * size : hashes - (slot - 1) * size] for slot in range(1, special + 1)},
        pages=tuple(data[hashes + number * size : hashes + (number + 1) * size] for number in range(count)),
    )


def _text(data: bytes, offset: int) -> str:
    return os.fsdecode(data[offset:].partition(b"\0")[0])


def signature_fault(file: BinaryIO, part: Slice) -> str | None:
    """What is wrong with a slice's signature, in words: the kernel would kill what maps it. None where it is true.

    An absent signature is a fault on arm64 only. The whole slice is read.
    """
    try:
        signature = read_signature(file, part)
    except BinaryFormatError as error:
        return error.message
    if signature is None:
        return "not signed, and arm64 runs signed code only" if part.architecture.startswith("arm64") else None
    for directory in signature.directories:
        algorithm = _HASHES.get(directory.hash_type)
        if algorithm is None:
            return f"signed with hashes of the unknown kind {directory.hash_type}"
        assert part.signature is not None
        if directory.code_limit != part.signature[0]:
            return f"{directory.code_limit} bytes are signed, and {part.signature[0]} stand in front of the signature"
        start = part.offset
        true = page_hashes(file, start, directory.code_limit, directory.page_size, algorithm, directory.hash_size)
        if true != directory.pages:
            return "a page does not have the hash that was signed"
        for slot, digest in directory.special.items():
            blob = signature.blobs.get(slot)
            if blob is not None and hashlib.new(algorithm, blob).digest()[: directory.hash_size] != digest:
                return f"what is signed in slot {slot} does not have its hash"
    return None


def page_hashes(
    file: BinaryIO,
    start: int,
    length: int,
    page_size: int = c.CS_PAGE_SIZE,
    algorithm: str = "sha256",
    hash_size: int = 32,
) -> tuple[bytes, ...]:
    """The hash of each page of the `length` bytes from offset `start`; the last page may be short."""
    file.seek(start)
    step = max(_READ // page_size, 1) * page_size
    hashes = []
    while length > 0:
        data = memoryview(read_at(file, start, min(step, length), "a signed page"))
        for offset in range(0, len(data), page_size):
            hashes.append(hashlib.new(algorithm, data[offset : offset + page_size]).digest()[:hash_size])
        start += len(data)
        length -= len(data)
    return tuple(hashes)

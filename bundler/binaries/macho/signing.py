"""Ad-hoc signatures: made of hashes alone, with nobody's certificate, as arm64 demands of all code.

The result is of the shape that `codesign --force -s -` gives, and entitlements stay. That it is no linker's signature (0x20002)
matters: macOS 26 was seen to kill files whose linker's signature other tools had renewed. Source of the layout:
<kern/cs_blobs.h> of XNU.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

from bundler.binaries.macho import constants as c
from bundler.binaries.macho.image import Slice
from bundler.binaries.macho.signature import BLOB_INDEX, CODE_DIRECTORY, SUPER_BLOB, Signature, page_hashes
from bundler.binaries.patch import Computed, Literal, Piece
from bundler.machine import os

_HASH_SIZE = 32
_VERSION = c.CS_SUPPORTS_EXEC_SEGMENT
ALIGNMENT = 16
"""Of a signature's place and size in bytes."""
_NO_REQUIREMENTS = SUPER_BLOB.pack(c.CSMAGIC_REQUIREMENTS, 12, 0)
_NO_CERTIFICATES = BLOB_INDEX.pack(c.CSMAGIC_BLOB_WRAPPER, 8)


@dataclass(frozen=True, slots=True)
class PageHashes:
    """Computes the SHA-256 of every 4096 bytes of a part of the file."""

    start: int
    """Where the part begins, in bytes from the file's start."""
    length: int
    """Number of bytes in the part."""

    def __call__(self, file: BinaryIO) -> bytes:
        """The hashes, joined."""
        return b"".join(page_hashes(file, self.start, self.length))


@dataclass(frozen=True, slots=True)
class NewSignature:
    """The signature that a slice shall get: everything but the hashes of its pages."""

    identifier: str
    blobs: Mapping[int, bytes]
    """By slot, without the code directory."""
    info_plist: bytes | None
    """The embedded Info.plist."""

    def size(self, code_limit: int) -> int:
        """Bytes that the signature of a slice takes whose first `code_limit` bytes are signed; a multiple of 16."""
        return _aligned(self._code_directory_end(code_limit) + sum(map(len, self.blobs.values())))

    def pieces(self, part: Slice, start: int, code_limit: int) -> tuple[Piece, ...]:
        """The signature of the slice that will begin at `start` of the new file; its bytes as pieces of a patch."""
        pages = _pages(code_limit)
        end = self._code_directory_end(code_limit)
        index = [BLOB_INDEX.pack(c.CSSLOT_CODE_DIRECTORY, self._directory)]
        position = end
        for slot, blob in self.blobs.items():
            index.append(BLOB_INDEX.pack(slot, position))
            position += len(blob)
        size = self.size(code_limit)
        head = SUPER_BLOB.pack(c.CSMAGIC_EMBEDDED_SIGNATURE, position, len(index)) + b"".join(index)
        head = head.ljust(self._directory, b"\0") + self._code_directory(part, code_limit, end - self._directory)
        tail = b"".join(self.blobs.values()).ljust(size - end, b"\0")
        hashes = Computed(pages * _HASH_SIZE, PageHashes(start, code_limit))
        return (Literal(head), hashes, *((Literal(tail),) if tail else ()))

    @property
    def _directory(self) -> int:
        """Offset of the code directory: behind the index, at a multiple of 8 (as LLVM has it)."""
        return -(-(SUPER_BLOB.size + (1 + len(self.blobs)) * BLOB_INDEX.size) // 8) * 8

    @property
    def _special_slots(self) -> int:
        return max((slot for slot in self.blobs if slot != c.CSSLOT_SIGNATURE), default=0)

    @property
    def _hashes(self) -> int:
        """Offset of the pages' hashes from the signature's start: a multiple of 16 (as LLVM has it)."""
        names = self._directory + CODE_DIRECTORY.size + len(os.fsencode(self.identifier)) + 1
        return _aligned(names) + self._special_slots * _HASH_SIZE

    def _code_directory_end(self, code_limit: int) -> int:
        return self._hashes + _pages(code_limit) * _HASH_SIZE

    def _code_directory(self, part: Slice, code_limit: int, length: int) -> bytes:
        """The code directory up to the pages' hashes."""
        text = part.segment("__TEXT")
        wide = code_limit > 0xFFFFFFFF
        head = CODE_DIRECTORY.pack(
            c.CSMAGIC_CODE_DIRECTORY,
            length,
            _VERSION,
            c.CS_ADHOC,
            self._hashes - self._directory,
            CODE_DIRECTORY.size,
            self._special_slots,
            _pages(code_limit),
            0xFFFFFFFF if wide else code_limit,
            _HASH_SIZE,
            c.CS_HASH_SHA256,
            0,
            c.CS_PAGE_SIZE.bit_length() - 1,
            0,
            0,
            0,
            0,
            code_limit if wide else 0,
            text.fileoff if text else 0,
            text.filesize if text else 0,
            c.CS_EXEC_MAIN_BINARY if part.filetype == c.MH_EXECUTE else 0,
        )
        special = b"".join(self._special_hash(slot) for slot in range(self._special_slots, 0, -1))
        named = head + os.fsencode(self.identifier) + b"\0"
        return named.ljust(self._hashes - self._directory - len(special), b"\0") + special

    def _special_hash(self, slot: int) -> bytes:
        blob = self.info_plist if slot == c.CSSLOT_INFO else self.blobs.get(slot)
        return bytes(_HASH_SIZE) if blob is None else hashlib.sha256(blob).digest()


def new_signature(part: Slice, old: Signature | None, info_plist: bytes | None) -> NewSignature:
    """What a slice shall be signed with in place of `old`."""
    before = {} if old is None else old.blobs
    kept = {slot: before[slot] for slot in (c.CSSLOT_ENTITLEMENTS, c.CSSLOT_DER_ENTITLEMENTS) if slot in before}
    blobs = {c.CSSLOT_REQUIREMENTS: _NO_REQUIREMENTS, **kept, c.CSSLOT_SIGNATURE: _NO_CERTIFICATES}
    name = (os.path.basename(part.install_name or "") or "unnamed") if old is None else old.identifier
    return NewSignature(name, blobs, info_plist)


def _pages(code_limit: int) -> int:
    return -(-code_limit // c.CS_PAGE_SIZE)


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT

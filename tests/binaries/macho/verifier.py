"""A verifier of Mach-O signatures that shares nothing with bundler's own: offsets are read by hand, hashes are made anew."""

from __future__ import annotations

import hashlib
import struct


def slices_of(data: bytes) -> list[bytes]:
    """The thin files in a file."""
    magic, count = struct.unpack_from(">II", data)
    if magic == 0xCAFEBABE:
        places = [struct.unpack_from(">II", data, 8 + 20 * n + 8) for n in range(count)]
    elif magic == 0xCAFEBABF:
        places = [struct.unpack_from(">QQ", data, 8 + 32 * n + 8) for n in range(count)]
    else:
        return [data]
    return [data[offset : offset + size] for offset, size in places]


def load_commands(data: bytes) -> list[tuple[int, bytes]]:
    """Number and bytes of each load command of a little-endian 64-bit file."""
    assert data[:4] == b"\xcf\xfa\xed\xfe"
    count = struct.unpack_from("<I", data, 16)[0]
    position, commands = 32, []
    for _ in range(count):
        cmd, size = struct.unpack_from("<II", data, position)
        commands.append((cmd, data[position : position + size]))
        position += size
    return commands


def signature_of(data: bytes) -> bytes | None:
    """The signature of a thin file, which must be its end and the end of __LINKEDIT."""
    commands = load_commands(data)
    found = [struct.unpack_from("<II", body, 8) for cmd, body in commands if cmd == 0x1D]
    if not found:
        return None
    [(offset, size)] = found
    linkedit = next(body for cmd, body in commands if cmd == 0x19 and body[8:24].rstrip(b"\0") == b"__LINKEDIT")
    vmsize, fileoff, filesize = struct.unpack_from("<QQQ", linkedit, 32)
    assert fileoff + filesize == offset + size == len(data)
    assert offset % 16 == 0
    assert vmsize >= filesize
    return data[offset:]


def unsigned(data: bytes) -> bytes:
    """A thin file without its signature, and without the sizes that follow from it."""
    position, left = 32, bytearray(data)
    for cmd, body in load_commands(data):
        if cmd == 0x1D:
            del left[struct.unpack_from("<I", body, 8)[0] :]
            struct.pack_into("<I", left, position + 12, 0)
        elif cmd == 0x19 and body[8:24].rstrip(b"\0") == b"__LINKEDIT":
            struct.pack_into("<Q", left, position + 32, 0)
            struct.pack_into("<Q", left, position + 48, 0)
        position += len(body)
    return bytes(left)


def blobs_of(signature: bytes) -> dict[int, bytes]:
    """The blobs by their slot; none overlaps another."""
    magic, length, count = struct.unpack_from(">III", signature)
    assert magic == 0xFADE0CC0
    assert length <= len(signature)
    assert not signature[length:].strip(b"\0")
    blobs, ends = {}, [12 + 8 * count]
    for number in range(count):
        slot, offset = struct.unpack_from(">II", signature, 12 + 8 * number)
        size = struct.unpack_from(">I", signature, offset + 4)[0]
        assert offset >= ends[-1]
        assert offset + size <= length
        assert slot not in blobs
        ends.append(offset + size)
        blobs[slot] = signature[offset : offset + size]
    return blobs


def verify(data: bytes) -> dict[int, bytes] | None:
    """Check every hash of a thin file's signature; gives its blobs, or None for an unsigned file."""
    signature = signature_of(data)
    if signature is None:
        return None
    blobs = blobs_of(signature)
    directory = blobs[0]
    version, flags, hashes, name, special, pages, limit = struct.unpack_from(">7I", directory, 8)
    hash_size, hash_type, platform, page_shift = directory[36:40]
    assert (struct.unpack_from(">I", directory)[0], version) == (0xFADE0C02, 0x20400)
    assert (hash_size, hash_type, platform) == (32, 2, 0)
    assert flags & 2, "not ad hoc"
    assert limit == len(data) - len(signature)
    assert name == 88
    assert directory[name : directory.index(b"\0", name)]
    page = 1 << page_shift
    assert pages == (limit + page - 1) // page
    assert hashes + pages * 32 <= len(directory)
    for number in range(pages):
        wanted = directory[hashes + 32 * number : hashes + 32 * (number + 1)]
        assert hashlib.sha256(data[number * page : min((number + 1) * page, limit)]).digest() == wanted, number
    for slot in range(1, special + 1):
        wanted = directory[hashes - 32 * slot : hashes - 32 * (slot - 1)]
        if slot in blobs:
            assert hashlib.sha256(blobs[slot]).digest() == wanted, slot
        elif slot != 1:
            assert wanted == bytes(32), slot
    assert all(slot == 0 or slot <= special or slot == 0x10000 for slot in blobs)
    text = next(body for cmd, body in load_commands(data) if cmd == 0x19 and body[8:24].rstrip(b"\0") == b"__TEXT")
    fileoff, filesize = struct.unpack_from("<QQ", text, 40)
    base, size, exec_flags = struct.unpack_from(">QQQ", directory, 64)
    assert (base, size) == (fileoff, filesize)
    assert exec_flags == (1 if struct.unpack_from("<I", data, 12)[0] == 2 else 0)
    return blobs

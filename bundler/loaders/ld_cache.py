"""The loader's cache of libraries, `/etc/ld.so.cache`, and the configuration it is made from.

Format: glibc's sysdeps/generic/dl-cache.h. An old-format cache may stand before the new one; the new one is found by its magic.
"""

from __future__ import annotations

import glob
import os
import struct
from collections.abc import Iterator

_MAGIC = b"glibc-ld.so.cache1.1"
_HEADER = struct.Struct("<20sII20x")  # magic, number of entries, size of the strings, flags and reserved
_ENTRY = struct.Struct("<iIIIQ")  # flags, offset of name, offset of path, unused, hwcap
# flags: FLAG_ELF_LIBC6 with the machine's own bits.
_X86_64_LIB64 = 0x0303
_MOST_INCLUDES = 100


def read_cache(path: str) -> dict[str, tuple[str, ...]] | None:
    """Paths by library name, in the cache's order (the loader takes the first); None without a readable cache.

    Entries for special processors (a hwcap, or a path in `glibc-hwcaps`) and for other ABIs are left out.
    """
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        return None
    start = data.find(_MAGIC)
    if start < 0 or len(data) < start + _HEADER.size:
        return None
    _, count, _ = _HEADER.unpack_from(data, start)
    found: dict[str, list[str]] = {}
    table = data[start + _HEADER.size : start + _HEADER.size + count * _ENTRY.size]
    for flags, name, target, _, hwcap in _ENTRY.iter_unpack(table[: len(table) // _ENTRY.size * _ENTRY.size]):
        text = _string(data, start + target)
        if flags == _X86_64_LIB64 and hwcap == 0 and "/glibc-hwcaps/" not in text:
            found.setdefault(_string(data, start + name), []).append(text)
    return {name: tuple(paths) for name, paths in found.items()}


def read_configured_directories(path: str) -> tuple[str, ...]:
    """The directories of an `ld.so.conf`, its includes followed, in order."""
    return tuple(dict.fromkeys(_read_configuration(path, [0])))


def _read_configuration(path: str, depth: list[int]) -> Iterator[str]:
    depth[0] += 1
    if depth[0] > _MOST_INCLUDES:
        return
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read().splitlines()
    except OSError:
        return
    for line in lines:
        text = line.partition("#")[0].strip()
        words = text.split()
        if words[:1] == ["include"]:
            for pattern in words[1:]:
                for name in sorted(glob.glob(os.path.join(os.path.dirname(path), pattern))):
                    yield from _read_configuration(name, depth)
        elif text.startswith("/"):
            yield text.rstrip("/")


def _string(data: bytes, offset: int) -> str:
    """The NUL-terminated string at `offset`; a table that points behind the file gives an empty one."""
    end = data.find(b"\0", offset)
    return os.fsdecode(data[offset:end]) if end >= 0 else ""

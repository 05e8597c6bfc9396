"""The loader's cache of libraries, `/etc/ld.so.cache`, and the configuration it is made from.

Format: glibc's sysdeps/generic/dl-cache.h; numbers are in the byte order of the machine that it is for. An old-format cache may
stand before the new one; the new one is found by its magic.
"""

from __future__ import annotations

import fnmatch
import struct
from collections.abc import Iterator

from bundler.files import read_regular
from bundler.machine import os
from bundler.machine.failing import unless_failing
from bundler.sysroot import HOST, Sysroot
from bundler.systems.linux.glibc_machines import GlibcMachine

_MAGIC = b"glibc-ld.so.cache1.1"
_HEADER = "20sII20x"  # magic, number of entries, size of the strings, flags and reserved
_ENTRY = "iIIIQ"  # flags, offset of name, offset of path, unused, hwcap
_MOST_INCLUDES = 100


def read_cache(path: str, machine: GlibcMachine) -> dict[str, tuple[str, ...]] | None:
    """Paths by library name, in the cache's order (the loader takes the first); None without a readable cache of the machine.

    Entries for special processors (a hwcap, or a path in `glibc-hwcaps`) and for other ABIs are left out.
    """
    try:
        data = read_regular(path)
    except OSError as error:
        unless_failing(error, path)
        return None
    start = data.find(_MAGIC)
    order = "<" if machine.byteorder == "little" else ">"
    header, entry = struct.Struct(order + _HEADER), struct.Struct(order + _ENTRY)
    if start < 0 or len(data) < start + header.size:
        return None
    _, count, _ = header.unpack_from(data, start)
    found: dict[str, list[str]] = {}
    table = data[start + header.size : start + header.size + count * entry.size]
    for flags, name, target, _, hwcap in entry.iter_unpack(table[: len(table) // entry.size * entry.size]):
        text = _string(data, start + target)
        if flags in machine.cache_flags and hwcap == 0 and "/glibc-hwcaps/" not in text:
            found.setdefault(_string(data, start + name), []).append(text)
    return {name: tuple(paths) for name, paths in found.items()}


def read_configured_directories(path: str, sysroot: Sysroot = HOST) -> tuple[str, ...]:
    """The directories of the `ld.so.conf` at `path`, its includes followed, in order, as names of the sysroot."""
    return tuple(dict.fromkeys(_read_configuration(path, sysroot, [0])))


def _read_configuration(path: str, sysroot: Sysroot, depth: list[int]) -> Iterator[str]:
    depth[0] += 1
    if depth[0] > _MOST_INCLUDES:
        return
    try:
        lines = read_regular(sysroot.real(path)).decode("utf-8", "surrogateescape").splitlines()
    except OSError as error:
        unless_failing(error, path)
        return
    for line in lines:
        text = line.partition("#")[0].strip()
        words = text.split()
        if words[:1] == ["include"]:
            for pattern in words[1:]:
                for name in _matching(pattern, path, sysroot):
                    yield from _read_configuration(name, sysroot, depth)
        elif text.startswith("/"):
            yield text.rstrip("/")


def _matching(pattern: str, path: str, sysroot: Sysroot) -> list[str]:
    """The files that an include of the file at `path` means, sorted; only the last part of it may be a pattern."""
    folder, name = os.path.split(pattern)
    place = sysroot.path_of(folder) if folder.startswith("/") else os.path.join(os.path.dirname(path), folder)
    return [os.path.join(place, found) for found in sysroot.names_in(place) if fnmatch.fnmatchcase(found, name)]


def _string(data: bytes, offset: int) -> str:
    """The NUL-terminated string at `offset`; a table that points behind the file gives an empty one."""
    end = data.find(b"\0", offset)
    return os.fsdecode(data[offset:end]) if end >= 0 else ""

"""Typelibs of GObject introspection: what one is for, which others it needs, which libraries it opens.

The header is girepository/gitypelib-internal.h's (`Header`, version 4): a magic of 16 bytes, numbers in the byte order of the
machine, and offsets of strings that end with a NUL byte. A string at offset 0 is none.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from bundler.errors import BinaryFormatError

SUFFIX = ".typelib"
_MAGIC = b"GOBJ\nMETADATA\r\n\x1a"
_MAJOR = 4
_HEADER = (
    "16sBBHHH9I"  # magic, major, minor, -, entries, local entries; directory, attributes (2), the offsets that follow
)


@dataclass(frozen=True, slots=True)
class Typelib:
    """A typelib's header."""

    namespace: str
    version: str
    dependencies: tuple[str, ...]
    """As `name` has it: `GObject-2.0`."""
    libraries: tuple[str, ...]
    """What it opens by name, or by an absolute path."""

    @property
    def name(self) -> str:
        """Its file name without the suffix."""
        return f"{self.namespace}-{self.version}"


def read_typelib(data: bytes) -> Typelib:
    """The header of a typelib's bytes. Raises BinaryFormatError for other bytes, and for versions that are not known."""
    if not data.startswith(_MAGIC):
        raise BinaryFormatError("this is no typelib")
    for order in "<>":
        if len(data) >= struct.calcsize(order + _HEADER):
            _, major, _, _, _, _, _, _, _, needed, size, namespace, version, libraries, _ = struct.unpack_from(
                order + _HEADER, data
            )
            if major == _MAJOR and size == len(data):
                return Typelib(
                    _text(data, namespace),
                    _text(data, version),
                    tuple(filter(None, _text(data, needed).split("|"))),
                    tuple(filter(None, _text(data, libraries).split(","))),
                )
    raise BinaryFormatError("the typelib is cut off, or of a version that is not known")


def with_dependencies(names: Collection[str], known: Mapping[str, Typelib]) -> set[str]:
    """The names of typelibs that are there, and of all that these need."""
    left, found = [*names], set[str]()
    while left:
        name = left.pop()
        if name in known and name not in found:
            found.add(name)
            left += known[name].dependencies
    return found


def versions_of(namespace: str, known: Mapping[str, Typelib]) -> list[str]:
    """The names of a namespace's typelibs, that first which is taken where no version is asked for: the newest."""
    found = [typelib for typelib in known.values() if typelib.namespace == namespace]
    return [each.name for each in sorted(found, key=lambda each: (_numbers(each.version), each.name), reverse=True)]


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d{1,9}", version)]


def _text(data: bytes, offset: int) -> str:
    """The string at an offset."""
    if not offset:
        return ""
    end = data.find(b"\0", offset)
    if end < 0:
        raise BinaryFormatError("a string of the typelib does not end")
    return data[offset:end].decode("utf-8", "surrogateescape")

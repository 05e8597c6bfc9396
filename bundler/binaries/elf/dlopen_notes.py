"""What a file says that it opens at run time (`.note.dlopen`). Source: UAPI.12, "dlopen() Metadata for ELF Files".

The text may be anybody's: what does not have the form is passed over.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import NamedTuple

from bundler.binaries.elf.image import Image
from bundler.parsing import parse_json

_OWNER, _TYPE = b"FDO", 0x407C0C0A


class Priority(enum.Enum):
    """What the file is without the library."""

    REQUIRED = "required"
    """It does not work."""
    RECOMMENDED = "recommended"
    """It lacks something important; also where no priority is given."""
    SUGGESTED = "suggested"


class DlopenEntry(NamedTuple):
    """One library that is opened: its names, of which the first that is there is taken."""

    sonames: tuple[str, ...]
    priority: Priority
    feature: str
    """What it is for, in a word; "" where that is not told."""


def dlopen_entries(image: Image) -> tuple[DlopenEntry, ...]:
    """The entries of all such notes of the file of which `image` was read. A name with a slash is no soname, and left out."""
    return tuple(_entries(image))


def _entries(image: Image) -> Iterator[DlopenEntry]:
    for note in image.notes:
        if (note.owner, note.type) != (_OWNER, _TYPE):
            continue
        try:
            listed = parse_json(note.description.rstrip(b"\0"))
        except ValueError:
            continue
        for item in listed if isinstance(listed, list) else ():
            if isinstance(item, dict) and (sonames := tuple(_names(item.get("soname")))):
                feature = item.get("feature")
                yield DlopenEntry(sonames, _priority(item.get("priority")), feature if isinstance(feature, str) else "")


def _names(value: object) -> Iterator[str]:
    for name in value if isinstance(value, list) else ():
        if isinstance(name, str) and name.isprintable() and name and "/" not in name:
            yield name


def _priority(value: object) -> Priority:
    return next((each for each in Priority if each.value == value), Priority.RECOMMENDED)

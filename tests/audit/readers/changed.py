"""Files and what the patcher makes of them, for tests of the second reader; and mutants of these."""

from __future__ import annotations

import functools
import io
from collections.abc import Sequence
from dataclasses import dataclass

from bundler.audit.readers.comparison import Asked, asked_of, disagreements, unasked
from bundler.audit.readers.elf.reading import read_elf
from bundler.audit.readers.facts import ElfFacts
from bundler.binaries import elf
from bundler.binaries.elf import Edits, ElfClass, Tier, plan_patch, read_image
from bundler.binaries.elf import constants as c
from bundler.binaries.elf.structs import ByteOrder, structures
from bundler.errors import BinaryFormatError, CannotPatch
from tests.binaries.elf.samples import make_sample
from tests.material.elf_fixtures import SETS

ORDERS: tuple[ByteOrder, ...] = ("little", "big")
LONG = "$ORIGIN/" + "p" * 400
EDITS = (
    Edits(None),
    Edits("$ORIGIN"),
    Edits(LONG),
    Edits("$ORIGIN/../lib", path_tag=elf.PathTag.RUNPATH),
    Edits(needed={"libwhich.so": "lib" + "n" * 60, "libinner.so": "lib" + "m" * 60, "libinner.so.1": "l"}),
    Edits(soname="libother.so"),
    Edits(added=["liba.so", "libb.so"]),
    Edits(added=[f"lib{number}.so" for number in range(12)]),
    Edits(interpreter="/lib/" + "l" * 80),
    Edits(interpreter="/l"),
)
"""Edits that leave symbol versions as they are."""
VERSION_EDITS = (
    Edits(removed=["libextra.so", "libinner.so", "libinner.so.1"]),
    Edits(removed=["libwhich.so", "libc.so.6", "libc.so"]),
    Edits(unversioned=["extra"]),
    Edits(LONG, {"libwhich.so": "l"}, added=["libx.so"], removed=["libextra.so"], unversioned=["which"]),
)
MOST = 1 << 20
"""Larger outcomes than this (bytes) are left to tests that want them."""


@dataclass(frozen=True)
class Changed:
    """A source, what was made of it, by which tier, and what was asked for."""

    source: bytes
    data: bytes
    tier: Tier
    asked: Asked

    @property
    def facts(self) -> ElfFacts:
        """What the second reader reads of it."""
        return read_elf(io.BytesIO(self.data), sections=True)


@functools.cache
def files() -> tuple[bytes, ...]:
    """The fixtures of all machines, and a sample of every class and byte order."""
    samples = [make_sample(elf_class, order) for elf_class in ElfClass for order in ORDERS]
    return (*samples, *(file.read_bytes() for each in SETS for file in [*each.libraries(), *each.programs()]))


def change(data: bytes, edits: Edits) -> Changed | None:
    """What the patcher makes of a file; None where it makes nothing or something large."""
    file = io.BytesIO(data)
    try:
        plan = plan_patch(file, read_image(file), edits)
    except (CannotPatch, BinaryFormatError):
        return None
    if plan is None or plan.patch.size > MOST:
        return None
    return Changed(data, plan.patch.apply(data), plan.tier, asked_of(edits))


def changes(edits: Sequence[Edits] = EDITS) -> list[Changed]:
    """All of them."""
    found = (change(data, each) for data in files() for each in edits)
    return [each for each in found if each is not None]


@functools.cache
def changes_in_a_new_segment(elf_class: ElfClass, order: ByteOrder) -> Changed:
    """A small file in which nothing but a new segment has room: its last one has more zeros than the patcher stores."""
    layouts = structures(elf_class, order)
    data = bytearray(make_sample(elf_class, order))
    at = 16 + layouts.header.size + layouts.segment.size
    segment = layouts.segment.read(bytes(data), at)
    assert segment.type == c.PT_LOAD
    data[at : at + layouts.segment.size] = layouts.segment.pack(segment._replace(memsz=65 << 20))
    found = change(bytes(data), Edits(LONG))
    assert found is not None
    assert found.tier is Tier.T3
    return found


@functools.cache
def changes_with_another_section(elf_class: ElfClass, order: ByteOrder) -> Changed:
    """A file whose string table moved from a segment in which no other section is: one now covers what it left."""
    layouts = structures(elf_class, order)
    data = bytearray(make_sample(elf_class, order))
    facts = read_elf(io.BytesIO(data), sections=True)
    at = facts.header.shoff + layouts.section.size
    section = layouts.section.read(bytes(data), at)
    assert section.type == c.SHT_DYNSYM
    data[at : at + layouts.section.size] = layouts.section.pack(section._replace(flags=0))
    found = change(bytes(data), Edits(LONG))
    assert found is not None
    assert len(found.facts.sections) == len(facts.sections) + 1
    return found


def told(changed: Changed, data: bytes | None = None, asked: Asked | None = None) -> list[str]:
    """What the comparison says of the outcome, or of `data` in its place."""
    file = io.BytesIO(changed.data if data is None else data)
    return [each.message for each in unasked(io.BytesIO(changed.source), file, asked or changed.asked)]


def agreement(data: bytes) -> list[str]:
    """What the two readers say differently of a file."""
    file = io.BytesIO(data)
    return [each.message for each in disagreements(read_image(file), file)]


def flipped(data: bytes, at: int, bits: int = 1) -> bytes:
    """The file with one byte changed."""
    return data[:at] + bytes([data[at] ^ bits]) + data[at + 1 :]

"""Whatever a file holds, the second reader answers, soon and in little memory: what it cannot read is a difference."""

from __future__ import annotations

import contextlib
import io
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bundler.audit.readers.comparison import PACKED, Asked, asked_of, disagreements, unasked
from bundler.audit.readers.elf.reading import read_elf
from bundler.audit.readers.macho.reading import read_macho
from bundler.binaries import macho
from bundler.binaries.elf import Edits, ElfClass, plan_patch, read_image
from bundler.binaries.elf import constants as c
from bundler.binaries.elf.structs import DynamicEntry, structures
from bundler.errors import BinaryFormatError, CannotPatch
from tests.audit.readers.changed import EDITS, VERSION_EDITS, files
from tests.binaries.elf.damage import Damage, Kind, damaged
from tests.binaries.elf.samples import make_sample
from tests.binaries.macho.samples import make_fat
from tests.binaries.macho.samples import make_sample as make_macho
from tests.material.memory import memory_of

DAMAGES = st.lists(
    st.builds(Damage, st.sampled_from(Kind), st.integers(0, 1 << 16), st.integers(0, 1 << 12)), min_size=1, max_size=4
)
ALL = (*EDITS, *VERSION_EDITS)
LIMIT = 15
"""Seconds of one processor for one file: hostile ones have tables with tens of thousands of entries."""


class CountingFile(io.BytesIO):
    """Counts the bytes that are read."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        return data


def refused(read: Callable[[BinaryIO], object], file: BinaryIO) -> Callable[[], None]:
    """Read a file that must be refused."""

    def work() -> None:
        with pytest.raises(BinaryFormatError):
            read(file)

    return work


def in_time(work: Callable[[], object]) -> None:
    """Do some work within the limit."""
    start = time.process_time()
    work()
    assert time.process_time() - start < LIMIT


@settings(max_examples=300, deadline=None, suppress_health_check=[*HealthCheck])
@given(st.integers(0, 1 << 10), DAMAGES, st.sampled_from(ALL))
def test_a_damaged_elf_file_is_answered(number: int, damages: list[Damage], edits: Edits) -> None:
    data = damaged(files()[number % len(files())], damages)
    file = io.BytesIO(data)
    try:
        image = read_image(file)
        disagreements(image, file)
        plan = plan_patch(file, image, edits)
    except (BinaryFormatError, CannotPatch):
        plan = None
    new = io.BytesIO(plan.patch.apply(data)) if plan is not None and plan.patch.size < 1 << 24 else file
    unasked(file, new, asked_of(edits))


@settings(max_examples=200, deadline=None, suppress_health_check=[*HealthCheck])
@given(st.integers(0, 3), st.lists(st.tuples(st.integers(0, 1 << 12), st.integers(0, 255)), min_size=1, max_size=6))
def test_a_damaged_mach_o_file_is_answered(number: int, damages: list[tuple[int, int]]) -> None:
    original = machos()[number]
    data = bytearray(original)
    for at, byte in damages:
        data[at % min(len(data), 900)] = byte
    file = io.BytesIO(data)
    with contextlib.suppress(BinaryFormatError):
        disagreements(macho.read_image(file), file)
    unasked(io.BytesIO(original), file, PACKED)
    unasked(file, file, Asked())


def machos() -> list[bytes]:
    thin = [make_macho(64, "little"), make_macho(32, "big")]
    return [*thin, make_fat(thin), make_macho(64, "little", cpu=(7 | 1 << 24, 3), room=500)]


@pytest.mark.parametrize("data", [b"", b"\x7fELF", b"#!/bin/sh\n", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe\0\0\0\x45"])
def test_what_is_no_binary_cannot_be_read(data: bytes) -> None:
    (found,) = unasked(io.BytesIO(data), io.BytesIO(data), Asked())
    assert "the second reader cannot read it: " in found.message
    (found,) = disagreements(read_image(io.BytesIO(make_sample(ElfClass.ELF64, "little"))), io.BytesIO(data))
    assert "bundler reads it, the second reader cannot read it: BinaryFormatError: " in found.message


def test_an_error_of_a_library_is_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RecursionError("deep inside")

    monkeypatch.setattr("bundler.audit.readers.elf.reading._parsed", fail)
    file = io.BytesIO(make_sample(ElfClass.ELF64, "little"))
    (found,) = disagreements(read_image(file), file)
    assert found.message == "the file: bundler reads it, the second reader cannot read it: RecursionError: deep inside"


def with_dynamic(entries: list[DynamicEntry], strings: bytes) -> bytes:
    """A library with these entries and strings."""
    layouts = structures(ElfClass.ELF64, "little")
    data = bytearray(make_sample(ElfClass.ELF64, "little"))
    facts = read_elf(io.BytesIO(data), sections=True)
    assert facts.dynamic_segment is not None
    at, base = len(data) + 15 & ~15, 1 << 24
    data = data.ljust(at, b"\0")
    entries = [*entries, DynamicEntry(c.DT_STRSZ, len(strings)), DynamicEntry(c.DT_NULL, 0)]
    dynamic = b"".join(map(layouts.dynamic.pack, entries))
    table = DynamicEntry(c.DT_STRTAB, base + at + len(dynamic) + layouts.dynamic.size)
    dynamic = layouts.dynamic.pack(table) + dynamic
    segments = facts.segments
    last = segments[1]._replace(offset=at, vaddr=base + at, paddr=base + at)
    size = len(dynamic) + len(strings)
    for number, segment in ((1, last._replace(filesz=size, memsz=size)),
                            (2, last._replace(type=c.PT_DYNAMIC, filesz=len(dynamic), memsz=len(dynamic)))):  # fmt: skip
        start = 64 + number * 56
        data[start : start + 56] = struct.pack("<IIQQQQQQ", *segment)
    return bytes(data) + dynamic + strings


def test_names_that_overlap_without_end_are_not_read_without_end() -> None:
    """40,000 names of up to half a megabyte, each at an index of its own: 10 GB if all were kept."""
    strings = b"x" * (1 << 19) + b"\0"
    data = with_dynamic([DynamicEntry(c.DT_NEEDED, number) for number in range(40000)], strings)
    in_time(refused(read_elf, io.BytesIO(data)))
    assert memory_of(refused(read_elf, io.BytesIO(data))) < 100 << 20
    with pytest.raises(BinaryFormatError, match="names of more than"):
        read_elf(io.BytesIO(data))


def test_a_name_without_an_end_is_refused() -> None:
    with pytest.raises(BinaryFormatError, match="without an end"):
        read_elf(io.BytesIO(with_dynamic([DynamicEntry(c.DT_NEEDED, 1)], b"\0abc")))
    large = with_dynamic([DynamicEntry(c.DT_NEEDED, 1)], b"\0" + b"a" * (3 << 20))
    with pytest.raises(BinaryFormatError, match="without an end"):
        read_elf(io.BytesIO(large))


def test_as_many_libraries_as_a_dynamic_section_holds_are_read_in_time() -> None:
    data = with_dynamic([DynamicEntry(c.DT_NEEDED, number % 7) for number in range(65000)], b"\0liba.so\0")
    in_time(lambda: disagreements(read_image(io.BytesIO(data)), io.BytesIO(data)))
    assert disagreements(read_image(io.BytesIO(data)), io.BytesIO(data)) == ()


@pytest.mark.parametrize(("field", "code"), [("phnum", "<H"), ("shnum", "<H")])
def test_tables_of_as_many_headers_as_can_be_are_read_in_time(field: str, code: str) -> None:
    layouts = structures(ElfClass.ELF64, "little")
    data = bytearray(make_sample(ElfClass.ELF64, "little"))
    size = layouts.segment.size if field == "phnum" else layouts.section.size
    count, offset = 65000, len(data)
    place = "phoff" if field == "phnum" else "shoff"
    for name, value in ((field, struct.pack(code, count)), (place, struct.pack("<Q", offset))):
        at = 16 + layouts.header.position(name)
        data[at : at + len(value)] = value
    if field == "phnum":  # each of them maps another place, one in front of the other
        data += b"".join(struct.pack("<IIQQQQQQ", 1, 4, 0, n << 12, 0, 16, 16, 4096) for n in range(count))
    else:
        data += b"".join(struct.pack("<IIQQQQIIQQ", n, 8, 3, n << 12, n, 1, 0, 0, 1, 0) for n in range(count))
    assert len(data) == offset + count * size
    file = io.BytesIO(data)
    in_time(lambda: (disagreements(read_image(file), file), unasked(file, io.BytesIO(data), Asked())))


def test_a_count_that_promises_more_than_the_file_has_is_refused_at_once() -> None:
    data = bytearray(make_sample(ElfClass.ELF64, "little"))
    data[16 + 40 : 16 + 42] = struct.pack("<H", 0xFFF0)  # e_phnum
    assert memory_of(refused(read_elf, io.BytesIO(data))) < 1 << 20


def test_load_commands_beyond_all_measure_are_refused_at_once() -> None:
    for at, value in ((16, 1 << 20), (20, 1 << 24)):  # ncmds, sizeofcmds
        data = bytearray(make_macho(64, "little") + bytes(32 << 20))
        data[at : at + 4] = struct.pack("<I", value)
        assert memory_of(refused(read_macho, io.BytesIO(data))) < 1 << 20


def test_as_many_load_commands_as_can_be_are_read_in_time() -> None:
    extra = [struct.pack("<2I", 0x77, 8)] * 8000
    data = make_macho(64, "little", extra=extra)
    in_time(lambda: disagreements(macho.read_image(io.BytesIO(data)), io.BytesIO(data)))
    assert disagreements(macho.read_image(io.BytesIO(data)), io.BytesIO(data)) == ()


def test_of_a_large_file_only_headers_and_tables_are_read_by_the_second_reader() -> None:
    for data in (files()[0], files()[-1]):
        file = CountingFile(data + bytes(64 << 20))
        image = read_image(io.BytesIO(data))
        assert len(disagreements(image, file)) == 1  # the size
        assert file.taken < 100_000
    file = CountingFile(make_macho(64, "little") + bytes(64 << 20))
    assert disagreements(macho.read_image(io.BytesIO(file.getvalue())), file) == ()
    assert file.taken < 10_000


def test_a_large_file_is_compared_in_little_memory(tmp_path: Path) -> None:
    for name, data in (("elf", make_sample(ElfClass.ELF64, "little")), ("macho", make_macho(64, "little"))):
        for copy in ("source", "changed"):
            with (tmp_path / f"{name}-{copy}").open("wb") as file:
                file.write(data)
                file.truncate(256 << 20)
        with (tmp_path / f"{name}-source").open("rb") as one, (tmp_path / f"{name}-changed").open("r+b") as other:
            assert memory_of(lambda one=one, other=other: unasked(one, other, Asked())) < 8 << 20  # type: ignore[misc]
            assert unasked(one, other, Asked()) == ()
            other.seek((256 << 20) - 1)
            other.write(b"\1")
            other.flush()
            assert len(unasked(one, other, Asked())) == 1

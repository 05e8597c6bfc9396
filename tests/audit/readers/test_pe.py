"""PE: pefile reads what the patcher reads; what the patcher makes differs in what was asked for; all else is found."""

from __future__ import annotations

import functools
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bundler.audit.readers.comparison import PACKED, Asked, asked_of, disagreements, unasked
from bundler.audit.readers.pe.changes import _explained
from bundler.audit.readers.pe.reading import read_pe
from bundler.binaries.pe import Edits, plan_patch, read_image
from bundler.binaries.pe import structs as s
from bundler.errors import CannotPatch
from tests.binaries.pe.shapes import fixture, fixtures, image_of, put, signed, with_optional, without_slack
from tests.material.wheels import unpack
from tests.material.windows import MORE_WHEELS, WHEELS, binaries_in, embeddable

SHORT = Edits({"which.dll": "w.dll", "inner.dll": "i.dll", "extra.dll": "e.dll"})
LONG = Edits({name: f"{name}-0123456789abcdef.dll" for name in SHORT.dlls})


def change(data: bytes, edits: Edits) -> bytes | None:
    """What the patcher makes of a file; None where it makes nothing."""
    file = io.BytesIO(data)
    try:
        plan = plan_patch(file, read_image(file), edits)
    except CannotPatch:
        return None
    return None if plan is None else plan.patch.apply(data)


def told(source: bytes, data: bytes, asked: Asked) -> list[str]:
    return [each.message for each in unasked(io.BytesIO(source), io.BytesIO(data), asked)]


def agreement(data: bytes) -> list[str]:
    file = io.BytesIO(data)
    return [each.message for each in disagreements(read_image(file), file)]


@functools.cache
def cases() -> list[tuple[bytes, bytes, Edits]]:
    """Sources, what was made of them, and what was asked for."""
    shapes = [shape(data) for data in fixtures() for shape in (bytes, without_slack, signed)]
    found = [(data, change(data, edits), edits) for data in shapes for edits in (SHORT, LONG)]
    return [(data, new, edits) for data, new, edits in found if new is not None]


def test_nothing_else_differs_in_any_fixture() -> None:
    assert len(cases()) == 36
    for source, data, edits in cases():
        assert (agreement(data), told(source, data, asked_of(edits)), told(source, data, PACKED)) == ([], [], [])


def test_what_two_readers_read_differently_is_told() -> None:
    """The patcher's reading of one file is held against pefile's reading of another one."""
    data = fixture("which.dll")
    image = image_of(data)
    assert image.exports is not None
    fields = {
        "Machine": image.headers.pe_offset + 4,
        "SizeOfImage": image.headers.optional_offset + 57,
        "CheckSum": image.headers.optional_offset + 64,
        "sections": image.headers.section_table,
        "data directories": image.headers.directories_offset + 12,
        "imports": image.headers.place(image.imports[0].name_address, "")[0],
        "the export directory's name": image.headers.place(image.exports.directory[4], "")[0],
        "forwarded exports": image.headers.place(image.exports.forwarders[0].address, "")[0],
    }
    for what, place in fields.items():
        other = put(data, place, bytes([data[place] ^ 1]))
        said = [each.message for each in disagreements(image, io.BytesIO(other))]
        assert any(line.startswith(f"{what}: bundler reads ") for line in said), (what, said)
    assert agreement(data) == []


def test_a_name_that_nobody_asked_for_is_told() -> None:
    data = change(fixture("which.dll"), SHORT)
    assert data is not None
    said = told(fixture("which.dll"), data, Asked())
    assert any(line.startswith("imports: it should be inner.dll, the file has i.dll") for line in said)
    assert any(line.startswith("forwarded exports") for line in said)


def test_a_checksum_and_a_signature_that_stayed_are_told() -> None:
    source = signed(fixture())
    data = change(source, SHORT)
    assert data is not None
    headers = image_of(data).headers
    assert any(
        "CheckSum" in line for line in told(source, put(data, headers.optional_offset + 64, b"12"), asked_of(SHORT))
    )
    kept = put(data, headers.directories_offset + 32, source[headers.directories_offset + 32 :][:8])
    assert told(source, kept, asked_of(SHORT)) != []


@functools.cache
def without_checksums() -> list[tuple[bytes, bytes, Edits, list[int]]]:
    """The cases without the checksum, which would find each flipped bit alone; and the offsets of bytes that are explained."""
    found = []
    for source, _, edits in cases():
        bare = with_optional(source, s.CHECKSUM, s.DWORD, 0)
        data = change(bare, edits)
        assert data is not None
        explained = _explained(read_pe(io.BytesIO(bare)), read_pe(io.BytesIO(data)))
        headers = image_of(data).headers
        free = [at for low, high in explained for at in range(low, high) if at >= headers.section_table_end]
        found.append((bare, data, edits, free))
    return found


@settings(max_examples=80, deadline=None, suppress_health_check=[*HealthCheck])
@given(number=st.integers(0, 1 << 10), place=st.integers(0, 1 << 14), bit=st.integers(0, 7), in_headers=st.booleans())
def test_every_flipped_bit_is_found(number: int, place: int, bit: int, in_headers: bool) -> None:
    """In headers, and in contents but for the bytes of names and what is new, which the names themselves explain."""
    source, data, edits, free = without_checksums()[number % len(cases())]
    place %= image_of(data).headers.section_table_end if in_headers else min(len(data), len(source))
    if place in free:
        return
    flipped = put(data, place, bytes([data[place] ^ 1 << bit]))
    assert told(source, flipped, asked_of(edits)) != []


@pytest.mark.parametrize(("requirement", "platform"), WHEELS[:1])
def test_nothing_else_differs_in_a_wheel(requirement: str, platform: str, tmp_path: Path) -> None:
    assert check_files(binaries_in(unpack(requirement, platform, tmp_path)))


@pytest.mark.everything
@pytest.mark.parametrize(("requirement", "platform"), [*WHEELS[1:], *MORE_WHEELS])
def test_nothing_else_differs_in_more_wheels(requirement: str, platform: str, tmp_path: Path) -> None:
    assert check_files(binaries_in(unpack(requirement, platform, tmp_path)))


@pytest.mark.everything
def test_nothing_else_differs_in_python_itself() -> None:
    assert check_files(binaries_in(embeddable()))


def check_files(files: list[Path]) -> int:
    """Rename all that the files ask for, to names that are short and to names that are long; how many were changed."""
    done = 0
    for path in files:
        data = path.read_bytes()
        image = image_of(data)
        forwarders = image.exports.forwarders if image.exports is not None else ()
        names = {*image.needed, *image.delayed, *(f"{each.dll}.dll" for each in forwarders)}
        for edits in (
            Edits(dict.fromkeys(names, "x.dll")),
            Edits({name: f"{name[:-4]}-0123456789abcdef.dll" for name in names}),
        ):
            new = change(data, edits)
            if new is not None:
                assert (agreement(new), told(data, new, asked_of(edits)), told(data, new, PACKED)) == ([], [], []), path
                done += 1
    return done

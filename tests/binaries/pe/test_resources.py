"""Resources: all are found by kind and name, as pefile finds them; new contents go where room is, and nothing else changes."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pefile
import pytest

from bundler.binaries.pe import constants as c
from bundler.binaries.pe import structs as s
from bundler.binaries.pe.headers import read_headers
from bundler.binaries.pe.resources import Resource, Resources, read_resources, resource_data, with_resource
from bundler.errors import BinaryFormatError, CannotPatch
from tests.binaries.pe.judging import warnings
from tests.binaries.pe.shapes import put, with_directory
from tests.material.launchers import pip_program, resource_trampoline, trampoline, without_padding, zipped

PYTHON = "UV_PYTHON_PATH"


def resources_of(data: bytes) -> Resources:
    file = io.BytesIO(data)
    return read_resources(file, read_headers(file, len(data)))


def python_of(data: bytes) -> Resource:
    found = resources_of(data).find(c.RT_RCDATA, PYTHON)
    assert found is not None
    return found


def changed(data: bytes, new: bytes) -> bytes:
    return with_resource(data, read_headers(io.BytesIO(data), len(data)), resources_of(data), python_of(data), new)


def contents(data: bytes) -> dict[tuple[object, object], bytes]:
    file = io.BytesIO(data)
    headers = read_headers(file, len(data))
    return {(each.kind, each.name): resource_data(file, headers, each) for each in read_resources(file, headers).all}


def key_of(entry: Any) -> object:
    return str(entry.name) if entry.name is not None else entry.id


def by_pefile(data: bytes) -> dict[tuple[object, object], bytes]:
    """The same by another reader, which knows one language a resource."""
    pe = pefile.PE(data=data, fast_load=True)
    pe.parse_data_directories([2])
    found = {}
    for kind in pe.DIRECTORY_ENTRY_RESOURCE.entries:
        for name in kind.directory.entries:
            (language,) = name.directory.entries
            place = language.data.struct
            key = (key_of(kind), key_of(name))
            found[key] = pe.get_data(place.OffsetToData, place.Size)
    return found


@pytest.mark.parametrize("make", [pip_program, lambda: trampoline("uv==0.13.9"), resource_trampoline])
def test_all_resources_are_those_that_pefile_finds(make: Callable[[], bytes]) -> None:
    data = make()
    assert contents(data) == by_pefile(data)


def test_a_program_without_resources_has_none() -> None:
    data = resource_trampoline()
    assert resources_of(with_directory(data, c.RESOURCE, 0, 0)).all == ()


def judged(data: bytes, new: bytes) -> bytes:
    """The changed file, whose other resources and sections are as they were."""
    after = changed(data, new)
    assert contents(after) == by_pefile(after) == {**contents(data), (c.RT_RCDATA, PYTHON): new}
    assert warnings(after) == warnings(data)
    assert len(after) == len(data)
    old, fresh = (read_headers(io.BytesIO(each), len(each)) for each in (data, after))
    for before, later in zip(old.sections, fresh.sections, strict=True):
        if before.name != ".rsrc":
            assert before == later
            assert data[before.start : before.end] == after[before.start : before.end]
    return after


def test_a_shorter_value_stands_in_the_old_place_and_nothing_is_left_of_the_old_one() -> None:
    data = resource_trampoline()
    after = judged(data, b"..\\python.exe")
    assert python_of(after).address == python_of(data).address
    assert b".venv" not in after


def test_a_longer_value_takes_the_padding_behind_the_old_one() -> None:
    """From `python.exe`, which `uv venv --relocatable` has."""
    data = resource_trampoline("python.exe")
    after = judged(data, b"012345678901")
    assert python_of(after).address == python_of(data).address


def test_a_value_without_room_goes_behind_the_end_of_the_section() -> None:
    data = resource_trampoline("python.exe")
    place = read_headers(io.BytesIO(data), len(data)).directory(c.RESOURCE).address
    data = with_directory(data, c.RESOURCE, place, max(end for _, end in resources_of(data).taken) - place)
    after = judged(data, b"..\\python.exe")
    assert python_of(after).address != python_of(data).address
    directory = read_headers(io.BytesIO(after), len(after)).directory(c.RESOURCE)
    assert directory.address < python_of(after).address
    assert python_of(after).address + 13 <= directory.address + directory.size
    with pytest.raises(CannotPatch, match="there is no room"):
        changed(data, b"x" * 4096)


def test_where_the_resources_are_full_it_goes_behind_the_end_of_another_section() -> None:
    data = without_padding(resource_trampoline("python.exe"))
    after = changed(data, b"..\\python.exe")
    assert contents(after) == by_pefile(after) == {**contents(data), (c.RT_RCDATA, PYTHON): b"..\\python.exe"}
    assert warnings(after) == warnings(data)
    old, fresh = (read_headers(io.BytesIO(each), len(each)) for each in (data, after))
    (grown,) = (pair for pair in zip(old.sections, fresh.sections, strict=True) if pair[0] != pair[1])
    assert grown[0].name == ".rdata"
    assert python_of(after).address + 13 == grown[1].address + grown[1].virtual_size


def test_bytes_that_are_no_padding_are_not_overwritten() -> None:
    data = without_padding(resource_trampoline("python.exe"))
    after = changed(data, b"01234567890")
    assert python_of(after).address != python_of(data).address
    assert contents(after) == {**contents(data), (c.RT_RCDATA, PYTHON): b"01234567890"}


def test_a_value_that_another_resource_shares_is_not_overwritten() -> None:
    data = resource_trampoline()
    headers = read_headers(io.BytesIO(data), len(data))
    other = resources_of(data).find(c.RT_RCDATA, "UV_SCRIPT_DATA")
    assert other is not None
    entry = headers.place(other.entry, "an entry")[0]
    shared = put(data, entry, s.DWORD.pack(python_of(data).address) + s.DWORD.pack(4))
    after = changed(shared, b"new")
    assert contents(after)[(c.RT_RCDATA, "UV_SCRIPT_DATA")] == contents(shared)[(c.RT_RCDATA, PYTHON)][:4]
    assert contents(after)[(c.RT_RCDATA, PYTHON)] == b"new"


def test_directories_that_lead_in_a_circle_or_too_far_are_refused() -> None:
    data = resource_trampoline()
    headers = read_headers(io.BytesIO(data), len(data))
    root = headers.place(headers.directory(c.RESOURCE).address, "the root")[0]
    for damaged in (put(data, root + 20, s.DWORD.pack(1 << 31)), put(data, root + 12, b"\xff\xff\xff\xff")):
        with pytest.raises(BinaryFormatError):
            resources_of(damaged)


def test_more_entries_than_any_program_has_are_refused() -> None:
    """A directory of 120 that lead to one of 120, each of which leads to the same resource."""
    data = resource_trampoline()
    headers = read_headers(io.BytesIO(data), len(data))
    root = headers.place(headers.directory(c.RESOURCE).address, "the root")[0]
    count, size = 120, 16 + 8 * 120
    many = s.RESOURCE_DIRECTORY.pack(0, 0, 0, 0, 0, count)
    first = many + b"".join(s.RESOURCE_ENTRY.pack(number, 1 << 31 | size) for number in range(count))
    second = many + b"".join(s.RESOURCE_ENTRY.pack(number, 1 << 31 | 2 * size) for number in range(count))
    last = s.RESOURCE_DIRECTORY.pack(0, 0, 0, 0, 0, 1) + s.RESOURCE_ENTRY.pack(0, 2 * size + 24) + bytes(16)
    with pytest.raises(BinaryFormatError, match="more than 4096 entries"):
        resources_of(put(data, root, first + second + last))


def test_the_script_of_a_trampoline_is_one_of_its_resources() -> None:
    assert contents(resource_trampoline())[(c.RT_RCDATA, "UV_SCRIPT_DATA")] == zipped()

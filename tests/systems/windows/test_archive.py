"""The zip at the end of a launcher is found as Python finds it; a launcher's text may look like one."""

from __future__ import annotations

import io
import zipfile

from bundler.systems.windows.launchers.archive import find_archive
from bundler.systems.windows.launchers.launcher import Span
from tests.material.launchers import zipped

END = b"PK\5\6"


def test_a_zip_is_found_behind_other_bytes_and_in_front_of_some() -> None:
    data = zipped()
    assert find_archive(b"x" * 10 + data + b"y" * 5, 0, len(data) + 15) == Span(10, 10 + len(data))
    assert find_archive(b"x" * 10 + data, 11, len(data) + 10) is None
    assert find_archive(b"no zip", 0, 6) is None


def test_what_looks_like_an_end_inside_of_the_script_is_none() -> None:
    data = zipped(b"x = " + END + bytes(18) + b"\n")
    assert data.count(END) == 2
    assert find_archive(data, 0, len(data)) == Span(0, len(data))


def test_a_comment_belongs_to_the_zip() -> None:
    file = io.BytesIO(zipped())
    with zipfile.ZipFile(file, "a") as archive:
        archive.comment = b"said later"
    data = file.getvalue()
    assert find_archive(data, 0, len(data)) == Span(0, len(data))
    assert find_archive(data[:-1], 0, len(data) - 1) is None


def test_an_end_that_names_a_place_outside_is_none() -> None:
    data = bytearray(zipped())
    for field in (12, 16):  # size and offset of the directory
        damaged = data[:]
        damaged[len(data) - 22 + field + 2] = 0xFF
        assert find_archive(bytes(damaged), 0, len(damaged)) is None
    assert find_archive(bytes(data[:-3]), 0, len(data) - 3) is None

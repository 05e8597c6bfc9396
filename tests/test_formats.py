"""One table of formats: what it names is there, and each file and each name has one meaning."""

from __future__ import annotations

import inspect

import pytest

from bundler.errors import OutputFailed
from bundler.formats import (
    ARCHIVES,
    FORMAT_NAMES,
    HEAD_SIZE,
    ArchiveFormat,
    archive_named,
    archive_of_content,
    archive_of_suffix,
)


@pytest.mark.parametrize("form", ARCHIVES, ids=lambda form: form.name)
def test_what_writes_and_what_reads_a_format_is_there(form: ArchiveFormat) -> None:
    assert callable(form.find_writer())
    assert inspect.isgeneratorfunction(form.find_reader())


@pytest.mark.parametrize("form", ARCHIVES, ids=lambda form: form.name)
def test_name_suffix_and_magic_lead_to_the_format(form: ArchiveFormat) -> None:
    assert archive_named(form.name) is form
    for suffix in form.suffixes:
        assert archive_of_suffix(f"a.b{suffix}") is form
        assert archive_of_suffix(f"A.B{suffix.upper()}") is form
    head = bytearray(HEAD_SIZE)
    for offset, magic in form.magic:
        head[offset : offset + len(magic)] = magic
    assert archive_of_content(bytes(head)) is form


def test_no_name_and_no_suffix_is_there_twice() -> None:
    suffixes = [suffix for form in ARCHIVES for suffix in form.suffixes]
    assert len(set(suffixes)) == len(suffixes)
    assert len(set(FORMAT_NAMES)) == len(FORMAT_NAMES)


def test_other_names_mean_nothing() -> None:
    assert archive_of_suffix("dist/app") is None
    assert archive_of_suffix("app.tar.lz") is None
    assert archive_of_content(b"") is None
    assert archive_of_content(b"\x7fELF" + bytes(600)) is None
    with pytest.raises(OutputFailed, match="no format rar") as caught:
        archive_named("rar")
    assert "tar.zst" in caught.value.hint

"""`bundler inspect` of a PE file."""

from __future__ import annotations

from pathlib import Path

from bundler.binaries.pe import structs as s
from bundler.inspection import inspect
from tests.binaries.pe.shapes import bound, fixture, image_of, put, signed, with_load_config


def test_facts_of_a_library(tmp_path: Path) -> None:
    path = tmp_path / "which.dll"
    path.write_bytes(fixture("which.dll"))
    assert inspect(path) == {
        "kind": "binary",
        "type": "library",
        "format": "PE32+",
        "machine": "AMD64",
        "subsystem": "windows",
        "minimum_windows": "6.0",
        "linked_for_windows": "6.0",
        "file_version": "1.2.3.4",
        "soname": "which.dll",
        "needed": ["inner.dll"],
        "delayed": [],
        "forwards_to": ["inner"],
        "bound": [],
        "dependent_load_flags": None,
        "checksum": "valid",
        "signature": None,
    }


def test_what_else_a_program_has_is_told(tmp_path: Path) -> None:
    path = tmp_path / "program.exe"
    path.write_bytes(signed(bound(with_load_config(fixture()))))
    facts = inspect(path)
    assert (facts["type"], facts["delayed"], facts["soname"]) == ("program", ["extra.dll"], None)
    assert facts["bound"] == ["which.dll", "kernel32.dll"]
    assert (facts["dependent_load_flags"], facts["signature"]) == ("0x800", "72 bytes (not checked)")
    assert "and not" in str(facts["checksum"])


def test_damaged_resources_hide_nothing_else(tmp_path: Path) -> None:
    data = fixture("which.dll")
    headers = image_of(data).headers
    path = tmp_path / "which.dll"
    path.write_bytes(put(data, headers.directories_offset + 2 * s.DATA_DIRECTORY.size, b"\0\0\0\x70"))
    facts = inspect(path)
    assert str(facts["file_version"]).startswith(
        "not readable: a directory of resources lies at the address 0x70000000"
    )
    assert facts["needed"] == ["inner.dll"]

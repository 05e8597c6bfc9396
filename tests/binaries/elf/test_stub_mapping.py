"""What the entry stub maps of a loader, of any layout, is what the kernel would: its bytes, and zeros where it has none."""

from __future__ import annotations

import os
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bundler.binaries.elf import Edits
from bundler.binaries.elf import constants as c
from bundler.binaries.elf.structs import ElfClass, FileHeader, Segment, structures
from tests.binaries.elf.patching import edit
from tests.material.elf_fixtures import lay_out, set_of

PAGE = 4096
LAYOUTS = structures(ElfClass.ELF64, "little")
IDENT = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
START = 0x1000
# Writes each range of a table (address, length) of its own memory to standard output, and exits with 0:
#   lea r12, [rip - START - 7]; lea rbx, [rip + table]; 1: mov rdx, [rbx+8]; test rdx, rdx; jz 2f; mov rsi, [rbx]; add rsi, r12
#   mov edi, 1; mov eax, 1; syscall; add rbx, 16; jmp 1b; 2: xor edi, edi; mov eax, 231; syscall; table:
CODE = bytes.fromhex(
    "4c8d25f9efffff488d1d2a000000488b53084885d27418488b334c01e6bf01000000b8010000000f054883c310ebdf31ffb8e70000000f05"
)


@dataclass(frozen=True)
class Part:
    """A segment: pages left free in front of it, where in its page it begins, its bytes, and how many zeros follow."""

    gap: int
    skip: int
    data: bytes
    zeros: int
    writable: bool


PARTS = st.lists(
    st.builds(
        Part,
        st.integers(0, 20),
        st.integers(0, PAGE - 1),
        st.integers(1, 3 * PAGE).map(lambda size: bytes(i * 7 % 255 + 1 for i in range(size))),
        st.one_of(st.just(0), st.integers(0, 5 * PAGE)),
        st.just(value=True) | st.booleans(),
    ),
    min_size=1,
    max_size=5,
)


def loader_of(parts: list[Part]) -> tuple[bytes, bytes]:
    """A loader with these segments, and what it prints where each is mapped rightly."""
    count = len(parts) + 2
    head = 64 + 56 * count
    segments = [Segment(c.PT_LOAD, c.PF_R, 0, 0, 0, head, head, PAGE)]
    table, printed, data = b"", b"", bytearray(START)
    size = len(CODE) + 16 * (len(parts) + 1)
    segments.append(Segment(c.PT_LOAD, c.PF_R | c.PF_X, START, START, START, size, size, PAGE))
    data += bytes(size)
    end = START + size
    for part in parts:
        address = -(-end // PAGE) * PAGE + part.gap * PAGE + part.skip
        data += bytes(-len(data) % PAGE + part.skip)
        zeros = part.zeros if part.writable else 0  # no linker puts them elsewhere
        flags = c.PF_R | c.PF_W if part.writable else c.PF_R
        filesz, memsz = len(part.data), len(part.data) + zeros
        segments.append(Segment(c.PT_LOAD, flags, len(data), address, address, filesz, memsz, PAGE))
        data += part.data + b"\xee" * 9  # what follows in the file is not to be seen in a page that can be written
        end = address + memsz
        shown = memsz + (-end % PAGE if part.writable else 0)
        table += struct.pack("<QQ", address, shown)
        printed += part.data + bytes(shown - filesz)
    header = FileHeader(c.ET_DYN, c.EM_X86_64, 1, START, 64, 0, 0, 64, 56, count, 64, 0, 0)
    packed = IDENT + LAYOUTS.header.pack(header) + b"".join(map(LAYOUTS.segment.pack, segments))
    data[: len(packed)] = packed
    data[START : START + size] = CODE + table + bytes(16)
    return bytes(data), printed


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that maps the file `loader` beside it."""
    if (os.uname().machine, os.sysconf("SC_PAGE_SIZE")) != ("x86_64", PAGE):
        pytest.skip("needs x86-64: the loader that is made here is code for it")
    program = lay_out(set_of("x86_64"), "pie", tmp_path_factory.mktemp("mapping"))
    edit(program, Edits(own_loader="loader"))
    return program


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(PARTS)
def test_a_loader_of_any_layout_is_mapped_as_the_kernel_would(app: Path, parts: list[Part]) -> None:
    data, printed = loader_of(parts)
    (app.parent / "loader").write_bytes(data)
    done = subprocess.run([str(app)], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == printed


WRONG = {
    "p_vaddr out of range": (16, 1 << 63),
    "p_vaddr at the end": (16, (1 << 64) - PAGE),
    "p_offset behind the file": (8, 1 << 20),
    "p_offset near the end of all numbers": (8, (1 << 64) - PAGE),
    "p_filesz behind the file": (32, 1 << 20),
    "p_filesz above p_memsz": (40, 1),
    "p_memsz out of range": (40, (1 << 64) - 1),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_loader_whose_segments_cannot_be_is_no_loader(app: Path, what: str) -> None:
    data = bytearray(loader_of([Part(1, 0, b"x" * 99, 5000, writable=True)])[0])
    place, value = WRONG[what]
    struct.pack_into("<Q", data, 64 + 56 * 2 + place, value)
    assert _refusal(app, bytes(data)).endswith(": no loader for this machine")


def test_a_loader_with_too_many_headers_is_no_loader(app: Path) -> None:
    data = bytearray(loader_of([Part(1, 0, b"x" * 99, 0, writable=True)])[0])
    struct.pack_into("<H", data, 56, 73)
    assert _refusal(app, bytes(data)).endswith(": no loader for this machine")


def test_a_loader_that_begins_outside_of_itself_is_no_loader(app: Path) -> None:
    data = bytearray(loader_of([Part(1, 0, b"x" * 99, 0, writable=True)])[0])
    struct.pack_into("<Q", data, 24, 1 << 30)
    assert _refusal(app, bytes(data)).endswith(": no loader for this machine")


def test_a_loader_that_lies_askew_in_its_pages_is_told(app: Path) -> None:
    data = bytearray(loader_of([Part(1, 0, b"x" * 99, 0, writable=True)])[0])
    struct.pack_into("<Q", data, 64 + 56 * 2 + 16, struct.unpack_from("<Q", data, 64 + 56 * 2 + 16)[0] + 8)
    assert _refusal(app, bytes(data)).endswith(": cannot be opened or mapped")


def _refusal(app: Path, loader: bytes) -> str:
    (app.parent / "loader").write_bytes(loader)
    done = subprocess.run([str(app)], capture_output=True, text=True, check=False)
    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (127, "")
    return line


CHANGES = st.lists(st.tuples(st.integers(0, 64 + 56 * 3 - 1), st.integers(0, 255)), min_size=1, max_size=4)


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(CHANGES)
def test_a_loader_with_damaged_headers_is_refused_in_a_line_or_started(
    app: Path, changes: list[tuple[int, int]]
) -> None:
    """Where the entry point is as it was and nothing is mapped over the code, nothing but its output may be wrong."""
    data = bytearray(loader_of([Part(1, 5, b"x" * 99, 5000, writable=True)])[0])
    kept = {*range(24, 32), *range(64 + 56, 64 + 56 * 2), *range(64 + 56 * 2 + 16, 64 + 56 * 2 + 24)}
    for place, value in changes:
        if place not in kept:
            data[place] = value
    (app.parent / "loader").write_bytes(data)
    done = subprocess.run([str(app)], capture_output=True, check=False)
    refused = (
        done.returncode == 127 and b"cannot start with its loader" in done.stderr and done.stderr.count(b"\n") == 1
    )
    assert done.returncode == 0 or refused, (done.returncode, done.stderr)

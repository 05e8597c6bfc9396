"""What stops files on a newer or another machine, read of what gcc and its linker make."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from bundler.binaries.elf import DynamicEntry, ElfClass, read_image
from bundler.binaries.elf import constants as c
from bundler.binaries.elf.structs import ByteOrder
from bundler.ceiling import NO_CEILING, Ceiling, Demand
from bundler.systems.linux.ceiling import find_ceiling
from bundler.systems.linux.elf_files import ElfFile
from bundler.systems.linux.floor import LibcVersion, find_floor
from tests.binaries.elf.programs import compile_c
from tests.binaries.elf.samples import make_sample
from tests.material.programs import need

WRITES_CODE = 'asm(".pushsection .hot, \\"awx\\"; .byte 0xc3; .popsection");\n'


@pytest.fixture(autouse=True)
def on_x86_64(tmp_path: Path) -> None:
    need("gcc")
    if file_of(tmp_path / "probe.so").image.machine_name != "x86-64":
        pytest.skip("needs a gcc for x86-64")


def file_of(path: Path, *flags: str, text: str = "int f(void) { return 1; }", bundle_path: str = "") -> ElfFile:
    """A library that is linked with `flags`, as a file of a bundle."""
    compile_c(text, path, "-shared", "-fPIC", *flags)
    with path.open("rb") as file:
        return ElfFile(bundle_path or f"lib/{path.name}", str(path), read_image(file))


def test_a_plain_library_asks_for_nothing(tmp_path: Path) -> None:
    assert find_ceiling([file_of(tmp_path / "a.so")], []) == NO_CEILING


def test_a_program_gets_the_stack_that_it_asks_for(tmp_path: Path) -> None:
    compile_c("int main(void) { return 0; }", tmp_path / "prog", "-Wl,-z,execstack")
    with (tmp_path / "prog").open("rb") as file:
        program = ElfFile("bin/prog", str(tmp_path / "prog"), read_image(file))
    assert find_ceiling([program], []) == NO_CEILING
    assert find_ceiling([program], [], (), "bin/prog") == Ceiling(executable_stacks=("bin/prog",)), (
        "but the interpreter"
    )


def test_where_the_loader_looks_at_no_stack_only_the_kernel_does(tmp_path: Path) -> None:
    library = file_of(tmp_path / "a.so", "-Wl,-z,execstack")
    assert find_ceiling([library], [], heeds_stacks=False) == NO_CEILING
    program = file_of(tmp_path / "b.so", "-Wl,-z,execstack", bundle_path="bin/python")
    ceiling = find_ceiling([library, program], [], (), "bin/python", heeds_stacks=False)
    assert ceiling == Ceiling(executable_stacks=("bin/python",))


@pytest.mark.parametrize(
    ("flags", "text", "expected"),
    [
        (("-Wl,-z,execstack",), "", Ceiling(executable_stacks=("lib/a.so",))),
        (("-Wl,-z,notext", "-Wl,-z,now"), "", NO_CEILING),
        ((), WRITES_CODE, Ceiling(writable_code=("lib/a.so",))),
        (("-Wl,-z,x86-64-v2",), "", Ceiling(cpu_level=Demand("x86-64-v2", "lib/a.so"))),
    ],
    ids=["execstack", "notext that needs none", "writable code", "v2"],
)
def test_each_demand_names_its_file(tmp_path: Path, flags: tuple[str, ...], text: str, expected: Ceiling) -> None:
    file = file_of(tmp_path / "a.so", *flags, text=text + "int f(void) { return 1; }")
    assert find_ceiling([file], []) == expected


def test_text_relocations_are_told(tmp_path: Path) -> None:
    text = 'extern int f(void); asm(".text; .globl f; f: movabs $g, %rax; ret; .data; .globl g; g: .long 1");'
    file = file_of(tmp_path / "a.so", "-Wl,-z,notext", text=text)
    assert find_ceiling([file], []) == Ceiling(text_relocations=("lib/a.so",))


@pytest.mark.parametrize("entry", [DynamicEntry(c.DT_TEXTREL, 0), DynamicEntry(c.DT_FLAGS, c.DF_TEXTREL)])
@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("elf_class", ElfClass)
def test_either_tag_tells_of_text_relocations(elf_class: ElfClass, order: ByteOrder, entry: DynamicEntry) -> None:
    data = make_sample(elf_class, order, c.EM_AARCH64, extra=(entry,))
    file = ElfFile("lib/a.so", "", read_image(io.BytesIO(data)))
    assert find_ceiling([file], []) == Ceiling(text_relocations=("lib/a.so",))


def test_the_highest_level_counts_and_the_first_file_of_it(tmp_path: Path) -> None:
    files = [
        file_of(tmp_path / "a.so", "-Wl,-z,x86-64-v2"),
        file_of(tmp_path / "c.so", "-Wl,-z,x86-64-v4"),
        file_of(tmp_path / "b.so", "-Wl,-z,x86-64-v4"),
    ]
    assert find_ceiling(files, []).cpu_level == Demand("x86-64-v4", "lib/b.so")


@pytest.mark.parametrize("folder", ["glibc-hwcaps/x86-64-v3", "haswell"])
def test_copies_that_only_newer_processors_load_ask_for_none(tmp_path: Path, folder: str) -> None:
    file = file_of(tmp_path / "a.so", "-Wl,-z,x86-64-v3", bundle_path=f"lib/{folder}/a.so")
    assert find_ceiling([file], []) == NO_CEILING


def test_a_level_is_read_in_32_bits_too(tmp_path: Path) -> None:
    try:
        file = file_of(tmp_path / "a.so", "-m32", "-nostdlib", "-Wl,-z,x86-64-v3")
    except AssertionError:
        pytest.skip("gcc makes nothing for i386 here (apt-get install gcc-multilib)")
    assert find_ceiling([file], []).cpu_level == Demand("x86-64-v3", "lib/a.so")


def test_a_flag_that_is_cleared_is_not_told_and_a_missing_header_is(tmp_path: Path) -> None:
    marked = file_of(tmp_path / "a.so", "-Wl,-z,execstack")
    assert find_ceiling([marked], [], {"lib/a.so"}) == NO_CEILING
    data = bytearray((tmp_path / "a.so").read_bytes())
    number = next(n for n, segment in enumerate(marked.image.segments) if segment.type == 0x6474E551)
    data[64 + 56 * number : 64 + 56 * number + 4] = bytes(4)  # PT_NULL
    (tmp_path / "b.so").write_bytes(data)
    with (tmp_path / "b.so").open("rb") as file:
        unmarked = ElfFile("lib/b.so", "", read_image(file))
    assert find_ceiling([unmarked], []) == Ceiling(unmarked_stacks=("lib/b.so",))


def test_markers_that_are_known_make_the_floor_and_others_the_ceiling() -> None:
    versions = [
        LibcVersion("lib/a.so", "GLIBC_2.34"),
        LibcVersion("lib/b.so", "GLIBC_ABI_GNU_TLS"),
        LibcVersion("lib/c.so", "GLIBC_ABI_FROM_2031"),
        LibcVersion("lib/d.so", "GLIBC_ABI_FROM_2031"),
        LibcVersion("lib/d.so", "GLIBC_PRIVATE"),
    ]
    floor = find_floor(versions)
    assert floor is not None
    assert (floor.text, floor.file, floor.reason) == ("2.42", "lib/b.so", "GLIBC_ABI_GNU_TLS")
    assert find_ceiling([], versions) == Ceiling(unknown_versions=(Demand("GLIBC_ABI_FROM_2031", "lib/c.so"),))


@pytest.mark.parametrize(
    ("others", "without"),
    [
        pytest.param([("lib/b.so", "GLIBC_2.34"), ("lib/c.so", "GLIBC_2.4")], (2, 34), id="the highest of the others"),
        pytest.param([("lib/a.so", "GLIBC_2.34"), ("lib/b.so", "GLIBC_2.17")], (2, 17), id="whatever else it asks for"),
        pytest.param([("lib/b.so", "GLIBC_2.34"), ("lib/c.so", "GLIBC_2.36")], None, id="another one asks for as much"),
        pytest.param([("lib/a.so", "GLIBC_2.34"), ("lib/b.so", "GLIBC_PRIVATE")], None, id="nothing else asks"),
    ],
)
def test_one_file_alone_may_raise_the_floor(others: list[tuple[str, str]], without: tuple[int, int] | None) -> None:
    floor = find_floor([LibcVersion("lib/a.so", "GLIBC_2.36"), *(LibcVersion(*other) for other in others)])
    assert floor is not None
    assert (floor.release, floor.file, floor.reason) == ((2, 36), "lib/a.so", "GLIBC_2.36")
    assert floor.without == without

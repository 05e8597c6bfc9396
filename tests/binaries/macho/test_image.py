"""What is read of a Mach-O file."""

from __future__ import annotations

import io
import struct
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bundler.binaries.macho import DylibKind, is_macho, read_image
from bundler.binaries.macho import constants as c
from bundler.binaries.macho.structs import ByteOrder
from bundler.errors import BinaryFormatError
from tests.binaries.macho.patching import image_of
from tests.binaries.macho.samples import ALL_FIVE, TEXT, make_fat, make_sample

KINDS: list[tuple[int, ByteOrder]] = [(64, "little"), (64, "big"), (32, "little"), (32, "big")]


@pytest.mark.parametrize(("bits", "byteorder"), KINDS)
def test_every_size_and_byte_order_is_read(bits: int, byteorder: ByteOrder) -> None:
    data = make_sample(bits, byteorder, rpaths=("/one", "@loader_path/two"), room=40)
    [part] = image_of(data).slices
    assert part.install_name == "/opt/lib/libsample.dylib"
    assert [(dylib.kind.value, dylib.name) for dylib in part.dylibs] == list(ALL_FIVE)
    assert [dylib.kind for dylib in part.dylibs] == list(DylibKind)
    assert part.rpaths == ("/one", "@loader_path/two")
    assert part.contents_start - part.commands_end == 40
    assert data[part.contents_start :].startswith(TEXT)
    assert part.signature is None
    assert part.architecture == {
        (64, "little"): "arm64", (64, "big"): "ppc64", (32, "little"): "i386", (32, "big"): "ppc",
    }[bits, byteorder]  # fmt: skip


@pytest.mark.parametrize("magic", [c.FAT_MAGIC, c.FAT_MAGIC_64])
def test_a_fat_file_is_its_slices(magic: int) -> None:
    thin = [make_sample(*kind) for kind in KINDS]
    image = image_of(make_fat(thin, magic))
    assert image.architectures == ("arm64", "ppc64", "i386", "ppc")
    assert [part.size for part in image.slices] == [len(one) for one in thin]
    assert [part.offset % 4096 for part in image.slices] == [0] * 4
    assert image.fat_magic == magic
    assert image.slice_for("ppc") == image.slices[3]
    assert image.slice_for("x86_64") is None


def test_the_minimum_macos_is_read_from_either_command() -> None:
    build = struct.pack("<6I", c.LC_BUILD_VERSION, 24, c.PLATFORM_MACOS, 0x000B0203, 0, 0)
    older = struct.pack("<4I", c.LC_VERSION_MIN_MACOSX, 16, 0x000A0900, 0)
    ios = struct.pack("<6I", c.LC_BUILD_VERSION, 24, 2, 0x000B0203, 0, 0)
    assert image_of(make_sample(extra=[build])).slices[0].minimum_os == (11, 2, 3)
    assert image_of(make_sample(extra=[older])).slices[0].minimum_os == (10, 9, 0)
    assert image_of(make_sample(extra=[ios])).slices[0].minimum_os is None


def test_a_java_class_is_no_macho_file() -> None:
    assert is_macho(make_sample()[:8])
    assert is_macho(make_fat([make_sample()])[:8])
    assert not is_macho(bytes.fromhex("cafebabe00000034"))
    assert not is_macho(b"\x7fELF\2\1\1\0")
    assert not is_macho(b"")
    with pytest.raises(BinaryFormatError, match="52 architectures"):
        image_of(bytes.fromhex("cafebabe00000034") + bytes(100))


@pytest.mark.parametrize("cut", [3, 20, 40, 300, 500])
def test_a_truncated_file_is_said_to_be_one(cut: int) -> None:
    with pytest.raises(BinaryFormatError):
        image_of(make_sample()[:cut])


@settings(max_examples=300)
@given(st.data())
def test_damage_is_an_error_and_nothing_worse(data: st.DataObject) -> None:
    bits, byteorder = data.draw(st.sampled_from(KINDS))
    sample = make_sample(bits, byteorder)
    broken = bytearray(make_fat([sample]) if data.draw(st.booleans()) else sample)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(broken) - 1) if data.draw(st.booleans()) else st.integers(0, 900))
        broken[place] = data.draw(st.integers(0, 255))
    try:
        image = read_image(io.BytesIO(broken))
    except BinaryFormatError:
        return
    for part in image.slices:
        assert part.offset + part.size <= len(broken)
        assert part.commands_end <= part.size


def changed(data: bytes, offset: int, layout: str, *numbers: int) -> bytes:
    new = bytearray(data)
    struct.pack_into(layout, new, offset, *numbers)
    return bytes(new)


def test_a_fat_header_that_contradicts_its_slices_is_refused() -> None:
    fat = make_fat([make_sample(), make_sample(32)])
    with pytest.raises(BinaryFormatError, match="different processors"):
        image_of(changed(fat, 8, ">I", c.CPU_X86_64))
    with pytest.raises(BinaryFormatError, match="overlaps"):
        image_of(changed(fat, 28, ">5I", c.CPU_ARM64, 0, 4096, len(make_sample()), 12))
    with pytest.raises(BinaryFormatError, match="leaves the file"):
        image_of(changed(fat, 20, ">I", len(fat)))


def test_load_commands_fill_the_size_that_the_header_gives() -> None:
    data = make_sample()
    size = struct.unpack_from("<I", data, 20)[0]
    with pytest.raises(BinaryFormatError, match=f"the header says {size + 8}"):
        image_of(changed(data, 20, "<I", size + 8))


def test_contents_start_where_the_first_bytes_of_any_segment_do() -> None:
    [part] = image_of(make_sample(room=64)).slices
    text, linkedit = part.segments
    nothing = replace(text.sections[0], offset=8, flags=0x1)  # S_ZEROFILL: no bytes in the file
    assert replace(part, segments=(replace(text, sections=(nothing,)), linkedit)).contents_start == linkedit.fileoff
    assert replace(part, segments=(replace(text, sections=()), linkedit)).contents_start == linkedit.fileoff

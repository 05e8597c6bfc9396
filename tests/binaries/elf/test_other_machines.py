"""Every class and byte order is read and patched, and pyelftools agrees."""

from __future__ import annotations

import io
import struct
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

from bundler.audit.readers.asked import asked_of
from bundler.audit.readers.comparison import unasked
from bundler.binaries.elf import Edits, ElfClass, Tier, plan_patch, read_image
from bundler.binaries.elf import constants as c
from bundler.binaries.elf.image import read_header
from bundler.binaries.elf.structs import ByteOrder, DynamicEntry, structures
from tests.binaries.elf.samples import make_sample
from tests.material.elf_fixtures import SETS, Set

KINDS = [(elf_class, order) for elf_class in ElfClass for order in ("little", "big")]
LONG = "$ORIGIN/" + "a/longer/way/" * 20


def section(peer: ELFFile, name: str) -> Any:
    found = peer.get_section_by_name(name)
    assert found is not None
    return found


def patched(data: bytes, edits: Edits) -> tuple[bytes, Tier]:
    file = io.BytesIO(data)
    plan = plan_patch(file, read_image(file), edits)
    assert plan is not None
    return b"".join(plan.patch.read(file)), plan.tier


@pytest.mark.parametrize(("elf_class", "order"), KINDS)
def test_an_image_is_what_pyelftools_reads(elf_class: ElfClass, order: ByteOrder) -> None:
    data = make_sample(elf_class, order)
    image = read_image(io.BytesIO(data))
    peer = ELFFile(io.BytesIO(data))
    assert (image.elf_class.bits, image.byteorder == "little") == (peer.elfclass, peer.little_endian)
    assert [segment.vaddr for segment in image.segments] == [segment["p_vaddr"] for segment in peer.iter_segments()]
    assert [segment.flags for segment in image.segments] == [segment["p_flags"] for segment in peer.iter_segments()]
    assert (image.needed, image.soname, image.runpath) == (("libinner.so.1",), "libsample.so", "$ORIGIN/old/place")
    assert image.dynamic is not None
    tags = [(tag["d_val"]) for tag in section(peer, ".dynamic").iter_tags()][: len(image.dynamic)]
    assert [entry.value for entry in image.dynamic] == tags


@pytest.mark.parametrize(("elf_class", "order"), KINDS)
@pytest.mark.parametrize(("machine", "tier"), [(c.EM_X86_64, Tier.T2), (c.EM_AARCH64, Tier.T2), (c.EM_MIPS, Tier.T2)])
def test_a_search_path_grows_behind_the_zeros(elf_class: ElfClass, order: ByteOrder, machine: int, tier: Tier) -> None:
    new, used = patched(make_sample(elf_class, order, machine), Edits(LONG))
    assert used is tier
    peer = ELFFile(io.BytesIO(new))
    tags = list(section(peer, ".dynamic").iter_tags())
    assert [tag.rpath for tag in tags if tag.entry.d_tag == "DT_RPATH"] == [LONG]
    assert [tag.needed for tag in tags if tag.entry.d_tag == "DT_NEEDED"] == ["libinner.so.1"]
    assert [symbol.name for symbol in section(peer, ".dynsym").iter_symbols()] == ["", "which"]
    assert b"old/place" not in new


@pytest.mark.parametrize("machine", SETS, ids=str)
def test_contents_beyond_the_size_in_memory_are_not_written_over(machine: Set) -> None:
    """Found by the second reader: a last segment with more bytes in the file than in memory was cut to the latter."""
    data = bytearray((machine.folder / "libwhich.so").read_bytes())
    image = read_image(io.BytesIO(bytes(data)))
    number = max(n for n, segment in enumerate(image.segments) if segment.type == c.PT_LOAD)
    layout = image.structures.segment
    start = read_header(io.BytesIO(bytes(data)))[1].phoff + number * layout.size
    filesz = image.segments[number].filesz
    data[start : start + layout.size] = layout.pack(image.segments[number]._replace(memsz=filesz - 8))
    edits = Edits(LONG)
    new, _ = patched(bytes(data), edits)
    assert unasked(io.BytesIO(bytes(data)), io.BytesIO(new), asked_of(edits)) == ()


@pytest.mark.parametrize(("elf_class", "order"), KINDS)
def test_a_search_path_shrinks_in_place(elf_class: ElfClass, order: ByteOrder) -> None:
    old = make_sample(elf_class, order)
    new, used = patched(old, Edits("$ORIGIN"))
    assert (used, len(new)) == (Tier.T0, len(old))
    assert read_image(io.BytesIO(new)).rpath == "$ORIGIN"


@pytest.mark.parametrize(("elf_class", "order"), KINDS)
def test_a_tag_that_counts_from_its_own_place_follows_it(elf_class: ElfClass, order: ByteOrder) -> None:
    target = 0x4567
    size = structures(elf_class, order).dynamic.size
    entry = DynamicEntry(c.DT_MIPS_RLD_MAP_REL, 0)
    plain = read_image(io.BytesIO(make_sample(elf_class, order, c.EM_MIPS, 0, (entry,))))
    dynamic = next(segment for segment in plain.segments if segment.type == c.PT_DYNAMIC)
    value = (target - (dynamic.vaddr + 7 * size)) % (1 << elf_class.bits)
    data = make_sample(elf_class, order, c.EM_MIPS, 0, (DynamicEntry(c.DT_MIPS_RLD_MAP_REL, value),))
    for edits in (Edits(None), Edits("$ORIGIN/x", {"libinner.so.1": "a-much-longer-name.so"})):
        new, _ = patched(data, edits)
        image = read_image(io.BytesIO(new))
        assert image.dynamic is not None
        place = next(segment for segment in image.segments if segment.type == c.PT_DYNAMIC)
        number = next(n for n, entry in enumerate(image.dynamic) if entry.tag == c.DT_MIPS_RLD_MAP_REL)
        found = place.vaddr + number * size + image.dynamic[number].value
        assert found % (1 << elf_class.bits) == target


@pytest.mark.parametrize(("elf_class", "order"), KINDS)
def test_structures_have_the_sizes_of_the_specification(elf_class: ElfClass, order: ByteOrder) -> None:
    layouts = structures(elf_class, order)
    wide = elf_class is ElfClass.ELF64
    assert 16 + layouts.header.size == (64 if wide else 52)
    assert layouts.segment.size == (56 if wide else 32)
    assert layouts.section.size == (64 if wide else 40)
    assert layouts.dynamic.size == (16 if wide else 8)
    assert layouts.symbol.size == (24 if wide else 16)
    assert (layouts.verneed.size, layouts.vernaux.size) == (16, 16)
    assert (layouts.verdef.size, layouts.verdaux.size) == (20, 8)
    mark = ">" if order == "big" else "<"
    packed = layouts.dynamic.pack(DynamicEntry(c.DT_RPATH, 7))
    assert packed == struct.pack(mark + ("qQ" if wide else "iI"), 15, 7)
    assert layouts.symbol.only("value").unpack(bytes(layouts.symbol.size)) == (0,)

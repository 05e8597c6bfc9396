"""Whatever a file holds: a result with what was wished, or an error that says why not; soon, and in little memory."""

from __future__ import annotations

import functools
import io
import os
import tempfile
from typing import BinaryIO

import pytest
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from hypothesis import strategies as st

from bundler.audit.readers.comparison import Asked, unasked
from bundler.binaries.elf import Edits, ElfClass, Image, PatchPlan, PathTag, plan_patch, read_image, version_needs
from bundler.binaries.elf.encoded_edits import encode
from bundler.binaries.elf.structs import ByteOrder
from tests.binaries.elf.damage import Damage, Kind, damaged, fields
from tests.binaries.elf.samples import make_sample
from tests.fuzzing.tries import done_or_refused, fuzz, peak_of
from tests.material.elf_fixtures import SETS, set_of

ORDERS: tuple[ByteOrder, ...] = ("little", "big")
LONG = "$ORIGIN/" + "p" * 400
EDITS = (
    Edits(None),
    Edits("$ORIGIN"),
    Edits(LONG),
    Edits(LONG, path_tag=PathTag.RUNPATH),
    Edits(added=["liba.so", "libb.so"]),
    Edits(added=[f"lib{number}.so" for number in range(12)]),
    Edits(removed=["libextra.so", "libinner.so", "libinner.so.1"]),
    Edits(removed=["libwhich.so", "libc.so.6"]),
    Edits(needed={"libwhich.so": "lib" + "n" * 60, "libinner.so": "lib" + "m" * 60}),
    Edits(soname="libother.so"),
    Edits(interpreter="/lib/" + "l" * 80),
    Edits(interpreter="/l"),
    Edits(unversioned=["extra"]),
    Edits(own_loader="../lib/ld.so"),
    Edits(LONG, own_loader="./" * 1800 + "ld.so"),
    Edits(own_loader=None),
    Edits(LONG, own_loader="../lib/ld.so", host_floor=(2, 36), own_rpath=LONG + ":"),
    Edits(LONG, {"libwhich.so": "l"}, PathTag.RPATH, ["libx.so"], ["libextra.so"], "s" * 90, "/" + "i" * 99, ["which"]),
)
DAMAGES = st.lists(
    st.builds(Damage, st.sampled_from(Kind), st.integers(0, 1 << 16), st.integers(0, 1 << 12)), min_size=1, max_size=4
)


@functools.cache
def files() -> tuple[bytes, ...]:
    """The fixtures of all machines, and a sample of every class and byte order."""
    samples = [make_sample(elf_class, order) for elf_class in ElfClass for order in ORDERS]
    fixtures = [file.read_bytes() for each in SETS for file in [*each.libraries(), *each.programs()]]
    return (*samples, *fixtures, *with_stubs())


@functools.cache
def with_stubs() -> tuple[bytes, ...]:
    """Programs that have an entry stub: in page slack, and in a segment of its own."""
    found = []
    for path in [*set_of("x86_64").programs(), *set_of("aarch64-4k").programs()]:
        data = path.read_bytes()
        file = io.BytesIO(data)
        for loader in ("ld.so", "./" * 1800 + "ld.so"):
            plan = plan_patch(file, read_image(file), Edits(own_loader=loader))
            assert plan is not None
            found.append(plan.patch.apply(data))
    return tuple(found)


STUBBED = st.integers(0, 1 << 10).map(lambda number: with_stubs()[number % len(with_stubs())])
FILES = st.integers(0, 1 << 10).map(lambda number: files()[number % len(files())])


def read_by_pyelftools(file: BinaryIO) -> bool:
    """Whether pyelftools can read its headers and all tags."""
    try:
        elf = ELFFile(file)
        for segment in elf.iter_segments():
            if isinstance(segment, DynamicSegment):
                list(segment.iter_tags())
        return elf.num_sections() >= 0
    except Exception:
        return False


def survive(data: bytes, edits: Edits) -> bool:
    """Patch a file; whether it could be done. Any other error than those two, or a wrong result, is a bug."""
    file = io.BytesIO(data)

    def work() -> tuple[Image, PatchPlan | None]:
        image = read_image(file)
        version_needs(file, image)
        return image, plan_patch(file, image, edits)

    done = done_or_refused(work)
    if done is None:
        return False
    image, plan = done
    if plan is None:
        return True
    new = plan.patch.open(file)
    result, wanted = read_image(new), encode(edits)
    assert [os.fsencode(name) for name in result.needed] == wanted.needed(map(os.fsencode, image.needed))
    if wanted.rpath is None or isinstance(wanted.rpath, bytes):
        path = None if wanted.rpath is None else wanted.rpath.decode()
        rpath = edits.path_tag is PathTag.RPATH
        assert (result.rpath, result.runpath) == ((path, None) if rpath else (None, path))
    shorter = plan.patch.size < len(
        data
    )  # without a stub's segment: a damaged table may run over the end, as it should
    assert shorter or not read_by_pyelftools(io.BytesIO(data)) or read_by_pyelftools(new)
    assert plan_patch(new, result, edits) is None
    return True


EDITED = {"original": FILES, "damages": DAMAGES, "edits": st.sampled_from(EDITS)}


@fuzz(1500, **EDITED)
def test_a_damaged_file_is_patched_or_refused(original: bytes, damages: list[Damage], edits: Edits) -> None:
    survive(damaged(original, damages), edits)


@fuzz(1200, original=STUBBED, damages=DAMAGES, edits=st.sampled_from(EDITS))
def test_a_damaged_program_with_a_stub_is_patched_or_refused(
    original: bytes, damages: list[Damage], edits: Edits
) -> None:
    survive(damaged(original, damages), edits)


@fuzz(300, original=STUBBED, damages=DAMAGES)
def test_damage_to_a_program_with_a_stub_is_a_difference(original: bytes, damages: list[Damage]) -> None:
    """Each damage that changes a byte is told, and none raises; but for what the loader never reads, and nobody compares."""
    data = damaged(original, damages)
    found = unasked(io.BytesIO(original), io.BytesIO(data), Asked())
    assert bool(found) == (data != original)


@pytest.mark.everything
@fuzz(12000, **EDITED)
def test_many_damaged_files_are_patched_or_refused(original: bytes, damages: list[Damage], edits: Edits) -> None:
    survive(damaged(original, damages), edits)


@fuzz(400, **EDITED)
def test_a_damaged_file_takes_no_more_memory_than_a_few_times_its_size(
    original: bytes, damages: list[Damage], edits: Edits
) -> None:
    """On a disk: there, a buffer for all that a wrong length asks for is made before anything is read.

    A table of headers has at most 65535 entries of 64 bytes.
    """
    with tempfile.TemporaryFile() as file:
        file.write(damaged(original, damages))
        peak = peak_of(lambda: plan_patch(file, read_image(file), edits))
    assert peak < 16 * len(original) + 65535 * 64 + (1 << 18)


@pytest.mark.parametrize("edits", EDITS, ids=lambda edits: str(EDITS.index(edits)))
def test_every_undamaged_file_is_patched_or_refused(edits: Edits) -> None:
    done = [survive(data, edits) for data in files()]
    assert any(done)


def test_every_field_can_be_damaged() -> None:
    """Each byte of the headers is in some field, so that damage reaches it."""
    data = make_sample(ElfClass.ELF32, "big")
    covered = {at for field in fields(data) for at in range(field.offset, field.offset + 2)}
    assert {16, 18, 28, 32, 42, 44, 46, 48, 50} <= covered

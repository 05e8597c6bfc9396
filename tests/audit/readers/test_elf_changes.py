"""A file that the patcher made differs from its source in what was asked for, and in nothing else."""

from __future__ import annotations

import functools
import io
import sys
import sysconfig
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bundler.audit.readers.comparison import PACKED, Asked, asked_of, unasked
from bundler.audit.readers.elf.reading import read_elf
from bundler.audit.readers.elf.shift import shift_of
from bundler.binaries.elf import Edits, ElfClass, Tier, is_elf, plan_patch, read_image
from bundler.binaries.elf.structs import ByteOrder
from bundler.errors import CannotPatch
from tests.audit.readers.changed import (
    EDITS,
    LONG,
    ORDERS,
    VERSION_EDITS,
    Changed,
    change,
    changes,
    changes_in_a_new_segment,
    changes_with_another_section,
    files,
    told,
)
from tests.audit.readers.test_elf_agreement import without_sections
from tests.binaries.elf.linked import Link, library, program
from tests.binaries.elf.programs import LAYOUTS, make_program
from tests.material.elf_fixtures import SETS
from tests.material.wheels import unpack

NAMES = st.sampled_from(["libwhich.so", "libextra.so", "libinner.so", "libc.so.6", "libinner.so.1"])
PATHS = st.none() | st.text("abc/.$:", max_size=300)


@functools.cache
def cases() -> list[Changed]:
    """Every file with all edits of the lists."""
    return [*changes(), *changes(VERSION_EDITS)]


def test_nothing_else_differs_in_any_fixture_and_any_tier_but_the_last() -> None:
    assert [message for each in cases() for message in told(each)] == []
    tiers = Counter(each.tier for each in cases())
    assert min(tiers[tier] for tier in (Tier.T0, Tier.T1, Tier.T2)) > 20


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("elf_class", ElfClass)
def test_nothing_else_differs_with_a_new_segment(elf_class: ElfClass, order: ByteOrder) -> None:
    assert told(changes_in_a_new_segment(elf_class, order)) == []


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("elf_class", ElfClass)
def test_nothing_else_differs_with_another_section(elf_class: ElfClass, order: ByteOrder) -> None:
    assert told(changes_with_another_section(elf_class, order)) == []


@pytest.mark.parametrize("machine", SETS, ids=str)
def test_nothing_else_differs_in_a_program_whose_new_segment_lies_far_behind(machine: object) -> None:
    each = next(one for one in SETS if one is machine)
    with (each.folder / "large").open("rb") as file:
        plan = plan_patch(file, read_image(file), Edits(LONG))
        assert plan is not None
        assert plan.tier is Tier.T3
        with (each.folder / "large").open("rb") as source:
            assert unasked(source, plan.patch.open(file), asked_of(Edits(LONG))) == ()


def test_nothing_else_differs_without_section_headers() -> None:
    found = [change(without_sections(data), each) for data in files() for each in (*EDITS, *VERSION_EDITS)]
    assert [message for each in found if each for message in told(each)] == []
    assert sum(each is not None for each in found) > 300


@pytest.mark.parametrize("layout", LAYOUTS)
def test_nothing_else_differs_in_what_linkers_of_this_machine_make(layout: str, tmp_path: Path) -> None:
    data = make_program(tmp_path, *LAYOUTS[layout]).read_bytes()
    found = [change(data, each) for each in (*EDITS, *VERSION_EDITS)]
    assert [message for each in found if each for message in told(each)] == []


def test_edits_done_again_and_again_differ_from_the_file_before_in_nothing_else() -> None:
    for data in files():
        for number, path in enumerate((LONG, "$ORIGIN", LONG + LONG, LONG + "/x", None, LONG)):
            found = change(data, Edits(path, added=[f"lib{number}.so"]))
            if found is not None:
                assert told(found) == []
                data = found.data  # noqa: PLW2901


@settings(max_examples=150, deadline=None, suppress_health_check=[*HealthCheck])
@given(
    st.integers(0, 1 << 10),
    st.builds(
        Edits,
        PATHS,
        st.dictionaries(NAMES, st.text("nm.", min_size=1, max_size=40), max_size=2),
        added=st.lists(st.text("ab", min_size=1, max_size=9), max_size=3),
        removed=st.lists(NAMES, max_size=1),
        soname=st.text("s", min_size=1, max_size=30),
    ),
)
def test_nothing_else_differs_whatever_is_asked(number: int, edits: Edits) -> None:
    found = change(files()[number % len(files())], edits)
    if found is not None:
        assert told(found) == []


@pytest.mark.parametrize(
    "link", [Link(linker, relr=linker == "bfd") for linker in ("bfd", "gold", "lld", "mold")], ids=str
)
def test_nothing_else_differs_with_packed_relocations(link: Link) -> None:
    for data in (program(link), library(link)):
        found = [change(data, each) for each in EDITS]
        assert [message for each in found if each for message in told(each)] == []


def modules() -> Iterator[Path]:
    """This Python, its library and its extension modules."""
    yield Path(sys.executable).resolve()
    for folder, pattern in (
        (sysconfig.get_config_var("LIBDIR"), "libpython*.so.*"),
        (sysconfig.get_config_var("DESTSHARED"), "*.so"),
    ):
        yield from sorted(Path(folder or "/nowhere").glob(pattern))


def test_nothing_else_differs_in_this_python() -> None:
    done = 0
    for path in modules():
        with path.open("rb") as file, path.open("rb") as source:
            if not is_elf(file.read(4)):
                continue
            for edits in (Edits("$ORIGIN/../.."), Edits("$ORIGIN/" + "../" * 60 + "lib")):
                plan = plan_patch(file, read_image(file), edits)
                if plan is not None:
                    new = plan.patch.open(file)
                    assert unasked(source, new, asked_of(edits)) == (), path
                    assert unasked(source, new, PACKED) == (), path
                    done += 1
    assert done


@pytest.mark.everything
@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("requirement", ["numpy==2.4.6", "pillow==13.0.0", "scipy==1.17.1", "pyzmq==27.3.0"])
def test_nothing_else_differs_in_wheels(requirement: str, machine: str, tmp_path: Path) -> None:
    """Their libraries were patched before, by auditwheel."""
    folder = unpack(requirement, f"manylinux_2_28_{machine}", tmp_path, f"{sys.version_info[0]}.{sys.version_info[1]}")
    done = 0
    for path in sorted(folder.rglob("*.so*")):
        with path.open("rb") as file, path.open("rb") as source:
            for edits in (Edits("$ORIGIN"), Edits("$ORIGIN/" + "../" * 60), Edits(LONG, {"libc.so.6": "libc.so.7"})):
                try:
                    plan = plan_patch(file, read_image(file), edits)
                except CannotPatch:
                    continue
                if plan is not None:
                    assert unasked(source, plan.patch.open(file), asked_of(edits)) == (), path
                    done += 1
    assert done > 5


@settings(deadline=None)
@given(st.integers(0, 1 << 12), st.integers(0, 1 << 12), st.integers(0, 1 << 20))
def test_a_shift_and_its_origin_are_inverse(start: int, length: int, number: int) -> None:
    found = cases()
    each = found[number % len(found)]
    shift = shift_of(read_elf(io.BytesIO(each.source), sections=True), each.facts)
    assert shift is not None
    low = start % len(each.source)
    range_ = (low, min(low + length, len(each.source)))
    back = [one for image in shift.image(range_) for one in shift.origin(image)]
    assert sum(high - low for low, high in back) == range_[1] - range_[0]
    assert (
        min((low for low, _ in back), default=range_[0]),
        max((high for _, high in back), default=range_[1]),
    ) == range_
    assert [shift(low) for low, _ in back] == [low for low, _ in shift.image(range_)]


def test_a_pack_that_does_not_know_its_edits_allows_other_names_and_no_fewer() -> None:
    for each in cases():
        renamed = each.asked.renamed or each.asked.search_path is not False
        if renamed and not each.asked.added and not each.asked.loses_versions:
            assert told(each, asked=PACKED) == []


def test_what_was_not_asked_for_is_told() -> None:
    """The same outcomes, where nothing was asked for at all."""
    silent = [each for each in cases() if not told(each, asked=Asked())]
    assert all(_says_the_same(each) for each in silent)
    assert len(silent) < len(cases()) / 10


def _says_the_same(each: Changed) -> bool:
    """Whether the loader reads the same of both: a search path was rewritten as it was."""
    one, other = read_elf(io.BytesIO(each.source)), each.facts
    return (one.names, one.interpreter, one.needs) == (other.names, other.interpreter, other.needs)

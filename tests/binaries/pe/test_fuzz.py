"""Whatever a file holds: a result with what was wished, or an error that says why not; soon, and in little memory."""

from __future__ import annotations

import io

import pytest
from hypothesis import strategies as st

from bundler.binaries.pe import Edits, Image, PatchPlan, plan_patch, read_image
from bundler.binaries.pe import constants as c
from bundler.binaries.pe.description import describe
from bundler.binaries.pe.edits import Renaming
from tests.binaries.pe.shapes import bound, fixtures, image_of, signed, with_load_config, without_slack
from tests.fuzzing.tries import done_or_refused, fuzz, peak_of

LONG = "other-0123456789abcdef0123456789abcdef.dll"
EDITS = (
    Edits({"which.dll": "w.dll", "inner.dll": "i.dll"}),
    Edits({"which.dll": LONG, "inner.dll": LONG}),
    Edits({"extra.dll": LONG, "kernel32.dll": "k" * 200 + ".dll"}),
)
Damage = tuple[int, int, bytes]
"""The number of a field, how many bytes behind its beginning, and the bytes that are written there."""
NUMBERS = st.sampled_from([0, 1, 0x7F, 0xFF, 0x1000, 0x1010, 0x2000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
BYTES = st.one_of(st.binary(min_size=1, max_size=8), NUMBERS.map(lambda number: number.to_bytes(4, "little")))
DAMAGES = st.lists(st.tuples(st.integers(0, 1 << 12), st.integers(0, 7), BYTES), min_size=1, max_size=4)


def files() -> list[bytes]:
    """The fixtures, and some in other shapes."""
    found = [*fixtures()]
    for data in fixtures()[::4]:  # the programs
        found += [signed(data), bound(data), without_slack(data), with_load_config(data), without_slack(signed(data))]
    return found


FILES = files()


def fields(data: bytes) -> list[int]:
    """Offsets of what the reader looks at: each four bytes of the headers, of descriptors and of the export directory."""
    image = image_of(data)
    headers = image.headers
    found = [60, *range(headers.pe_offset, headers.section_table_end, 4)]
    for dll in image.imports:
        found += range(dll.offset, dll.offset + 32, 4)
        found.append(headers.place(dll.name_address, "a name")[0])
    if image.exports is not None:
        found += range(image.exports.offset, image.exports.offset + 40, 4)
        found += [headers.place(address, "a table")[0] for address in image.exports.directory[8:]]
        found += [headers.place(each.address, "a forwarder")[0] for each in image.exports.forwarders]
    if headers.directory(c.LOAD_CONFIG).address:
        found.append(headers.place(headers.directory(c.LOAD_CONFIG).address, "the load config")[0])
    return found


def damaged(data: bytes, damages: list[Damage]) -> bytes:
    places = fields(data)
    for number, behind, new in damages:
        at = places[number % len(places)] + behind
        data = data[:at] + new + data[at + len(new) :]
        if behind == 7 and len(new) == 1:  # cut off
            data = data[: 64 + number]
    return data


def survive(data: bytes, edits: Edits) -> bool:
    """Patch a file; whether it could be done. Any other error than those two, or a wrong result, is a bug."""
    file = io.BytesIO(data)

    def work() -> tuple[Image, PatchPlan | None]:
        image = read_image(file)
        describe(file, image)
        return image, plan_patch(file, image, edits)

    done = done_or_refused(work)
    if done is None:
        return False
    image, plan = done
    if plan is None:
        return True
    new = plan.patch.open(file)
    result, renaming = read_image(new), Renaming(edits)
    assert [dll.name for dll in result.imports] == [renaming.of_dll(dll.name) for dll in image.imports]
    assert plan_patch(new, result, edits) is None
    return True


EDITED = {"original": st.sampled_from(FILES), "damages": DAMAGES, "edits": st.sampled_from(EDITS)}


@fuzz(400, **EDITED)
def test_a_damaged_file_is_patched_or_refused(original: bytes, damages: list[Damage], edits: Edits) -> None:
    survive(damaged(original, damages), edits)


@pytest.mark.everything
@fuzz(6000, **EDITED)
def test_many_damaged_files_are_patched_or_refused(original: bytes, damages: list[Damage], edits: Edits) -> None:
    survive(damaged(original, damages), edits)


@fuzz(100, **EDITED)
def test_a_damaged_file_takes_no_more_memory_than_a_few_times_its_size(
    original: bytes, damages: list[Damage], edits: Edits
) -> None:
    data = damaged(original, damages)

    def work() -> None:
        file = io.BytesIO(data)
        plan_patch(file, read_image(file), edits)

    peak = peak_of(work)
    assert peak < 64 * len(original) + (1 << 19)


@pytest.mark.parametrize("edits", EDITS, ids=lambda edits: str(EDITS.index(edits)))
def test_every_undamaged_file_is_patched_or_refused(edits: Edits) -> None:
    assert all(survive(data, edits) for data in FILES)

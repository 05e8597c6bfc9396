"""Patches of PE files, judged by everybody at hand: our reader, pefile and LIEF."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import lief
import pefile

from bundler.audit.readers.comparison import asked_of, disagreements, unasked
from bundler.binaries.pe import Edits, PatchPlan, plan_patch, read_image
from bundler.binaries.pe.edits import folded


def plan(data: bytes, names: Mapping[str, str]) -> PatchPlan | None:
    file = io.BytesIO(data)
    return plan_patch(file, read_image(file), Edits(names))


def patch(data: bytes, names: Mapping[str, str]) -> bytes:
    """The patched file, which everybody at hand reads as it was wished, and which differs in nothing else."""
    found = plan(data, names)
    assert found is not None
    new = found.patch.apply(data)
    judge(data, new, names)
    return new


def judge(data: bytes, new: bytes, names: Mapping[str, str]) -> None:
    file = io.BytesIO(new)
    image = read_image(file)
    said = [*disagreements(image, file), *unasked(io.BytesIO(data), io.BytesIO(new), asked_of(Edits(names)))]
    assert [difference.message for difference in said] == []
    wanted = {folded(old): name for old, name in names.items()}
    needed = [wanted.get(folded(name), name) for name in read_image(io.BytesIO(data)).needed]
    assert list(image.needed) == needed == by_lief(new)
    assert warnings(new) == warnings(data)
    assert plan(new, names) is None


def warnings(data: bytes) -> list[str]:
    """What pefile has to say of a file."""
    pe = pefile.PE(data=data, fast_load=True)
    pe.parse_data_directories([0, 1, 2, 10, 11, 13])
    return [str(each) for each in pe.get_warnings()]


def by_lief(data: bytes) -> list[str]:
    found: Any = lief.PE.parse(io.BytesIO(data))
    assert found is not None
    return [str(each.name) for each in found.imports]

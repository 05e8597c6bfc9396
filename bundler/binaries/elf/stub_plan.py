"""Edits of a program that has an entry stub, or shall have one: the stub is taken out, the rest is done, and it is put in again.

So all other edits see the file without it, and doing everything twice is doing it once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import BinaryIO

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.edits import PatchPlan, Tier, Unchanged
from bundler.binaries.elf.encoded_edits import EncodedEdits
from bundler.binaries.elf.image import Image, read_image
from bundler.binaries.elf.parsed_file import parse_file
from bundler.binaries.elf.stub_layout import plan_stub, without_stub
from bundler.binaries.elf.stubs import Stub, WantedStub, stub_for, stub_machines
from bundler.binaries.patch import Literal, Patch, Range, Zeros, compose
from bundler.binaries.reading import in_memory, read_at
from bundler.errors import CannotPatch, NotDynamic
from bundler.machine import os

_CHUNK = 1 << 20
_MOST_HEADERS = 64  # the stub has room for 72

Planner = Callable[[BinaryIO, Image, EncodedEdits], "PatchPlan | None"]


def plan_with_stub(file: BinaryIO, image: Image, wanted: EncodedEdits, plan_rest: Planner) -> PatchPlan | None:
    """The patch that does all of `wanted`, what has nothing to do with the stub by `plan_rest`; None for no change.

    Raises what `plan_rest` does; NotDynamic and CannotPatch where the program cannot have a stub.
    """
    file = in_memory(file)
    loader, finds_itself = wanted.own_loader, wanted.finds_itself
    if isinstance(loader, Unchanged):
        loader = None if image.own_loader is None else os.fsencode(image.own_loader)
    floor = wanted.host_floor
    if isinstance(floor, Unchanged):
        floor = image.stub.parameters.floor if image.stub is not None else 0
    if isinstance(finds_itself, Unchanged):
        finds_itself = image.finds_itself
    patch = without_stub(file, image)
    bare = patch.open(file)
    bare_image = read_image(bare)
    if _names(bare_image) != _names(image):
        raise CannotPatch("the entry stub cannot be taken out: the program's names would not be what they were")
    plans = [plan_rest(bare, bare_image, wanted)]
    if plans[0] is not None:
        patch = compose(patch, plans[0].patch)
    if loader is not None or finds_itself:
        floor = 0 if loader is None else floor or 0
        found = _plan_stub(patch.open(file), loader, floor, finds_itself=finds_itself)
        patch = compose(patch, found.patch)
        plans.append(found)
    if _is_same(file, image.size, patch):
        return None
    done = [plan for plan in plans if plan is not None]
    if not done:
        return PatchPlan(patch, Tier.T0, "the entry stub taken out: the program starts as it was linked")
    return replace(
        done[0],
        patch=patch,
        tier=max((plan.tier for plan in done), key=list(Tier).index),
        explanation="; ".join(plan.explanation for plan in done),
        reasons=tuple(reason for plan in done for reason in plan.reasons),
    )


def _names(image: Image) -> tuple[object, ...]:
    """What the loader reads of a file by name, which no stub changes."""
    return image.dynamic, image.interpreter, image.needed, image.soname, image.rpath, image.runpath


def _plan_stub(file: BinaryIO, loader: bytes | None, floor: int, *, finds_itself: bool) -> PatchPlan:
    from bundler.binaries.elf.stub_invariants import check_stub

    image = read_image(file)
    wanted = WantedStub(_stub_of(image, chooses=bool(floor)), loader, finds_itself, floor)
    if loader is not None:
        _check_headers(image)
    if image.own_rpath is not None:
        _check_second_path(image, wanted)
    parsed = parse_file(file, image)
    plan = plan_stub(parsed, wanted)
    check_stub(parsed, wanted, plan)
    return plan


def _stub_of(image: Image, *, chooses: bool) -> Stub:
    """The stub for a program that can have one."""
    if image.interpreter is None:
        raise NotDynamic(
            "the file names no loader (it has no PT_INTERP), and cannot be given one of its own: it is a library, or a static "
            "program"
        )
    stub = stub_for(image.machine, image.elf_class, image.byteorder, chooses=chooses)
    if stub is None:
        raise CannotPatch(
            f"there is no entry stub for {image.elf_class.bits}-bit {image.machine_name} programs; there are for "
            f"{', '.join(stub_machines())}"
        )
    return stub


def _check_headers(image: Image) -> None:
    """Raise CannotPatch where the program headers are none that a stub can hand on to a loader."""
    types = [segment.type for segment in image.segments]
    if len(types) > _MOST_HEADERS:
        raise CannotPatch(f"the entry stub takes up to {_MOST_HEADERS} program headers; the file has {len(types)}")
    if types.count(c.PT_INTERP) != 1 or c.PT_SET_ASIDE in types:
        raise CannotPatch(
            f"the file has {types.count(c.PT_INTERP)} PT_INTERP headers and others of their kind, not one"
        )
    if c.PT_PHDR in types[types.index(c.PT_INTERP) :] or (image.type == c.ET_DYN and c.PT_PHDR not in types):
        raise CannotPatch("the file has no PT_PHDR in front of PT_INTERP, by which the loader finds its load address")


def _are_zeros(file: BinaryIO, start: int, length: int) -> bool:
    """Whether a range holds zeros alone: there may be gigabytes of them."""
    places = range(start, start + length, _CHUNK)
    parts = (read_at(file, at, min(_CHUNK, start + length - at), "what is overwritten") for at in places)
    return all(part.count(0) == len(part) for part in parts)


def _check_second_path(image: Image, wanted: WantedStub) -> None:
    """A second search path is of use where the stub chooses, and can put it in the first one's place."""
    if not wanted.floor:
        raise CannotPatch("the file has a second search path, and a loader of its own that is not chosen at the start")
    if image.runpath is not None:
        raise CannotPatch("the file has a DT_RUNPATH, which would count in place of its second search path", "--rpath")
    place = next(segment for segment in image.segments if segment.type == c.PT_DYNAMIC)
    written = (s for s in image.segments if s.type == c.PT_LOAD and s.flags & c.PF_W)
    if not any(s.vaddr <= place.vaddr < s.vaddr + s.filesz for s in written):
        raise CannotPatch(
            "nobody may write to the file's dynamic section (-z rodynamic): the choice cannot be noted there"
        )


def _is_same(file: BinaryIO, size: int, patch: Patch) -> bool:
    """Whether the patch makes the file that is there."""
    at = 0
    for piece in patch.pieces:
        match piece:
            case Range(offset, _):
                if offset != at:
                    return False
            case Literal(data):
                if at + len(data) > size or read_at(file, at, len(data), "what is overwritten") != data:
                    return False
            case Zeros(length):
                if at + length > size or not _are_zeros(file, at, length):
                    return False
        at += piece.length
    return at == size

"""What must be true of a program that got an entry stub: read again from its bytes, and compared with what it was."""

from __future__ import annotations

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.edits import PatchPlan
from bundler.binaries.elf.image import Image, read_header, read_image
from bundler.binaries.elf.parsed_file import ParsedFile
from bundler.binaries.elf.stub_layout import StubRequest, without_stub
from bundler.binaries.elf.stubs import Stub
from bundler.binaries.invariants import ViolatedError, require
from bundler.binaries.patch import Literal, Patch, Range, compose
from bundler.binaries.reading import read_at
from bundler.errors import BinaryFormatError, CannotPatch
from bundler.machine import os


def check_stub(before: ParsedFile, stub: Stub, wanted: StubRequest, plan: PatchPlan) -> None:
    """Read the file that `plan` makes of `before`. Raises CannotPatch with the first invariant that does not hold."""
    try:
        patched = plan.patch.open(before.file)
        after = read_image(patched)
        _check_stub(before, after, wanted)
        found = after.stub
        assert found is not None
        code = read_at(patched, found.offset, found.parameters.path, "the entry stub")
        require(
            code[stub.codec.size :] == stub.code[stub.codec.size :], "the entry stub's code is the one for the machine"
        )
        header = read_header(patched)[1]
        require(header.entry == found.address + stub.codec.size, "the entry point is the stub's")
        _check_segments(before.image, after)
        back = compose(plan.patch, without_stub(plan.patch.open(before.file), after))
        _check_same(before, back)
    except (ViolatedError, BinaryFormatError, EOFError) as error:
        raise CannotPatch(f"the file with an entry stub would be wrong: {error} ({plan.explanation})") from error


def _check_stub(before: ParsedFile, after: Image, wanted: StubRequest) -> None:
    stub = after.stub
    if stub is None:
        raise ViolatedError("not true: there is an entry stub")
    require(os.fsencode(stub.loader) == wanted.loader, "the entry stub starts the wanted loader")
    require(stub.parameters.floor == wanted.floor, "the entry stub knows from which release on it takes the host's")
    require(stub.entry == before.header.entry, "the entry stub knows the program's entry point")
    holder = after.segments[stub.segment]
    require(holder.flags == c.PF_R | c.PF_X and holder.filesz == holder.memsz, "code that nobody writes holds the stub")
    names = (after.interpreter, after.dynamic, after.needed, after.rpath, after.runpath, after.soname)
    old = before.image
    require(names == (old.interpreter, old.dynamic, old.needed, old.rpath, old.runpath, old.soname), "no name changed")


def _check_segments(before: Image, after: Image) -> None:
    aside = [segment for segment in after.segments if segment.type == c.PT_SET_ASIDE]
    require(len(aside) == 1 and c.PT_INTERP not in {s.type for s in after.segments}, "PT_INTERP is set aside")
    loads = [segment for segment in after.segments if segment.type == c.PT_LOAD]
    require(loads == sorted(loads, key=lambda load: load.vaddr), "segments are in the order of their addresses")
    added = len(after.segments) - len(before.segments)
    require(added in (0, 1), "one segment at most is new")
    old = {(load.offset, load.vaddr): load for load in before.segments if load.type == c.PT_LOAD}
    for low, high in zip(loads, [*loads[1:], None], strict=True):
        former = old.get((low.offset, low.vaddr))
        require((low.vaddr - low.offset) % max(1, low.align) == 0 or former == low, "address and offset agree")
        grew = former is None or former.memsz < low.memsz
        if grew and high is not None:
            page = after.page_size
            require(
                low.vaddr + low.memsz <= high.vaddr // page * page, "what grew shares no page with the next segment"
            )


def _check_same(before: ParsedFile, back: Patch) -> None:
    """Taking the stub out gives back every byte."""
    at = 0
    for piece in back.pieces:
        match piece:
            case Range(offset, _):
                require(offset == at, "without the stub, every byte is at its place")
            case Literal(data):
                same = read_at(before.file, at, len(data), "the original") == data
                require(same, "without the stub, the file is what it was")
            case _:
                require(not read_at(before.file, at, piece.length, "the original").strip(b"\0"), "zeros were zeros")
        at += piece.length
    require(at == before.image.size, "without the stub, the file has its size")

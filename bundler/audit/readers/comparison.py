"""The two questions to a changed binary: do two readers read the same, and is all that nobody asked for as in its source?

Whatever the second reader stumbles over is an answer, too, and never an error.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import BinaryIO

from bundler.audit.readers.asked import PACKED, Asked, asked_of
from bundler.audit.readers.difference import Difference
from bundler.binaries import elf, macho, pe
from bundler.binaries.format import BinaryImage

__all__ = ["PACKED", "Asked", "Difference", "asked_of", "disagreements", "unasked"]

_MOST = 12


def disagreements(image: BinaryImage, file: BinaryIO) -> tuple[Difference, ...]:
    """What pyelftools, macholib or pefile reads of the seekable `file` otherwise than the patcher, which read `image` of it.

    Only headers and tables are read, however large the file.
    """

    def found() -> Iterable[Difference]:
        if isinstance(image, elf.Image):
            from bundler.audit.readers.elf.agreement import elf_disagreements
            from bundler.audit.readers.elf.reading import read_elf

            return elf_disagreements(image, file, read_elf(file))
        if isinstance(image, pe.Image):
            from bundler.audit.readers.pe.agreement import pe_disagreements
            from bundler.audit.readers.pe.reading import read_pe

            return pe_disagreements(image, read_pe(file))
        if not isinstance(image, macho.Image):
            raise TypeError("there is no second reader for this format")
        from bundler.audit.readers.macho.agreement import macho_disagreements
        from bundler.audit.readers.macho.reading import read_macho

        return macho_disagreements(image, read_macho(file))

    return _gathered(found, "bundler reads it")


def unasked(source: BinaryIO, changed: BinaryIO, asked: Asked) -> tuple[Difference, ...]:
    """In what the file `changed` differs from its source beyond what was `asked`; both are seekable, each by itself.

    All bytes of both are read, in chunks: each that is not part of a table of its own is compared. A few differences are
    told, not all.
    """

    def found() -> Iterable[Difference]:
        source.seek(0)
        head = source.read(4)
        if elf.is_elf(head):
            return _elf_changes(source, changed, asked)
        if head[:2] == b"MZ":
            from bundler.audit.readers.pe.changes import pe_changes
            from bundler.audit.readers.pe.reading import read_pe

            return pe_changes(source, read_pe(source), changed, read_pe(changed, whole=True), asked)
        from bundler.audit.readers.macho.changes import macho_changes
        from bundler.audit.readers.macho.reading import read_macho

        return macho_changes(source, read_macho(source), changed, read_macho(changed), asked)

    return _gathered(found, "it was changed by bundler")


def _elf_changes(source: BinaryIO, changed: BinaryIO, asked: Asked) -> Iterable[Difference]:
    from bundler.audit.readers.elf.changes import table_differences
    from bundler.audit.readers.elf.contents import content_differences
    from bundler.audit.readers.elf.own_loader import stub_differences, stub_of, without_stub
    from bundler.audit.readers.elf.reading import read_elf
    from bundler.audit.readers.elf.shift import shift_of

    before, after = read_elf(source, sections=True), read_elf(changed, sections=True)
    stubs = stub_of(source, before), stub_of(changed, after)
    if stubs != (None, None):
        yield from stub_differences(stubs[0], changed, after, stubs[1], asked)
        source = source if stubs[0] is None else without_stub(source, before, stubs[0])
        changed = changed if stubs[1] is None else without_stub(changed, after, stubs[1])
        before, after = read_elf(source, sections=True), read_elf(changed, sections=True)
    shift = shift_of(before, after)
    if shift is None:
        yield Difference("the size of the file", f"the source has {before.size}", f"the file has {after.size}")
        return
    found = list(itertools.islice(table_differences(before, after, shift, asked), _MOST))
    yield from found
    if not found:  # else places of bytes mean nothing
        yield from content_differences(source, before, changed, after, shift, asked)


def _gathered(found: Callable[[], Iterable[Difference]], one: str) -> tuple[Difference, ...]:
    """At most some of what is found; what a reader raises is the last of them."""
    gathered: list[Difference] = []
    try:
        for difference in found():
            gathered.append(difference)
            if len(gathered) == _MOST:
                break
    except Exception as error:
        text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        gathered.append(Difference("the file", one, f"the second reader cannot read it: {text[:200]}"))
    return tuple(gathered)

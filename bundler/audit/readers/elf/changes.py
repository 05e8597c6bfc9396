"""The headers and tables of an ELF file against its source's: what was not asked for is equal, entry by entry."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from bundler.audit.readers.asked import Asked
from bundler.audit.readers.difference import Difference, Sides, shown
from bundler.audit.readers.elf.shift import Shift
from bundler.audit.readers.elf.versions import version_differences
from bundler.audit.readers.facts import ElfFacts, SectionFacts, SegmentFacts
from bundler.binaries.elf import constants as c

_SIDES = Sides("the source has", "the file has")
_WANTED = Sides("it should be", "the file has")
_PATHS = (c.DT_RPATH, c.DT_RUNPATH)
_MOVABLE = (c.PT_DYNAMIC, c.PT_INTERP)


def table_differences(source: ElfFacts, changed: ElfFacts, shift: Shift, asked: Asked) -> Iterator[Difference]:
    """All of them."""
    yield from _header(source, changed, shift)
    yield from _segments(source, changed, shift, asked)
    yield from _dynamic(source, changed, asked)
    yield from _names(source, changed, asked)
    yield from version_differences(source, changed, asked)
    yield from _sections(source, changed, shift)


def _header(source: ElfFacts, changed: ElfFacts, shift: Shift) -> Iterator[Difference]:
    yield from _SIDES.differ("e_ident", source.ident, changed.ident)
    added = len(changed.segments) > len(source.segments)
    wanted = source.header._replace(shnum=changed.header.shnum)
    if source.sections:
        wanted = wanted._replace(shoff=shift(source.header.shoff))
    if added:
        wanted = wanted._replace(phoff=changed.header.phoff, phnum=source.header.phnum + 1)
    for name, old, new in zip(wanted._fields, wanted, changed.header, strict=True):
        yield from _WANTED.differ(f"e_{name}", old, new)


def _segments(source: ElfFacts, changed: ElfFacts, shift: Shift, asked: Asked) -> Iterator[Difference]:
    added = changed.segments[len(source.segments) :]
    if len(added) > 1 or len(changed.segments) < len(source.segments):
        yield from _SIDES.differ("the number of program headers", len(source.segments), len(changed.segments))
        return
    for number, (old, new) in enumerate(zip(source.segments, changed.segments, strict=False)):
        plain = old._replace(flags=_stack_flags(old, new, asked)) if old.type == c.PT_GNU_STACK else old
        wanted = _expected(plain, new, changed, shift, bool(added))
        for name, one, other in zip(old._fields, wanted, new, strict=True):
            yield from _WANTED.differ(f"p_{name} of program header {number}", one, other)
    yield from _growth(source, changed)
    if added and not _plain_data(added[0], source, changed):
        yield Difference("the added program header", "it should be for data alone", f"the file has {added[0]}")
    yield from _overlaps(source, changed)


def _growth(source: ElfFacts, changed: ElfFacts) -> Iterator[Difference]:
    """A PT_LOAD that grew ends with what was put there, or where its zeros ended before."""
    ends = {part.range[1] for part in (changed.strings, changed.dynamic_segment, changed.interpreter_segment) if part}
    for old, new in zip(source.segments, changed.segments, strict=False):
        if old.type == c.PT_LOAD and new.filesz > old.filesz and new.filesz != old.memsz and new.range[1] not in ends:
            yield Difference(
                "a segment that grew", "it should end with a part", f"the file has it end at {new.range[1]:#x}"
            )


def _plain_data(segment: SegmentFacts, source: ElfFacts, changed: ElfFacts) -> bool:
    """Whether a PT_LOAD is one that maps the end of the file, the program headers first, and nothing that can be run."""
    page = c.PAGE_SIZES.get(source.header.machine, 0x1000)
    place = segment.offset == changed.header.phoff >= source.size and segment.range[1] == changed.size
    alike = segment.paddr == segment.vaddr and segment.memsz == segment.filesz and segment.align == page
    flags = segment.flags in (c.PF_R, c.PF_R | c.PF_W)
    return segment.type == c.PT_LOAD and flags and place and alike and (segment.vaddr - segment.offset) % page == 0


def _stack_flags(old: SegmentFacts, new: SegmentFacts, asked: Asked) -> int:
    """What the flags of a PT_GNU_STACK must be, where `new` is what it is."""
    plain = old.flags & ~c.PF_X
    return plain if asked.stack or (asked.stack is None and new.flags == plain) else old.flags


def _expected(old: SegmentFacts, new: SegmentFacts, changed: ElfFacts, shift: Shift, added: bool) -> SegmentFacts:
    """What a program header must be, where `new` is what it is."""
    stays = not old.filesz and new.offset == old.offset  # one without bytes may keep its offset or be shifted
    wanted = old if stays else old._replace(offset=shift(old.offset))
    if old.type == c.PT_LOAD:
        grown = new.filesz == new.memsz and new.filesz >= old.filesz and new.memsz >= old.memsz
        return wanted._replace(filesz=new.filesz, memsz=new.memsz) if grown else wanted
    moved = new._replace(type=old.type, flags=old.flags, align=old.align)
    if old.type in _MOVABLE and changed.offset_of(new.vaddr) == new.offset and new.paddr == new.vaddr:
        return moved if new.filesz == new.memsz else wanted
    if old.type == c.PT_PHDR and added:
        header = changed.header
        size = header.phnum * header.phentsize
        offset = header.phoff
        address = new.vaddr if changed.offset_of(new.vaddr) == offset else 0
        return moved._replace(offset=offset, vaddr=address, paddr=address, filesz=size, memsz=size)
    return wanted


def _overlaps(source: ElfFacts, changed: ElfFacts) -> Iterator[Difference]:
    """No two PT_LOADs share an address that did not before."""
    if _overlapping(changed) > _overlapping(source):
        yield Difference("segments", "the source has them apart", "the file has one over another in memory")


def _overlapping(facts: ElfFacts) -> int:
    loads = sorted(facts.loads, key=lambda load: load.vaddr)
    return sum(low.vaddr + low.memsz > high.vaddr for low, high in itertools.pairwise(loads))


def _dynamic(source: ElfFacts, changed: ElfFacts, asked: Asked) -> Iterator[Difference]:
    """The tags that name no string, in their order."""
    left_out = {c.DT_STRTAB, c.DT_STRSZ, *c.STRING_TAGS}
    if asked.loses_versions:
        left_out |= {c.DT_VERNEED, c.DT_VERNEEDNUM, c.DT_VERSYM}
    yield from _SIDES.differ("dynamic tags", _numbers(source, left_out), _numbers(changed, left_out))


def _numbers(facts: ElfFacts, left_out: set[int]) -> list[str]:
    """The entries in words. What counts from its own place is told as the address that it means."""
    found = []
    start = facts.dynamic_segment.vaddr if facts.dynamic_segment is not None else 0
    for number, (tag, value) in enumerate(facts.dynamic or ()):
        if tag == c.DT_MIPS_RLD_MAP_REL:
            value = (value + start + number * facts.bits // 4) % (1 << facts.bits)  # noqa: PLW2901
        if tag not in left_out:
            found.append(f"{tag:#x} = {value:#x}")
    return found


def _names(source: ElfFacts, changed: ElfFacts, asked: Asked) -> Iterator[Difference]:
    needed, found = source.texts(c.DT_NEEDED), changed.texts(c.DT_NEEDED)
    if asked.renamed is None and len(needed) == len(found):
        needed = found
    wanted = [(asked.renamed or {}).get(name, name) for name in needed if name not in asked.removed]
    wanted += [name for name in asked.added if name not in wanted]
    yield from _WANTED.differ("DT_NEEDED", tuple(wanted), found)
    for tag in sorted(c.STRING_TAGS - {c.DT_NEEDED, c.DT_SONAME, *_PATHS, c.DT_OWN_RPATH}):
        yield from _SIDES.differ(f"the string of tag {tag:#x}", source.texts(tag), changed.texts(tag))
    yield from _one("DT_SONAME", source.texts(c.DT_SONAME), changed.texts(c.DT_SONAME), asked.name)
    search_path = asked.search_path if isinstance(asked.search_path, bool | str) else True
    yield from _one("the search path", source.texts(*_PATHS), changed.texts(*_PATHS), search_path)
    if asked.search_path is False:
        yield from _SIDES.differ("DT_RPATH", source.texts(c.DT_RPATH), changed.texts(c.DT_RPATH))
    own_path = source.texts(c.DT_OWN_RPATH), changed.texts(c.DT_OWN_RPATH)
    yield from _one("the search path with its own loader", *own_path, asked.own_rpath)
    if own_path[1] and (changed.dynamic or ())[-1:] and (changed.dynamic or ())[-1][0] != c.DT_OWN_RPATH:
        yield Difference("the search path with its own loader", "it should be the last entry", "others follow it")
    old, new = ((facts.interpreter,) if facts.interpreter is not None else () for facts in (source, changed))
    yield from _one("the interpreter", old, new, asked.interpreter)


def _one(what: str, old: tuple[str, ...], new: tuple[str, ...], asked: bool | str) -> Iterator[Difference]:
    """Names of one kind: those that were, or where another one was asked for this one, or any one or none."""
    match asked:
        case False:
            yield from _SIDES.differ(what, old, new)
        case True:
            if len(new) > max(1, len(old)):
                yield from _SIDES.differ(what, old, new)
        case _:
            if set(new) != ({asked} if asked else set()):
                yield Difference(what, f"{asked or 'none'} was asked for", f"the file has {shown(new)}")


def _sections(source: ElfFacts, changed: ElfFacts, shift: Shift) -> Iterator[Difference]:
    parts = _places(source, changed)
    last = max(changed.loads, key=lambda load: load.vaddr, default=SegmentFacts(*[0] * 8))
    for number, (old, new) in enumerate(zip(source.sections, changed.sections, strict=False)):
        wanted = _expected_section(old, new, shift, parts, last)
        if len(changed.needs) < len(source.needs):
            wanted = _with_fewer_versions(wanted, changed)
        for name, one, other in zip(wanted._fields, wanted, new, strict=True):
            yield from _WANTED.differ(f"sh_{name} of section {number}", one, other)
    for new in changed.sections[len(source.sections) :]:
        if new not in _covers(source, changed):
            yield Difference("an added section", "it should cover what a part left behind", f"the file has {new}")


def _covers(source: ElfFacts, changed: ElfFacts) -> Iterator[SectionFacts]:
    """The section headers that may be added: plain bytes where a section was that moved, under its name without the dot."""
    for old, new in zip(source.sections, changed.sections, strict=False):
        if old.addr != new.addr:
            ends = (
                load.vaddr + load.memsz for load in changed.loads if load.vaddr <= old.addr < load.vaddr + load.memsz
            )
            size = min(old.size, next(ends, 0) - old.addr)
            yield old._replace(name=old.name + 1, type=c.SHT_PROGBITS, size=size, link=0, info=0, entsize=0)


def _places(source: ElfFacts, changed: ElfFacts) -> dict[tuple[int, int], tuple[int, int, int]]:
    """Where the sections of the movable parts must be: address, offset and size, by their type and old address."""
    found = {}
    pairs = (
        (c.SHT_DYNAMIC, source.dynamic_segment, changed.dynamic_segment),
        (c.SHT_PROGBITS, source.interpreter_segment, changed.interpreter_segment),
    )
    for kind, old, new in pairs:
        if old is not None and new is not None and old.vaddr != new.vaddr:
            found[kind, old.vaddr] = (new.vaddr, new.offset, new.filesz)
    if source.strings is not None and changed.strings is not None and source.strings != changed.strings:
        strings = changed.strings
        found[c.SHT_STRTAB, source.strings.address] = (strings.address, strings.offset, strings.size)
    return found


def _expected_section(
    old: SectionFacts,
    new: SectionFacts,
    shift: Shift,
    parts: dict[tuple[int, int], tuple[int, int, int]],
    last: SegmentFacts,
) -> SectionFacts:
    """What a section header must be, where `new` is what it is, and `last` is the PT_LOAD with the highest address."""
    if (old.type, old.addr) in parts:
        address, offset, size = parts.pop((old.type, old.addr))
        return old._replace(addr=address, offset=offset, size=size)
    if old.type == c.SHT_NULL:
        return old
    if old.type == c.SHT_NOBITS or not old.size:  # it has no bytes: it may keep its offset, or follow what is around it
        follows = new.offset in (shift(old.offset), last.offset + old.addr - last.vaddr)
        return old._replace(offset=new.offset) if follows else old
    return old._replace(offset=shift(old.offset))


def _with_fewer_versions(section: SectionFacts, changed: ElfFacts) -> SectionFacts:
    """The section header where records of needed versions went: it counts them; a table that went is plain bytes."""
    plain = {"link": 0, "type": c.SHT_PROGBITS}
    if section.type == c.SHT_GNU_VERNEED:
        return section._replace(info=len(changed.needs), **({} if changed.needs else plain))
    if section.type == c.SHT_GNU_VERSYM and changed.entry(c.DT_VERSYM) is None:
        return section._replace(**plain)
    return section

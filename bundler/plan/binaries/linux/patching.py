"""Which ELF files of the bundle are patched, the entries that come of it, and what cannot be done."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bundler.binaries.elf import UNCHANGED, Edits, Image, plan_patch
from bundler.binaries.elf.edits import Unchanged
from bundler.binaries.elf.header_edits import is_resolution_cache
from bundler.binaries.elf.stack import Stack, stack_of
from bundler.binaries.elf.stubs import stub_for
from bundler.bundle_paths import relative
from bundler.entries import Entry, Patched, Source, Stamp, stamp_of
from bundler.errors import BundlerError, CannotPatch, raise_all
from bundler.files import opened
from bundler.floor import Release
from bundler.machine import os
from bundler.memory.patches import PatchCache, Planned
from bundler.plan.binaries.linux.companions import is_closed
from bundler.plan.binaries.linux.search_paths import SearchPathChange
from bundler.systems.linux.closure import ElfFile
from bundler.systems.linux.program_loader import standard_loader

_OR_HOSTS = ", or the target's where that is new enough"


@dataclass(frozen=True, slots=True)
class PatchedFiles:
    """The changed files."""

    entries: tuple[Entry, ...]
    warnings: tuple[str, ...]
    plain_stacks: frozenset[str]
    """Bundle paths of the files that ask for no executable stack any more."""
    notes: tuple[str, ...]
    """On programs that are not led to themselves."""


@dataclass(frozen=True, slots=True)
class OwnLoaders:
    """How programs come to the loader that the bundle brings."""

    starts: Callable[[ElfFile], bool]
    """Whether it starts a program."""
    path: str
    """Its bundle path."""
    host_floor: Release | None
    """The oldest glibc of a target whose loader is used in its place; None where none is."""

    def search_paths(self, change: SearchPathChange) -> tuple[str, str | None]:
        """The search path of a program that it starts, and the one that it has only then."""
        own = change.own_rpath or ""
        return (own, None) if self.host_floor is None else (change.rpath, own)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What one file needs."""

    change: SearchPathChange | None
    loader: str | None
    """The system's loader, in place of one of its own."""
    plain_stack: bool
    without_resolution_cache: bool
    constants: Mapping[str, str]
    own_loader: str | Unchanged | None = UNCHANGED
    """The way from its folder to the bundle's own loader; None for the target's in place of one that an earlier pack gave it."""
    loaders: OwnLoaders | None = None
    """Whose loader that is; None where it has none."""
    finds_itself: bool | Unchanged = UNCHANGED

    @property
    def is_vital(self) -> bool:
        """Whether the bundle does not work without it."""
        changes_loader = self.loader is not None or self.own_loader is not UNCHANGED
        return changes_loader or (self.change is not None and self.change.vital)

    @property
    def edits(self) -> Edits:
        """As the patcher's."""
        rpath: str | Unchanged = self.change.rpath if self.change is not None else UNCHANGED
        own_rpath: str | Unchanged | None = UNCHANGED
        if self.loaders is not None and self.change is not None:
            rpath, own_rpath = self.loaders.search_paths(self.change)
        return Edits(
            rpath=rpath,
            own_rpath=own_rpath,
            host_floor=self.loaders.host_floor if self.loaders is not None else UNCHANGED,
            needed=self.change.needed if self.change is not None else {},
            interpreter=self.loader or UNCHANGED,
            clear_execstack=self.plain_stack,
            without_resolution_cache=self.without_resolution_cache,
            constants=self.constants,
            own_loader=self.own_loader,
            finds_itself=self.finds_itself,
        )

    @property
    def reasons(self) -> Iterator[str]:
        """Why each of them is done."""
        if self.change is not None:
            yield self.change.reason
        if self.loader is not None:
            yield "names a loader that other machines do not have there"
        if self.own_loader is None:
            yield "is started by the target's loader again"
        elif self.own_loader is not UNCHANGED:
            chooses = self.loaders is not None and self.loaders.host_floor is not None
            yield f"starts the loader that the bundle brings{_OR_HOSTS if chooses else ''}"
        if self.finds_itself is True:
            yield "finds its own place under whatever name it is started"
        if self.plain_stack:
            yield "asks for an executable stack, which glibc 2.41 and later refuse"
        if self.without_resolution_cache:
            yield "has a note of absolute paths that the loader of NixOS prefers to its search path"
        for constant in sorted(self.constants):
            if not is_closed(self.constants[constant]):
                yield f"opens what lies in {constant}, a path compiled into it"
        if any(map(is_closed, self.constants.values())):
            yield "has a path compiled into it that leads to another place on the machine, and nowhere in a bundle"


def patch_files(
    files: Iterable[ElfFile],
    changes: Mapping[str, SearchPathChange],
    entries: Mapping[str, Entry],
    patches: PatchCache,
    *,
    fix_execstack: bool,
    constants: Mapping[str, Mapping[str, str]] = {},
    loaders: OwnLoaders | None = None,
    pythons: Collection[str] = (),
) -> PatchedFiles:
    """The changed files as entries. Vital patches that do not fit are raised together, others are warnings.

    `constants` are new texts of constant strings by the old ones, by bundle path. `loaders` tells of the one that the bundle
    brings. `pythons` are bundle paths of programs that find themselves.
    """
    patched: list[Entry] = []
    errors: list[BundlerError] = []
    warnings: list[str] = []
    notes = []
    own_libc: list[ElfFile] = []
    plain_stacks: list[str] = []
    for file in files:
        if fix_execstack and stack_of(file.image) is Stack.UNMARKED:
            warnings.append(f"{file.path} goes on asking for an executable stack: {Stack.UNMARKED.value}")
        started = loaders if loaders is not None and loaders.starts(file) else None
        may_be_hosts = file.is_program and (started is None or started.host_floor is not None)
        wanted = _Wanted(
            change=changes.get(file.path),
            loader=standard_loader(file.image) if may_be_hosts else None,
            plain_stack=fix_execstack and stack_of(file.image) is Stack.EXECUTABLE,
            without_resolution_cache=any(map(is_resolution_cache, file.image.notes)),
            constants=constants.get(file.path, {}),
            own_loader=_way_to_loader(file, started),
            loaders=started,
            finds_itself=True if file.path in pythons and _may_find_itself(file.image) else UNCHANGED,
        )
        entry = entries[file.path]
        try:
            fitting, planned = _plan_what_fits(file, entry, wanted, patches, warnings)
        except CannotPatch as error:
            errors.append(error.at(entry.origin))
            continue
        if fitting.finds_itself is not wanted.finds_itself:
            notes.append(
                f"{file.path} has no room for what leads it to itself: started under another name (`exec -a`), it looks for its "
                "parts by that name, as every Python does"
            )
        wanted = fitting
        if planned is None or planned.patch is None:
            continue
        if wanted.loader is not None:
            own_libc.append(file)
        if wanted.plain_stack:
            plain_stacks.append(file.path)
        content = Patched(source_path(entry), planned.patch, _stamp(entry))
        patched.append(entry._replace(content=content, reason=f"{'; '.join(wanted.reasons)} ({planned.tier})"))
    raise_all(errors)
    return PatchedFiles(tuple(patched), (*warnings, *_own_libc(own_libc)), frozenset(plain_stacks), tuple(notes))


def _plan_what_fits(
    file: ElfFile, entry: Entry, wanted: _Wanted, patches: PatchCache, warnings: list[str]
) -> tuple[_Wanted, Planned | None]:
    """The patch of a file, and what it does: what the bundle can do without is left out where it does not fit.

    A search path that stays gives a warning. Raises CannotPatch for what is vital.
    """
    try:
        return wanted, _plan(file, entry, wanted, patches)
    except CannotPatch as error:
        if wanted.finds_itself is True:  # as every Python does, it finds its place by the name then
            return _plan_what_fits(file, entry, replace(wanted, finds_itself=UNCHANGED), patches, warnings)
        if wanted.is_vital:
            raise
        warnings.append(f"{entry.origin} keeps a foreign search path: {error.message}")
        less = replace(wanted, change=None)  # what is left changes bytes in place
        return less, _plan(file, entry, less, patches)


def _may_find_itself(image: Image) -> bool:
    """Whether a program can get a name stub, and has none from an earlier pack."""
    return not image.finds_itself and stub_for(image.machine, image.elf_class, image.byteorder) is not None


def _way_to_loader(file: ElfFile, loaders: OwnLoaders | None) -> str | Unchanged | None:
    """What a program's stub shall open; None where it has one, and shall have none."""
    if loaders is not None:
        return relative(loaders.path, os.path.dirname(file.path))
    return None if file.image.own_loader is not None else UNCHANGED


def _own_libc(files: Sequence[ElfFile]) -> Iterable[str]:
    """What it means that programs were linked to a libc of their own."""
    if files:
        more = f" (and {len(files) - 1} more)" if len(files) > 1 else ""
        yield (
            f"{files[0].path}{more} was started by {os.path.basename(files[0].image.interpreter or '')} of its own libc, which "
            f"stays behind: in the bundle {standard_loader(files[0].image)} starts it, with the libc of the target"
        )


def _plan(file: ElfFile, entry: Entry, wanted: _Wanted, patches: PatchCache) -> Planned | None:
    """The patch of a file, recalled or planned anew; None where nothing is wanted. Raises CannotPatch."""
    edits = wanted.edits
    if edits == Edits():
        return None
    return patches.recall(_stamp(entry), edits) or _plan_anew(file, entry, edits, patches)


def _plan_anew(elf: ElfFile, entry: Entry, edits: Edits, patches: PatchCache) -> Planned:
    """Plan a file's patch; it is noted where the file is still the one that was listed. Raises CannotPatch."""
    stamp = _stamp(entry)
    with opened(source_path(entry)) as file:
        plan = plan_patch(file, elf.image, edits)
        same = stamp_of(os.fstat(file.fileno())) == stamp
    return patches.note(stamp if same else None, edits, plan)


def _stamp(entry: Entry) -> Stamp | None:
    return entry.content.stamp if isinstance(entry.content, Source) else None


def source_path(entry: Entry) -> str:
    """Where the file of an entry lies on this machine."""
    assert isinstance(entry.content, Source), entry.path
    return entry.content.path

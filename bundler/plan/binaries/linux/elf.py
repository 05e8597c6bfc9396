"""The plan's ELF files: read, completed by what they need, and patched where they would not find it (Linux)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

from bundler.binaries.elf import UNCHANGED, Edits, Image, is_elf, plan_patch, read_image
from bundler.entries import Entry, Link, Patched, Source, Stamp, stamp_of
from bundler.environment import Environment
from bundler.errors import BinaryFormatError, BundlerError, CannotPatch, UnsupportedEnvironment, raise_all
from bundler.memory.patches import NO_PATCH_CACHE, PatchCache, Planned
from bundler.options import ContentOptions
from bundler.plan.binaries.linux.libraries import Taken, links_to, plan_libraries
from bundler.plan.binaries.linux.search_paths import SearchPathChange
from bundler.plan.binaries.planned import PlannedBinaries, bundled_entry
from bundler.plan.mounts import MountTable
from bundler.platforms import Libc
from bundler.sysroot import Sysroot
from bundler.systems.libraries import BundledLibrary
from bundler.systems.linux.closure import ClosureContext, ElfFile
from bundler.systems.linux.floor import find_floor
from bundler.systems.linux.glibc import GLIBC, SysrootLibraries
from bundler.systems.linux.loader import Loader
from bundler.systems.linux.order import in_loading_order
from bundler.systems.linux.policy import OPENED_BY_LIBC
from bundler.systems.linux.program_loader import standard_loader
from bundler.systems.linux.rules import LINUX
from bundler.systems.linux.runtime import libpython_of

_NO_BINARY = LINUX.no_binary_suffix


def plan_elf(
    entries: Mapping[str, Entry],
    environment: Environment,
    mounts: MountTable,
    options: ContentOptions,
    patches: PatchCache = NO_PATCH_CACHE,
) -> PlannedBinaries:
    """Read the ELF files among `entries`, find what they need, and plan their patches, or recall them from `patches`.

    Raises what makes the bundle differ from its source: an interpreter that cannot be read, a vital patch that does
    not fit; all together.
    """
    interpreter, sysroot, scheme = environment.interpreter, environment.sysroot, environment.scheme
    executable = scheme.executable
    images = _read_images(entries, executable)
    if executable not in images:
        raise UnsupportedEnvironment(f"{interpreter.executable} is no dynamic ELF executable")
    loader = _loader(environment)
    files = [ElfFile(path, sysroot.name_of(_source(entries[path])), image) for path, image in images.items()]
    files = in_loading_order(files, interpreter.extension_suffixes)
    by_path = {file.path: file for file in files}
    program = by_path[executable]
    libpython = libpython_of(program, by_path, scheme)
    libraries = SysrootLibraries(program.image, sysroot)
    machine = environment.platform.machines[0]
    system = loader.system_libraries(machine, sysroot, program.image)
    context = ClosureContext(
        loader=loader,
        files=libraries,
        system=system,
        bundled_folder=scheme.bundled,
        library_path=environment.library_path,
        bundle_path=lambda name: _bundle_path(name, entries, mounts, libraries, sysroot),
        excluded=frozenset(options.exclude_libs),
        included=options.include_libs,
        real_path=libraries.real,
        opened_by_libc=OPENED_BY_LIBC,
        package_of=scheme.package_of,
        systems={
            file.path: loader.system_libraries(machine, sysroot, file.image)
            for file in files
            if file.is_program and (standard_loader(file.image) or standard_loader(program.image)) is not None
        },
    )
    taken = Taken(entries, _links(entries), lambda name: mounts.bundle_path(sysroot.path_of(name)))
    try:
        plan = plan_libraries(files, program, libpython, context, scheme, taken)
    except LookupError as error:
        raise BundlerError(f"--include-lib {error.args[0]}: there is no such library for this machine") from error
    added = list(_bundled_entries(plan.closure.facts.bundled, environment))
    planned = {**entries, **{entry.path: entry for entry in added}}
    patched, warnings = _patch(plan.files, plan.changes, planned, patches)
    floor = find_floor(plan.files, {file.path: _source(planned[file.path]) for file in plan.files})
    return PlannedBinaries(
        (*added, *patched),
        plan.closure.facts,
        libpython.path if libpython else None,
        floor,
        (*warnings, *plan.warnings),
    )


def _read_images(entries: Mapping[str, Entry], executable: str) -> dict[str, Image]:
    """The headers of every entry that is a dynamic ELF file of the executable's kind; damaged ones are the source's business."""
    images = {}
    for path in sorted(entries):
        content = entries[path].content
        if not isinstance(content, Source) or content.size < 52 or _NO_BINARY.search(path):
            continue
        with open(content.path, "rb") as file:
            if not is_elf(file.read(4)):
                continue
            try:
                image = read_image(file)
            except BinaryFormatError:
                continue
        if image.dynamic is not None:
            images[path] = image
    program = images.get(executable)
    return {path: image for path, image in images.items() if program is not None and _same_kind(image, program)}


def _same_kind(one: Image, other: Image) -> bool:
    """Whether one process can hold both: the same machine, class and byte order."""
    return (one.machine, one.elf_class, one.byteorder) == (other.machine, other.elf_class, other.byteorder)


def _loader(environment: Environment) -> Loader:
    """The rules of the environment's loader. Raises UnsupportedEnvironment for a libc without any."""
    if environment.platform.libc is not Libc.GLIBC:
        raise UnsupportedEnvironment(
            f"{environment.interpreter.executable} is built for musl", "this version packs environments for glibc"
        )
    return GLIBC


def _bundle_path(
    name: str, entries: Mapping[str, Entry], mounts: MountTable, files: SysrootLibraries, sysroot: Sysroot
) -> str | None:
    """Where the file of a name is taken along already, by its name or behind its links; None where it is not."""
    for candidate in (sysroot.path_of(name), files.real(name)):
        inside = mounts.bundle_path(candidate)
        if inside is not None and inside in entries:
            return inside
    return None


def _bundled_entries(libraries: Sequence[BundledLibrary], environment: Environment) -> Iterable[Entry]:
    """Entries for what comes from the host, and links for its further names."""
    entries = {library.path: bundled_entry(library, environment) for library in libraries}
    yield from entries.values()
    links = links_to(libraries)
    for library in libraries:
        for alias in library.aliases:
            yield entries[library.path]._replace(path=alias, content=Link(links[alias]), mode=0o777)


def _links(entries: Mapping[str, Entry]) -> dict[str, str]:
    """The targets of links, as written, by bundle path."""
    return {path: entry.content.target for path, entry in entries.items() if isinstance(entry.content, Link)}


def _patch(
    files: Iterable[ElfFile], changes: Mapping[str, SearchPathChange], entries: Mapping[str, Entry], patches: PatchCache
) -> tuple[list[Entry], list[str]]:
    """The changed files as entries. Vital patches that do not fit are raised together, others are warnings."""
    patched: list[Entry] = []
    errors: list[BundlerError] = []
    warnings: list[str] = []
    own_libc: list[ElfFile] = []
    for file in files:
        change = changes.get(file.path)
        loader = standard_loader(file.image) if file.is_program else None
        if change is None and loader is None:
            continue
        entry = entries[file.path]
        edits = Edits(
            rpath=change.rpath if change is not None else UNCHANGED,
            needed=change.needed if change is not None else {},
            interpreter=loader or UNCHANGED,
        )
        try:
            planned = patches.recall(_stamp(entry), edits) or _plan_anew(file, entry, edits, patches)
        except CannotPatch as error:
            if loader is not None or (change is not None and change.vital):
                errors.append(error.at(entry.origin))
            else:
                warnings.append(f"{entry.origin} keeps a foreign search path: {error.message}")
            continue
        if planned.patch is not None:
            content = Patched(_source(entry), planned.patch, _stamp(entry))
            reasons = [change.reason] if change is not None else []
            if loader is not None:
                own_libc.append(file)
                reasons.append("names a loader that other machines do not have there")
            patched.append(entry._replace(content=content, reason=f"{'; '.join(reasons)} ({planned.tier})"))
    raise_all(errors)
    return patched, [*warnings, *_own_libc(own_libc)]


def _own_libc(files: Sequence[ElfFile]) -> Iterable[str]:
    """What it means that programs were linked to a libc of their own."""
    if files:
        more = f" (and {len(files) - 1} more)" if len(files) > 1 else ""
        yield (
            f"{files[0].path}{more} was started by {os.path.basename(files[0].image.interpreter or '')} of its own libc, which "
            f"stays behind: in the bundle {standard_loader(files[0].image)} starts it, with the libc of the target"
        )


def _plan_anew(elf: ElfFile, entry: Entry, edits: Edits, patches: PatchCache) -> Planned:
    """Plan a file's patch; it is noted where the file is still the one that was listed. Raises CannotPatch."""
    stamp = _stamp(entry)
    with open(_source(entry), "rb") as file:
        plan = plan_patch(file, elf.image, edits)
        same = stamp_of(os.fstat(file.fileno())) == stamp
    return patches.note(stamp if same else None, edits, plan)


def _stamp(entry: Entry) -> Stamp | None:
    return entry.content.stamp if isinstance(entry.content, Source) else None


def _source(entry: Entry) -> str:
    assert isinstance(entry.content, Source), entry.path
    return entry.content.path

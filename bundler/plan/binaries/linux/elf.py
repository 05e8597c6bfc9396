"""The plan's ELF files: read, completed by what they need, and patched where they would not find it (Linux)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter

from bundler.binaries.elf import Image, is_elf, read_image
from bundler.binaries.format import SymbolVersions
from bundler.bundle_paths import follow
from bundler.entries import Entry, Layer, Link, Literal, Source
from bundler.environment import Environment
from bundler.errors import BinaryFormatError, BundlerError, UnsupportedEnvironment
from bundler.files import opened
from bundler.floor import Floor
from bundler.machine import os
from bundler.memory import NO_MEMORY, Memory
from bundler.options import ContentOptions, LibcMode
from bundler.plan.binaries.linux.companions import CompanionFinder, Companions, qt_conf
from bundler.plan.binaries.linux.compiled_in import CompiledInPaths
from bundler.plan.binaries.linux.compiled_in_prefix import closed_prefixes
from bundler.plan.binaries.linux.libraries import Taken, links_to, plan_libraries
from bundler.plan.binaries.linux.module_companions import ModuleCompanionFinder
from bundler.plan.binaries.linux.own_libc import (
    OwnLibc,
    former_directories,
    former_libc,
    host_libc,
    kernel_floor,
    last_directories,
    own_libc,
)
from bundler.plan.binaries.linux.patching import OwnLoaders, patch_files, source_path
from bundler.plan.binaries.linux.programs import capability_warnings, embedding_warnings, other_libc_warnings, pythons
from bundler.plan.binaries.planned import PlannedBinaries, bundled_entry
from bundler.plan.mounts import MountTable
from bundler.plan.origins import BUNDLER
from bundler.platforms import Libc
from bundler.sysroot import Sysroot
from bundler.systems.libraries import BundledLibrary, LibraryFacts
from bundler.systems.linux.bound import host_libraries, unbound
from bundler.systems.linux.ceiling import find_ceiling
from bundler.systems.linux.closure import ClosureContext, ElfFile
from bundler.systems.linux.floor import LibcVersion, find_floor, libc_versions, read_versions
from bundler.systems.linux.loader import Loader, SystemLibraries
from bundler.systems.linux.loaders import loader_for
from bundler.systems.linux.musl_releases import musl_floor
from bundler.systems.linux.order import in_loading_order
from bundler.systems.linux.program_loader import standard_loader
from bundler.systems.linux.provided import unprovided
from bundler.systems.linux.rules import LINUX
from bundler.systems.linux.runtime import libpython_of
from bundler.systems.linux.sysroot_libraries import SysrootLibraries

_FOR_QT = "leads the host's Qt to its plugins"
_NO_BINARY = LINUX.no_binary_suffix


def plan_elf(
    entries: Mapping[str, Entry],
    environment: Environment,
    mounts: MountTable,
    options: ContentOptions,
    memory: Memory = NO_MEMORY,
) -> PlannedBinaries:
    """Read the ELF files among `entries`, find what they need, and plan their patches, or recall them from `memory`.

    Raises what makes the bundle differ from its source: an interpreter that cannot be read, a vital patch that does
    not fit; all together.
    """
    interpreter, sysroot, scheme = environment.interpreter, environment.sysroot, environment.scheme
    executable, loader = scheme.executable, loader_for(environment.platform.libc)
    former = former_libc(entries, scheme)
    directories = former_directories(former, entries, loader)
    entries = {path: entry for path, entry in entries.items() if path not in former} if former else entries
    images = _read_images(entries, executable)
    if executable not in images:
        raise UnsupportedEnvironment(f"{interpreter.executable} is no dynamic ELF executable")
    files = [ElfFile(path, sysroot.name_of(source_path(entries[path])), image) for path, image in images.items()]
    files = in_loading_order(files, interpreter.extension_suffixes)
    by_path = {file.path: file for file in files}
    program = by_path[executable]
    libpython = libpython_of(program, by_path, scheme)
    libraries = SysrootLibraries(program.image, sysroot)
    machine = environment.platform.machines[0]
    system = loader.system_libraries(machine, sysroot, program.image)
    excluded = frozenset(options.exclude_libs)
    own = (
        own_libc(program.image, loader, system, sysroot, scheme, former) if options.libc is not LibcMode.HOST else None
    )
    compiled_in = CompiledInPaths(sysroot, memory.constants)
    modules = ModuleCompanionFinder(
        entries, scheme, sysroot, compiled_in, excluded, system.cache, loader.dlopen_knows_origin
    )
    finder = CompanionFinder(
        *(sysroot, compiled_in, excluded, scheme.libraries, _library_folders(system)),
        *(modules.find, loader.dlopen_knows_origin),
    )
    needed = {name for image in images.values() for name in image.needed}
    companions = finder.guess(needed, system.cache, scheme.bundled)
    context = ClosureContext(
        loader=loader,
        files=libraries,
        system=system,
        bundled_folder=scheme.bundled,
        library_path=environment.library_path,
        bundle_path=lambda name: _bundle_path(name, entries, mounts, libraries, sysroot),
        excluded=excluded,
        real_path=libraries.real,
        opened_by_libc=loader.opened_by_libc,
        package_of=scheme.package_of,
        systems={
            file.path: loader.system_libraries(machine, sysroot, file.image)
            for file in files
            if file.is_program and (standard_loader(file.image) or standard_loader(program.image)) is not None
        },
    )
    taken = Taken(entries, _links(entries), lambda name: mounts.bundle_path(sysroot.path_of(name)))
    while True:
        try:
            opened = replace(context, included=(*options.include_libs, *companions.opens))
            plan = plan_libraries(
                [*files, *finder.elf_files(companions)], program, libpython, opened, scheme, taken, own
            )
        except LookupError as error:
            raise BundlerError(f"--include-lib {error.args[0]}: there is no such library for this machine") from error
        found = finder.settle(plan.closure.facts.bundled, companions)
        if found == companions:
            break
        companions = found
    facts = replace(
        plan.closure.facts,
        companions=tuple(taken.fact for taken in companions.all),
        compiled_in=finder.left(plan.closure.facts.bundled, companions),
    )
    if own is not None:
        facts = _with_own_libc(facts, own, loader, executable)
    added = [
        *_bundled_entries(facts.bundled, environment),
        *_companion_entries(companions, environment),
        *modules.module_entries(companions.led),
        *last_directories(loader, facts, os.stat(interpreter.executable).st_mtime_ns),
    ]
    planned = {**entries, **{entry.path: entry for entry in added}}
    closed = closed_prefixes(plan.files, executable, planned, interpreter.base_prefix)
    places = {file.path: source_path(planned[file.path]) for file in plan.files}
    symbols = read_versions(plan.files, places)
    versions = list(libc_versions(symbols)) if loader.libc is Libc.GLIBC else []
    hosts = host_libraries(facts.host, system, sysroot, libraries.is_library)
    facts = replace(
        _with_lacks(facts, plan.files, planned, symbols, hosts),
        host_libc=host_libc(options.libc, loader, versions, executable),
    )
    patched = patch_files(
        plan.files,
        plan.changes,
        planned,
        memory.patches,
        fix_execstack=options.fix_execstack,
        constants={**companions.constants, **closed},
        loaders=OwnLoaders(own.starts, own.loader, facts.host_libc.release if facts.host_libc else None)
        if own
        else None,
        pythons=pythons(plan.files, planned, executable),
    )
    gone = (*former, scheme.libc) if former and not (own is not None and own.kept) else ()
    return PlannedBinaries(
        (*added, *patched.entries),
        facts,
        libpython.path if libpython else None,
        _floor(own, loader, plan.files, places, versions),
        (
            *patched.warnings,
            *plan.warnings,
            *other_libc_warnings(files, loader.libc),
            *embedding_warnings(files, entries, executable),
            *capability_warnings(entries, environment),
        ),
        find_ceiling(plan.files, versions, patched.plain_stacks, executable, heeds_stacks=loader.heeds_stacks),
        notes=patched.notes,
        removed=frozenset((*gone, *directories)) - {entry.path for entry in added},
    )


def _with_lacks(
    facts: LibraryFacts,
    files: Sequence[ElfFile],
    planned: Mapping[str, Entry],
    symbols: Mapping[str, SymbolVersions],
    hosts: Mapping[str, str],
) -> LibraryFacts:
    """The facts with versions and symbols that files ask for and nothing has, in the source either."""
    links = _links(planned)
    known = unprovided(symbols, facts.needs, lambda path: follow(path, links))
    lacking = unbound(files, symbols, lambda path: open(source_path(planned[path]), "rb"), hosts, facts.needs)
    return replace(facts, unprovided=tuple(dict.fromkeys(each for each, _, _ in known)), unbound=tuple(lacking))


def _with_own_libc(facts: LibraryFacts, own: OwnLibc, loader: Loader, executable: str) -> LibraryFacts:
    """The facts with what comes along of libc, which is no matter of the host any more."""
    return replace(
        facts,
        bundled=tuple(sorted((*facts.bundled, *own.added(executable)), key=attrgetter("path"))),
        host=tuple(name for name in facts.host if name not in own.names and not loader.answers_to(name)),
        loader=own.loader,
    )


def _floor(
    own: OwnLibc | None,
    loader: Loader,
    files: Sequence[ElfFile],
    places: Mapping[str, str],
    versions: Sequence[LibcVersion],
) -> Floor | None:
    """The oldest libc of the target, or the oldest kernel for a libc that comes along. `places` are files on this machine."""
    if own is not None:
        return kernel_floor(own)
    return musl_floor(files, places) if loader.libc is Libc.MUSL else find_floor(versions)


def _read_images(entries: Mapping[str, Entry], executable: str) -> dict[str, Image]:
    """The headers of every entry that is a dynamic ELF file of the executable's kind; damaged ones are the source's business."""
    images = {}
    for path in sorted(entries):
        content = entries[path].content
        if not isinstance(content, Source) or content.size < 52 or _NO_BINARY.search(path):
            continue
        with opened(content.path) as file:
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


def _companion_entries(companions: Companions, environment: Environment) -> Iterator[Entry]:
    """Entries for what comes along with libraries of the host."""
    for path, real in companions.files.items():
        yield bundled_entry(BundledLibrary(path, real, (), ()), environment)
    yield from (entry for taken in companions.led for entry in taken.made)
    scripts = environment.scheme.scripts
    if (text := qt_conf(companions, scripts)) is not None:
        path = f"{scripts}/qt.conf"
        time = os.stat(environment.interpreter.executable).st_mtime_ns
        yield Entry(path, Literal(text.encode()), 0o644, time, Layer.RUNTIME, BUNDLER, _FOR_QT)


def _library_folders(system: SystemLibraries) -> frozenset[str]:
    """The folders in which the loader looks for libraries."""
    known = {os.path.dirname(path) for paths in system.cache.values() for path in paths}
    return frozenset({*known, *system.default_directories})


def _links(entries: Mapping[str, Entry]) -> dict[str, str]:
    """The targets of links, as written, by bundle path."""
    return {path: entry.content.target for path, entry in entries.items() if isinstance(entry.content, Link)}

"""ELF files of a bundle: every NEEDED resolves, as the loader would, to a file inside or a library of the host's."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from bundler.binaries.elf import Image
from bundler.binaries.elf.header_edits import is_resolution_cache
from bundler.binaries.elf.machines import machine_of
from bundler.binaries.elf.search_paths import current_path, split
from bundler.faults import Fault, FaultKind, Findings
from bundler.floor import Release
from bundler.machine import os
from bundler.permissions import has_capabilities
from bundler.sysroot import HOST
from bundler.systems.bundle_view import BundleView
from bundler.systems.libraries import InBundle, LibraryFacts, Missing, NeededBy
from bundler.systems.linux.bound import host_libraries, unbound
from bundler.systems.linux.capabilities import AMBIENT
from bundler.systems.linux.chains import Start
from bundler.systems.linux.closure import Closure
from bundler.systems.linux.elf_files import ElfFile
from bundler.systems.linux.glibc_machines import glibc_machine
from bundler.systems.linux.loader import LoadedObject, SystemLibraries
from bundler.systems.linux.loaders import loader_of
from bundler.systems.linux.processes import (
    BundleFiles,
    Process,
    is_own_libc,
    kinds_of_processes,
    loadable,
    process_of,
)
from bundler.systems.linux.program_loader import standard_loader
from bundler.systems.linux.provided import provision_faults
from bundler.systems.linux.sysroot_libraries import SysrootLibraries
from bundler.systems.linux.target_check import target_findings
from bundler.systems.linux.told import differences
from bundler.target import Target


def check_elf_files(bundle: BundleView, target: Target | None = None) -> Findings:
    """Faults of ELF files, and notes on NEEDEDs that the source did not find either; with a `target` also what it does not have."""
    executable = bundle.scheme.executable
    images = loadable(bundle)
    if executable not in images:
        return Findings(
            [
                Fault(
                    FaultKind.LIBRARY,
                    executable,
                    "is no ELF file",
                    "take the bundle again from where it came from, or pack again",
                )
            ],
            [],
        )
    faults = dict.fromkeys(
        [
            *_loaders(bundle, images),
            *_ways_to_libc(bundle, images),
            *_resolution_caches(images),
            *_capabilities(bundle, images),
        ]
    )
    notes: dict[str, None] = {}
    for seen, own in kinds_of_processes(bundle, images):
        # Where a target's libc is too old for a bundle that chooses, it is not used.
        found, told = _check_searches(bundle, seen, own, target if bool(own) == bool(bundle.loader) else None)
        faults.update(dict.fromkeys(found))
        notes.update(dict.fromkeys(told))
    return Findings([*faults], [*notes])


def _check_searches(
    bundle: BundleView, images: Mapping[str, Image], own_libc: tuple[str, ...], target: Target | None
) -> Findings:
    """Whether every search in processes of the bundle ends where it should, on a `target` too.

    `own_libc` are paths of what is never the host's.
    """
    process = process_of(bundle, images, own_libc)
    files, closure, view = process.files, process.closure, process.view
    missing = bundle.missing
    faults = [
        *_from_host(closure, missing),
        *_search_paths(bundle, process),
        *differences(bundle, images, files, closure.facts),
    ]
    outside = {path for library in closure.facts.bundled for path in (library.path, *library.aliases)}
    notes = []
    for path, needs in closure.facts.needs.items():
        for name, location in needs.items():
            found_here = isinstance(location, InBundle) and location.path in outside
            if (isinstance(location, Missing) or found_here) and NeededBy(path, name) in missing:
                notes.append(f"{path} needs {name}, which the source does not find either")
            elif isinstance(location, Missing):
                hint = f"--include-lib {name} takes it along, --exclude-lib {name} leaves it to the host"
                faults.append(Fault(FaultKind.LIBRARY, path, f"needs {name}, which is not found", hint))
    for unprovided, fault in provision_faults(bundle.versions, closure.facts.needs, bundle.follow):
        if unprovided in bundle.unprovided:
            notes.append(f"{fault.path} {fault.message}, in the source either")
        else:
            faults.append(fault)
    bound = _unbound(bundle, files, process.system, closure.facts, view.is_library)
    faults += bound.faults
    notes += bound.notes
    unfit = target_findings(files, closure.facts.needs, bundle, target) if target is not None else Findings([], [])
    return Findings([*faults, *unfit.faults], [*notes, *unfit.notes])


def _unbound(
    bundle: BundleView,
    files: Sequence[ElfFile],
    system: SystemLibraries,
    facts: LibraryFacts,
    is_library: Callable[[str], bool],
) -> Findings:
    """Symbols for whose lack the loader would refuse a file: faults, and notes on what the source had not either."""
    found = Findings([], [])
    if bundle.open_file is None:
        return found
    hosts = host_libraries(facts.host, system, HOST, is_library)
    for path, symbols in unbound(files, bundle.versions, bundle.open_file, hosts, facts.needs):
        lost = [name for name in symbols if name not in bundle.unbound.get(path, ())]
        some = f"{', '.join((lost or symbols)[:3])}{' and others' * (len(lost or symbols) > 3)}"
        message = f"asks for {some} when it is loaded, and nothing has that"
        if lost:
            hint = "the library that has it was left out (--exclude, --exclude-lib) or is of another release"
            found.faults.append(Fault(FaultKind.LIBRARY, path, message, hint))
        else:
            found.notes.append(f"{path} {message}, in the source either")
    return found


def _loaders(bundle: BundleView, images: Mapping[str, Image]) -> Iterator[Fault]:
    """Programs that are started by another loader than those of the bundle are, or look elsewhere for its libc."""
    for file in _files(bundle, images):
        if not file.is_program and file.path != bundle.scheme.executable:
            continue
        own = file.image.own_loader
        if own is not None:
            place = os.path.normpath(os.path.join(os.path.dirname(file.path), own))
            wanted = bundle.host_libc.release if bundle.host_libc is not None else None
            if not bundle.loader or bundle.follow(place) != bundle.follow(bundle.loader):
                yield Fault(
                    FaultKind.LIBRARY, file.path, f"starts {own}, which is not the loader of the bundle", "pack again"
                )
            elif file.image.host_floor != wanted:
                message = (
                    f"takes the target's loader {_from(file.image.host_floor)}, and the bundle does {_from(wanted)}"
                )
                yield Fault(FaultKind.LIBRARY, file.path, message, "pack again")
        elif bundle.loader and os.path.basename(file.image.interpreter or "") == os.path.basename(bundle.loader):
            message = f"is started by the target's loader, and not by {bundle.loader}"
            yield Fault(FaultKind.LIBRARY, file.path, message, "pack again, or leave the program out")
        if (own is None or bundle.host_libc is not None) and (standard := standard_loader(file.image)) is not None:
            message = f"is started by {file.image.interpreter}, and not by {standard}"
            hint = f"pack again, or: bundler patch --set-interpreter {standard} {file.path}"
            yield Fault(FaultKind.LIBRARY, file.path, message, hint)


def _ways_to_libc(bundle: BundleView, images: Mapping[str, Image]) -> Iterator[Fault]:
    """Search paths that lead to the bundle's libc, and count in processes that may have another one."""
    machine = machine_of(images[bundle.scheme.executable])
    view = BundleFiles(bundle, images, SysrootLibraries(images[bundle.scheme.executable]))
    rules = loader_of(images[bundle.scheme.executable])
    for file in _files(bundle, images) if bundle.loader else ():
        image = file.image
        own = image.own_rpath if bundle.host_libc is not None else image.rpath
        others = [image.rpath, image.runpath, image.own_rpath]
        if image.own_loader is not None:
            others.remove(own)
        loaded = LoadedObject.from_image(file.source, image)
        for entry in (entry for text in others for entry in split(text)):
            places = rules.expand(entry, loaded, view, SystemLibraries(lib=glibc_machine(machine).lib))
            if any(is_own_libc(bundle, f"{bundle.root.inside(place)}/libc.so.6") for place in places):
                message = f"its search path leads to the bundle's libc, and its process may have another one: {entry}"
                yield Fault(FaultKind.SEARCH_PATH, file.path, message, "pack again")


def _from(release: Release | None) -> str:
    return "never" if release is None else f"from glibc {release[0]}.{release[1]} on"


def _files(bundle: BundleView, images: Mapping[str, Image]) -> Iterator[ElfFile]:
    for path, image in images.items():
        yield ElfFile(path, bundle.root.place(path), image)


def _resolution_caches(images: Mapping[str, Image]) -> Iterator[Fault]:
    """Files that tell the loader of NixOS absolute paths of libraries."""
    for path, image in images.items():
        if any(map(is_resolution_cache, image.notes)):
            message = "has a note of absolute paths that the loader of NixOS prefers to its search path"
            hint = "pack again: a pack empties such notes"
            yield Fault(FaultKind.SEARCH_PATH, path, message, hint)


def _capabilities(bundle: BundleView, images: Mapping[str, Image]) -> Iterator[Fault]:
    """Programs that the kernel starts in secure mode."""
    for file in _files(bundle, images):
        if file.is_program and has_capabilities(file.source):
            message = "has file capabilities, with which the loader does not follow $ORIGIN"
            yield Fault(FaultKind.LIBRARY, file.path, message, f"setcap -r {file.path}, and {AMBIENT}")


def _from_host(closure: Closure, missing: Collection[NeededBy]) -> Iterator[Fault]:
    """Libraries that the loader would take from the host although they are none of the host's.

    What the source did not find (`missing`), the host may have. Where others bring a file, they pass on where it finds what it
    needs: what it would find on this machine if somebody opened it by its path says nothing then.
    """
    outside = {path: library for library in closure.facts.bundled for path in (library.path, *library.aliases)}
    certain: set[NeededBy] = set()
    found: dict[tuple[str, NeededBy, bool], None] = {}
    for state, locations in closure.locations.items():
        opened = state.process.start is Start.OPENED
        for name, location in locations.items():
            need = NeededBy(closure.paths[state.file], name)
            if isinstance(location, InBundle):
                if not opened:
                    certain.add(need)
                if location.path in outside:
                    found[outside[location.path].path, need, opened] = None
    told = set()
    for path, need, opened in sorted(found):
        if need in missing or (opened and need in certain) or need.path in outside or (path, need.path) in told:
            continue
        told.add((path, need.path))
        source = outside[path].source
        name = os.path.basename(path)
        hint = f"--include-lib {source} takes it along, --exclude-lib {name} leaves it to the host"
        yield Fault(FaultKind.LIBRARY, need.path, f"would take {name} from the host ({source})", hint)


def _search_paths(bundle: BundleView, process: Process) -> Iterator[Fault]:
    """Elements that lead out, and RUNPATHs behind which LD_LIBRARY_PATH would win."""
    loader, needs = process.loader, process.closure.facts.needs
    for file in process.files:
        inside = any(isinstance(place, InBundle) for place in needs.get(file.path, {}).values())
        if file.image.runpath is not None and inside and loader.rpath_beats_library_path:
            hint = f"pack again, or: bundler patch --rpath {file.path}"
            yield Fault(FaultKind.SEARCH_PATH, file.path, "has a RUNPATH, so LD_LIBRARY_PATH would win", hint)
        loaded = LoadedObject.from_image(bundle.root.place(file.path), file.image)
        for entry in split(current_path(file.image)):
            places = list(loader.expand(entry, loaded, process.view, process.system))
            if not all(bundle.root.holds(place) for place in places):
                message = f"its search path leads out of the bundle: {entry}"
                hint = f"pack again, or: bundler patch --set-rpath '$ORIGIN/…' {file.path}"
                yield Fault(FaultKind.SEARCH_PATH, file.path, message, hint)

"""ELF files of a bundle against what `bundle.json` says of them: a reader of that file plans by it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from bundler.binaries.elf import Image
from bundler.binaries.elf.machines import machine_of
from bundler.faults import Fault, FaultKind
from bundler.machine import os
from bundler.platforms import machine_named
from bundler.systems.bundle_view import BundleView
from bundler.systems.libraries import InBundle, LibraryFacts
from bundler.systems.linux.ceiling import find_ceiling
from bundler.systems.linux.elf_files import ElfFile
from bundler.systems.linux.floor import find_floor, libc_versions
from bundler.systems.linux.policy import HostReason, stays_on_host

_AGAIN = "take the bundle again from where it came from, or pack again"


def differences(
    bundle: BundleView, images: Mapping[str, Image], files: Collection[ElfFile], facts: LibraryFacts
) -> Iterator[Fault]:
    """Faults of what was packed; `images` are all that the loader takes, `facts` where it finds what they need."""
    packed = [file for file in files if file.path in bundle.told.packed]
    yield from _machine(bundle, images)
    yield from _unloadable(bundle, images[bundle.scheme.executable])
    yield from _family(bundle, packed)
    yield from _others(packed, images)
    yield from _added(bundle, facts)
    yield from _floor(bundle, packed)
    yield from _ceiling(bundle, packed)


def _machine(bundle: BundleView, images: Mapping[str, Image]) -> Iterator[Fault]:
    """The machine that the interpreter is built for."""
    told, found = machine_named(bundle.told.machine), machine_of(images[bundle.scheme.executable])
    if bundle.told.machine and (told is None or told.name != found.name):
        message = f"tells a bundle for {bundle.told.machine}, and {bundle.scheme.executable} is built for {found.name}"
        yield Fault(FaultKind.MANIFEST, "bundle.json", message, _AGAIN)


def _unloadable(bundle: BundleView, program: Image) -> Iterator[Fault]:
    """Files that were libraries when they were packed, and that the program's loader does not take."""
    kind = (program.machine, program.elf_class, program.byteorder)
    for path in sorted(bundle.told.libraries):
        image = bundle.images.get(path)
        if not isinstance(image, Image) or (image.machine, image.elf_class, image.byteorder) != kind:
            message = "is damaged, or built for another machine than the bundle's Python: the loader does not take it"
            yield Fault(FaultKind.LIBRARY, path, message, _AGAIN)


def _family(bundle: BundleView, files: Collection[ElfFile]) -> Iterator[Fault]:
    """Libraries of libc's family among those of the bundle, where programs are started by the target's loader."""
    for file in files:
        folder, _, name = file.path.rpartition("/")
        if not bundle.loader and folder == bundle.scheme.bundled and stays_on_host(name) is HostReason.LIBC:
            message = "is of libc's family, which the target brings: no process works with a part of two of them"
            yield Fault(FaultKind.LIBRARY, file.path, message, "pack again")


def _others(files: Collection[ElfFile], images: Mapping[str, Image]) -> Iterator[Fault]:
    """Libraries that the loader opens beside those that are needed, and that are not the bundle's."""
    own = {os.path.basename(path) for path in images}
    for file in files:
        for tag, name in file.image.also_opened:
            if "/" in name or name not in own:
                message = f"has the loader open {name}, which is not in the bundle ({tag})"
                yield Fault(FaultKind.LIBRARY, file.path, message, "pack again with a build of it that does not")


def _added(bundle: BundleView, facts: LibraryFacts) -> Iterator[Fault]:
    """Packed files that find a library which was not packed."""
    added = bundle.images.keys() - bundle.told.packed - bundle.told.installed
    for path, needs in sorted(facts.needs.items()) if added else ():
        for name, place in needs.items() if path in bundle.told.packed else ():
            if isinstance(place, InBundle) and place.path in added:
                hint = f"remove {place.path}, unless you know who put it there and what for"
                yield Fault(FaultKind.LIBRARY, path, f"takes {place.path} for {name}, which was added", hint)


def _floor(bundle: BundleView, files: Collection[ElfFile]) -> Iterator[Fault]:
    """The oldest glibc, where that is the target's."""
    versions = {file.path: bundle.versions[file.path] for file in files if file.path in bundle.versions}
    found, told = find_floor(libc_versions(versions)), bundle.told.floor
    if found is not None and not bundle.loader and (told is None or told.release < found.release):
        message = f"needs glibc {found.text} ({found.reason}), and bundle.json tells {told.text if told else 'none'}"
        yield Fault(FaultKind.MANIFEST, found.file, message, _AGAIN)


def _ceiling(bundle: BundleView, files: Collection[ElfFile]) -> Iterator[Fault]:
    """What stops the bundle elsewhere, and nobody is told."""
    found, told = find_ceiling(files, (), executable=bundle.scheme.executable), bundle.told.ceiling
    for paths, known, what in (
        (found.executable_stacks, told.executable_stacks, "asks for an executable stack"),
        (found.unmarked_stacks, told.unmarked_stacks, "asks for an executable stack by saying nothing"),
        (found.text_relocations, told.text_relocations, "has the loader write to its code"),
        (found.writable_code, told.writable_code, "has memory that can be written to and executed"),
    ):
        for path in sorted({*paths} - {*known}):
            yield Fault(FaultKind.MANIFEST, path, f"{what}, which bundle.json does not tell", _AGAIN)
    level, told_level = found.cpu_level, told.cpu_level
    if level is not None and (told_level is None or told_level.name < level.name):
        message = f"needs a processor of level {level.name}, which bundle.json does not tell"
        yield Fault(FaultKind.MANIFEST, level.file, message, _AGAIN)

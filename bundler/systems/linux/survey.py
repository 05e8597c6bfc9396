"""What the ELF files of a finished bundle ask for: libraries, and releases of libc."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bundler.binaries.elf import Image
from bundler.binaries.elf import constants as c
from bundler.floor import FloorDemand, highest_of_each
from bundler.platforms import Libc
from bundler.systems.bundle_view import BundleView
from bundler.systems.libraries import InBundle, Location, Missing
from bundler.systems.linux.elf_files import ElfFile
from bundler.systems.linux.floor import libc_versions
from bundler.systems.linux.libc_family import oldest_kernel
from bundler.systems.linux.loaders import loader_of
from bundler.systems.linux.musl_releases import musl_demands
from bundler.systems.linux.processes import OUTSIDE, is_own_libc, kinds_of_processes, loadable, process_of
from bundler.systems.surveys import NOTHING_SURVEYED, Survey


def survey_elf_files(bundle: BundleView) -> Survey:
    """Where each NEEDED leads in the bundle's own processes; with a libc that it brings, in those that use it."""
    images = loadable(bundle)
    if bundle.scheme.executable not in images:
        return NOTHING_SURVEYED
    needs: dict[str, dict[str, Location]] = {}
    for seen, own_libc in reversed([*kinds_of_processes(bundle, images)]):
        found = process_of(bundle, seen, own_libc, with_host=False).closure.facts.needs
        for path, places in found.items():
            if path in images:
                needs.setdefault(path, {name: _inside(place) for name, place in places.items()})
    programs = (path for path, image in bundle.images.items() if isinstance(image, Image) and _is_program(path, image))
    return Survey(
        {path: needs.get(path, {}) for path in images},
        highest_of_each(_demands(bundle, images)),
        frozenset(programs),
    )


def _inside(place: Location) -> Location:
    """A place in the bundle, or what stands for none: a search path that leads out counts for nothing."""
    return Missing() if isinstance(place, InBundle) and place.path.startswith(f"{OUTSIDE}/") else place


def _demands(bundle: BundleView, images: Mapping[str, Image]) -> Iterator[FloorDemand]:
    """What each file asks of the target's libc; with a libc that comes along, what that asks of the kernel."""
    if bundle.loader:
        for path, image in images.items():
            kernel = oldest_kernel(image) if is_own_libc(bundle, path) else None
            if kernel is not None:
                yield FloorDemand(kernel, path, "its ABI note")
    elif loader_of(images[bundle.scheme.executable]).libc is Libc.MUSL:
        yield from musl_demands(images, bundle.functions)
    else:
        for version in libc_versions(bundle.versions):
            if version.release is not None and version.path in images:
                yield FloorDemand(version.release, version.path, version.version)


def _is_program(path: str, image: Image) -> bool:
    """Whether the kernel starts the file, linked statically or not."""
    is_static = image.interpreter is None and (image.type == c.ET_EXEC or bool(image.flags_1 & c.DF_1_PIE))
    return ElfFile(path, path, image).is_program or (is_static and ".so" not in path.rpartition("/")[2])

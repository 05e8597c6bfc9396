"""A finished bundle as its loader sees it: the kinds of processes that it has, and where each search in them leads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from bundler.binaries.elf import Image
from bundler.binaries.elf.machines import machine_of
from bundler.machine import os
from bundler.sysroot import HOST
from bundler.systems.bundle_view import BundleView
from bundler.systems.linux.closure import Closure, ClosureContext, find_closure
from bundler.systems.linux.elf_files import ElfFile
from bundler.systems.linux.loader import Loader, SystemLibraries
from bundler.systems.linux.loaders import loader_of
from bundler.systems.linux.order import in_loading_order
from bundler.systems.linux.policy import HostReason, stays_on_host
from bundler.systems.linux.sysroot_libraries import SysrootLibraries

OUTSIDE = "\x01host"
"""Where the closure puts libraries of this machine: no bundle has a folder of that name."""


@dataclass(frozen=True, slots=True)
class Process:
    """A kind of process of a bundle, with all that may come into it."""

    files: tuple[ElfFile, ...]
    """In the order in which Python may load them."""
    loader: Loader
    view: BundleFiles
    system: SystemLibraries
    """The folders that are searched last."""
    closure: Closure


def loadable(bundle: BundleView) -> dict[str, Image]:
    """The dynamic ELF files of the interpreter's own machine, by bundle path."""
    program = bundle.images.get(bundle.scheme.executable)
    if not isinstance(program, Image):
        return {}
    kind = (program.machine, program.elf_class, program.byteorder)
    return {
        path: image
        for path, image in bundle.images.items()
        if isinstance(image, Image)
        and image.dynamic is not None
        and (image.machine, image.elf_class, image.byteorder) == kind
    }


def kinds_of_processes(
    bundle: BundleView, images: Mapping[str, Image]
) -> Iterator[tuple[Mapping[str, Image], tuple[str, ...]]]:
    """What the loader sees of the bundle in its processes, and the paths of libc's family where they use the one in it.

    That family is in no other process. Programs that choose have another search path with it.
    """
    inside = {path: image for path, image in images.items() if is_own_libc(bundle, path)}
    outside = {path: image for path, image in images.items() if path not in inside}
    if not bundle.loader or bundle.host_libc is not None:
        yield outside, ()
    if bundle.loader:
        chosen = {path: replace(image, rpath=image.own_rpath or image.rpath) for path, image in outside.items()}
        yield {**inside, **chosen}, tuple(map(bundle.root.place, inside))


def process_of(
    bundle: BundleView, images: Mapping[str, Image], own_libc: tuple[str, ...], *, with_host: bool = True
) -> Process:
    """The processes that see `images`, with the interpreter among them; `own_libc` are paths of what is never the host's.

    Without `with_host` this machine's folders of libraries are not searched: then it finds the same on every machine.
    """
    executable = bundle.scheme.executable
    files = in_loading_order(
        (ElfFile(path, bundle.root.place(path), image) for path, image in images.items()), bundle.extension_suffixes
    )
    program = next(file for file in files if file.path == executable)
    loader = loader_of(program.image)
    view = BundleFiles(bundle, images, SysrootLibraries(program.image))
    system = _last_directories(loader, program, bundle) if with_host else SystemLibraries()
    context = ClosureContext(
        loader=loader,
        files=view,
        system=system,
        bundled_folder=OUTSIDE,
        library_path=(),
        bundle_path=view.bundle_path,
        excluded=frozenset(bundle.host_libraries) if not own_libc else _left_to_host(bundle),
        package_of=bundle.scheme.package_of,
        follows_notes=False,
        included=own_libc,
    )
    return Process(tuple(files), loader, view, system, find_closure(files, program, context))


def is_own_libc(bundle: BundleView, path: str) -> bool:
    """Whether a file is of libc's family, where the bundle brings that: then nothing of it is the host's."""
    return bool(bundle.loader) and os.path.dirname(path) == os.path.dirname(bundle.loader)


def _left_to_host(bundle: BundleView) -> frozenset[str]:
    """What is left to the host by processes that use the bundle's libc."""
    return frozenset(name for name in bundle.host_libraries if stays_on_host(name) is not HostReason.LIBC)


def _last_directories(loader: Loader, program: ElfFile, bundle: BundleView) -> SystemLibraries:
    """The host's; none where the bundle brings a loader, and beside it a file that names none."""
    own = loader.directories_file(bundle.loader) if bundle.loader else None
    if own is not None and bundle.follow(own) is not None:
        return SystemLibraries()
    return loader.system_libraries(machine_of(program.image), HOST)


class BundleFiles:
    """What a loader would find: the files of the bundle as they were read, and the host's. See `loader.LoaderView`."""

    def __init__(self, bundle: BundleView, images: Mapping[str, Image], host: SysrootLibraries) -> None:
        self._bundle = bundle
        self._images = images
        self._host = host

    def bundle_path(self, path: str) -> str | None:
        """The bundle path of the file that a path on this machine leads to; None for one outside."""
        inside = self._bundle.root.inside(path)
        return self._bundle.follow(inside) if inside is not None else None

    def is_library(self, path: str) -> bool:
        """Whether the loader would take the file."""
        if self._bundle.root.holds(path):
            return self.bundle_path(path) in self._images
        return self._host.is_library(path)

    def is_there(self, path: str) -> bool:
        """In the bundle, a library: nobody looks there for anything else."""
        return self.is_library(path) if self._bundle.root.holds(path) else self._host.is_there(path)

    def normal(self, path: str) -> str:
        """In the bundle by the names alone."""
        return os.path.normpath(path) if self._bundle.root.holds(path) else self._host.normal(path)

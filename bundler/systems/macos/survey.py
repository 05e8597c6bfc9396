"""What the Mach-O files of a finished bundle ask for: libraries by their install names, and releases of macOS."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from bundler.binaries.macho import DylibKind, Image
from bundler.binaries.macho import constants as c
from bundler.floor import FloorDemand, highest_of_each
from bundler.systems.bundle_view import BundleView
from bundler.systems.libraries import InBundle, Location, Missing, NeededBy, OnHost, Preloaded
from bundler.systems.macos.dyld import LoadedImage, is_system, resolve_all
from bundler.systems.macos.floor import demands
from bundler.systems.surveys import NOTHING_SURVEYED, Survey


def survey_macho_files(bundle: BundleView) -> Survey:
    """Where each install name leads: of a file that several processes have, in the first that finds it."""
    images = loaded_images(bundle)
    if bundle.scheme.executable not in images:
        return NOTHING_SURVEYED
    needs: dict[str, dict[str, Location]] = {path: {} for path in images}
    for program, starts in processes(bundle, images):
        for (path, name), place in places_of_names(bundle, images, program, starts):
            known = needs.setdefault(path, {})
            if isinstance(known.get(name, Missing()), Missing):
                known[name] = place
    programs = frozenset(path for path, item in images.items() if item.filetype == c.MH_EXECUTE)
    return Survey(needs, highest_of_each(least_demands(bundle, images)), programs)


def loaded_images(bundle: BundleView) -> dict[str, LoadedImage]:
    """The Mach-O files of a bundle, by bundle path."""
    return {
        path: LoadedImage(bundle.root.place(path), image)
        for path, image in bundle.images.items()
        if isinstance(image, Image)
    }


def processes(bundle: BundleView, images: Mapping[str, LoadedImage]) -> Iterator[tuple[str, Sequence[LoadedImage]]]:
    """Each program of the bundle, Python's own first, and what is opened in its processes: all that is no program, in Python's."""
    executable = bundle.scheme.executable
    others = [path for path, item in images.items() if item.filetype == c.MH_EXECUTE and path != executable]
    yield executable, [item for path, item in images.items() if path not in others]
    for program in others:
        yield program, ()


def places_of_names(
    bundle: BundleView, images: Mapping[str, LoadedImage], program: str, starts: Sequence[LoadedImage]
) -> Iterator[tuple[NeededBy, Location]]:
    """What the names lead to in a process of `program`; a library that need not be there, and is not, is left out."""
    root = bundle.root

    def inside(path: str) -> str | None:
        place = root.inside(path)
        return bundle.follow(place) if place is not None else None

    def find(path: str) -> LoadedImage | None:
        place = inside(path)
        return images.get(place) if place is not None else None

    provided = {part.install_name: path for path, item in images.items() for part in item.image.slices}
    by_path = {item.path: item for item in images.values()}
    libpython = _libpython(images[program], find)
    resolved = resolve_all([images[program], *starts], images[program], libpython, find)
    for requester, found in resolved.items():
        path = root.inside(requester) or requester
        for dylib in by_path[requester].dylibs:
            name = dylib.name
            target = found.get(name)
            place: Location = Missing()
            if target is not None:
                place = InBundle(inside(target.path) or target.path)
            elif is_system(name) or name in bundle.host_libraries:
                place = OnHost()
            elif dylib.kind is DylibKind.WEAK:
                continue
            elif (known := provided.get(name) or _named_like(name, images)) is not None:
                place = Preloaded(known)
            yield NeededBy(path, name), place


def least_demands(bundle: BundleView, images: Mapping[str, LoadedImage]) -> list[FloorDemand]:
    """What files ask for: of the interpreter's architectures the one that asks for least."""
    headers = {path: item.image for path, item in images.items()}
    of_each = [list(demands(headers, each)) for each in headers[bundle.scheme.executable].architectures]
    return min(of_each, key=lambda asked: max((each.release for each in asked), default=(0, 0)))


def _named_like(name: str, images: Mapping[str, LoadedImage]) -> str | None:
    """A library of that name in the bundle: what is loaded already is not looked for. None for absolute names."""
    leaf = name.rpartition("/")[2]
    if name.startswith("/"):
        return None
    return next((path for path in images if path.rpartition("/")[2] == leaf), None)


def _libpython(program: LoadedImage, find: Callable[[str], LoadedImage | None]) -> LoadedImage | None:
    """The library that holds Python: what the program loads and is not the system's."""
    resolved = resolve_all([program], program, None, find)
    return next((target for target in resolved[program.path].values() if target is not None), None)

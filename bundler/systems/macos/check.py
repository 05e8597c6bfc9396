"""Mach-O files of a bundle: every install name resolves as dyld would, from each program, and every signature is true."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from bundler.binaries.macho import DylibKind, Image
from bundler.binaries.macho import constants as c
from bundler.faults import Fault, FaultKind, Findings
from bundler.systems.bundle_view import BundleView
from bundler.systems.libraries import NeededBy
from bundler.systems.macos.dyld import LoadedImage, expand, is_system, resolve_all
from bundler.systems.macos.floor import demands
from bundler.systems.unfit import too_new
from bundler.target import Target


def check_macho_files(bundle: BundleView, target: Target | None = None) -> Findings:
    """Faults of Mach-O files, and notes on libraries that the source did not find either.

    Python's own program is asked for every file; each other program of the bundle for itself. With a `target` also what keeps files
    from running there.
    """
    images = {
        path: LoadedImage(bundle.root.place(path), image)
        for path, image in bundle.images.items()
        if isinstance(image, Image)
    }
    executable = bundle.scheme.executable
    if executable not in images:
        return Findings(
            [
                Fault(
                    FaultKind.LIBRARY,
                    executable,
                    "is no Mach-O file",
                    "take the bundle again from where it came from, or pack again",
                )
            ],
            [],
        )
    faults = [*_signatures(bundle), *_search_paths(bundle, images)]
    notes: list[str] = []
    programs = [path for path, item in images.items() if item.filetype == c.MH_EXECUTE and path != executable]
    for program in (executable, *programs):
        starts = [item for path, item in images.items() if program == executable and path not in programs]
        found, known = _names(bundle, images, program, starts)
        faults += (fault for fault in found if fault not in faults)
        notes += (note for note in known if note not in notes)
    if target is not None:
        faults += _unfit(bundle, images, target)
    return Findings(faults, notes)


def _unfit(bundle: BundleView, images: Mapping[str, LoadedImage], target: Target) -> list[Fault]:
    """What keeps files from running on a target: of the interpreter's architectures the one that asks for least."""
    headers = {path: item.image for path, item in images.items()}
    architectures = headers[bundle.scheme.executable].architectures
    of_each = [list(demands(headers, each)) for each in architectures]
    least = min(of_each, key=lambda asked: max((each.release for each in asked), default=(0, 0)))
    return list(too_new(least, bundle, target))


def _names(bundle: BundleView, images: Mapping[str, LoadedImage], program: str, starts: list[LoadedImage]) -> Findings:
    """What the names lead to in a process of `program`."""
    root = bundle.root
    provided = {part.install_name for item in images.values() for part in item.image.slices}

    def find(path: str) -> LoadedImage | None:
        place = root.inside(path)
        inside = bundle.follow(place) if place is not None else None
        return images.get(inside) if inside is not None else None

    libpython = _libpython(images[program], find)
    weak = {
        item.path: {dylib.name for dylib in item.dylibs if dylib.kind is DylibKind.WEAK} for item in images.values()
    }
    host = set(bundle.host_libraries)
    faults, notes = [], []
    for requester, needs in resolve_all([images[program], *starts], images[program], libpython, find).items():
        path = root.inside(requester) or requester
        for name, target in needs.items():
            if target is not None or name in weak[requester] or name in host:
                continue
            if NeededBy(path, name) in bundle.missing:
                notes.append(f"{path} needs {name}, which the source does not find either")
            elif name not in provided and not _named_like(name, images):
                leaf = name.rpartition("/")[2]
                hint = f"--include-lib {leaf} takes it along, --exclude-lib {leaf} leaves it to the host"
                faults.append(Fault(FaultKind.LIBRARY, path, f"needs {name}, which is not found in the bundle", hint))
    return Findings(faults, notes)


def _named_like(name: str, images: Mapping[str, LoadedImage]) -> bool:
    """Whether a library of that name is in the bundle: what is loaded already is not looked for. Not for absolute names."""
    leaf = name.rpartition("/")[2]
    return not name.startswith("/") and any(path.rpartition("/")[2] == leaf for path in images)


def _libpython(program: LoadedImage, find: Callable[[str], LoadedImage | None]) -> LoadedImage | None:
    """The library that holds Python: what the program loads and is not the system's."""
    resolved = resolve_all([program], program, None, find)
    return next((target for target in resolved[program.path].values() if target is not None), None)


def _signatures(bundle: BundleView) -> Iterator[Fault]:
    for path, faults in bundle.binary_faults.items():
        for fault in faults:
            yield Fault(FaultKind.SIGNATURE, path, fault, f"sign it again: codesign -f -s - {path}")


def _search_paths(bundle: BundleView, images: Mapping[str, LoadedImage]) -> Iterator[Fault]:
    """Search paths that lead out of the bundle and are not the system's."""
    program = images[bundle.scheme.executable]
    for path, item in images.items():
        for rpath in item.rpaths:
            place = expand(rpath, item, program)
            if not bundle.root.holds(place) and not is_system(place + "/"):
                hint = f"pack again, or: bundler patch --delete-rpath {rpath} {path}"
                yield Fault(FaultKind.SEARCH_PATH, path, f"its search path leads out of the bundle: {rpath}", hint)

"""Mach-O files of a bundle: every install name resolves as dyld would, from each program, and every signature is true."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bundler.faults import Fault, FaultKind, Findings
from bundler.systems.bundle_view import BundleView
from bundler.systems.libraries import Missing
from bundler.systems.macos.dyld import LoadedImage, expand, is_system
from bundler.systems.macos.survey import least_demands, loaded_images, places_of_names, processes
from bundler.systems.unfit import too_new
from bundler.target import Target


def check_macho_files(bundle: BundleView, target: Target | None = None) -> Findings:
    """Faults of Mach-O files, and notes on libraries that the source did not find either.

    Python's own program is asked for every file; each other program of the bundle for itself. With a `target` also what keeps files
    from running there.
    """
    images = loaded_images(bundle)
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
    for program, starts in processes(bundle, images):
        found, known = _names(bundle, images, program, starts)
        faults += (fault for fault in found if fault not in faults)
        notes += (note for note in known if note not in notes)
    if target is not None:
        faults += too_new(least_demands(bundle, images), bundle, target)
    return Findings(faults, notes)


def _names(
    bundle: BundleView, images: Mapping[str, LoadedImage], program: str, starts: Sequence[LoadedImage]
) -> Findings:
    """What the names lead to in a process of `program`."""
    faults, notes = [], []
    for need, place in places_of_names(bundle, images, program, starts):
        if not isinstance(place, Missing):
            continue
        if need in bundle.missing:
            notes.append(f"{need.path} needs {need.name}, which the source does not find either")
        else:
            leaf = need.name.rpartition("/")[2]
            hint = f"--include-lib {leaf} takes it along, --exclude-lib {leaf} leaves it to the host"
            message = f"needs {need.name}, which is not found in the bundle"
            faults.append(Fault(FaultKind.LIBRARY, need.path, message, hint))
    return Findings(faults, notes)


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

"""What the PE files of a finished bundle ask for: DLLs, and releases of Windows."""

from __future__ import annotations

from collections.abc import Mapping

from bundler.binaries.pe import Image
from bundler.binaries.pe.edits import folded
from bundler.floor import highest_of_each
from bundler.systems.bundle_view import BundleView
from bundler.systems.libraries import InBundle, Location, Missing, OnHost, Preloaded, is_listed
from bundler.systems.surveys import NOTHING_SURVEYED, Survey
from bundler.systems.windows.floor import demands
from bundler.systems.windows.policy import stays_with_windows
from bundler.systems.windows.search import AllAdded, Asking, Folders, Lookup, added_folders, resolve_all


def survey_pe_files(bundle: BundleView) -> Survey:
    """Where each name of a DLL leads: of several searches to a file of the bundle, where one does."""
    executable = bundle.scheme.executable
    images = images_for_python(bundle)
    if executable not in images:
        return NOTHING_SURVEYED
    folders = Folders(images)
    needs: dict[str, dict[str, Location]] = {path: {} for path in images}
    for lookup in resolve_all(images, executable, AllAdded(added_folders(images))):
        place = _place(lookup, folders, bundle)
        known = needs[lookup.requester].get(lookup.name)
        if place is not None and not isinstance(known, InBundle):
            needs[lookup.requester][lookup.name] = place
    programs = frozenset(path for path, image in images.items() if not image.headers.is_dll)
    return Survey(needs, highest_of_each(demands(images, executable, bundle.python)), programs)


def images_for_python(bundle: BundleView) -> Mapping[str, Image]:
    """The PE files for the machine of Python's own program, that among them; none where that is none. Others are data."""
    images = {path: image for path, image in bundle.images.items() if isinstance(image, Image)}
    program = images.get(bundle.scheme.executable)
    if program is None:
        return {}
    return {path: image for path, image in images.items() if image.headers.machine == program.headers.machine}


def _place(lookup: Lookup, folders: Folders, bundle: BundleView) -> Location | None:
    """Where a lookup leads; None for what is found nowhere and looked for at its first use only."""
    if lookup.found is not None:
        return Preloaded(lookup.found) if lookup.beforehand else InBundle(lookup.found)
    name = folded(lookup.name)
    if stays_with_windows(name) is not None or is_listed(name, bundle.host_libraries):
        return OnHost()
    if lookup.asking is not Asking.AT_ONCE:
        return None
    elsewhere = folders.named(name)
    return Preloaded(elsewhere[0]) if elsewhere else Missing()

"""The plan's Mach-O files: read, completed by what they need, and patched where dyld would not find it (macOS)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from bundler.binaries.macho import Edits, Image, PatchPlan, is_macho, plan_patch, read_image
from bundler.entries import Entry, Patched, Source
from bundler.environment import Environment, Interpreter
from bundler.errors import BinaryFormatError, BundlerError, CannotPatch, NoHeaderRoom, UnsupportedEnvironment, raise_all
from bundler.files import opened
from bundler.machine.failing import is_file, unless_failing
from bundler.options import ContentOptions
from bundler.plan.binaries.macos.install_names import NameChange, find_changes, uses_search_path, with_search_path
from bundler.plan.binaries.planned import PlannedBinaries, bundled_entry
from bundler.plan.mounts import MountTable
from bundler.scheme import BundleScheme
from bundler.sysroot import Sysroot
from bundler.systems.macos.closure import find_closure
from bundler.systems.macos.dyld import LoadedImage
from bundler.systems.macos.floor import find_floor
from bundler.systems.macos.rules import MACOS

_SMALLEST = 32


def plan_macho(
    entries: Mapping[str, Entry], environment: Environment, mounts: MountTable, options: ContentOptions
) -> PlannedBinaries:
    """Read the Mach-O files among `entries`, find what they need, and plan their patches.

    Raises what makes the bundle differ from its source: an interpreter that cannot be read, an install name that does not
    fit; all together.
    """
    interpreter, scheme = environment.interpreter, environment.scheme
    files = _Files(environment.sysroot, entries, mounts)
    images = _read_images(entries)
    executable = scheme.executable
    if executable not in images:
        raise UnsupportedEnvironment(f"{interpreter.executable} is no Mach-O executable")
    _check_thin(images[executable], interpreter, options)
    loaded = {path: files.known_as(_source(entries[path]), image) for path, image in images.items()}
    libpython = next((path for path in scheme.libpython if path in loaded), None)
    closure = find_closure(
        loaded,
        loaded[executable],
        loaded[libpython] if libpython is not None else None,
        files,
        scheme.bundled,
        excluded=frozenset(options.exclude_libs),
        included=[_included(name, files) for name in options.include_libs],
    )
    added = tuple(bundled_entry(library, environment) for library in closure.facts.bundled)
    planned = {**entries, **{entry.path: entry for entry in added}}
    everything = {**images, **closure.images}
    changes = find_changes(everything, closure.facts, planned, scheme)
    patched, warnings = _patch(everything, changes, planned, scheme, options.thin)
    return PlannedBinaries(
        (*added, *patched), closure.facts, libpython, find_floor(everything, executable), tuple(warnings)
    )


class _Files:
    """The Mach-O files of a root, by the names that dyld knows there; see `closure.SourceFiles`."""

    def __init__(self, sysroot: Sysroot, entries: Mapping[str, Entry], mounts: MountTable) -> None:
        self._sysroot = sysroot
        self._entries = entries
        self._mounts = mounts
        self._images: dict[str, Image | None] = {}

    def known_as(self, path: str, image: Image) -> LoadedImage:
        """The file at a path on this machine, which was read already."""
        self._images[self._sysroot.real(path)] = image
        return LoadedImage(self._sysroot.name_of(path), image)

    def real(self, name: str) -> str:
        """The file on this machine, links followed."""
        return self._sysroot.real(self._sysroot.path_of(name))

    def find(self, name: str) -> LoadedImage | None:
        """The Mach-O file of a name; None where there is none."""
        try:
            path = self.real(name)
        except OSError as error:
            unless_failing(error, name)
            return None
        if path not in self._images:
            self._images[path] = _read_image(path) if is_file(path) else None
        image = self._images[path]
        return LoadedImage(name, image) if image is not None else None

    def bundle_path(self, name: str) -> str | None:
        """Where the file of a name is taken along already, by its name or behind its links; None where it is not."""
        path = self._sysroot.path_of(name)
        for candidate in (path, self._sysroot.real(path)):
            inside = self._mounts.bundle_path(candidate)
            if inside is not None and inside in self._entries and isinstance(self._entries[inside].content, Source):
                return inside
        return None


def _read_images(entries: Mapping[str, Entry]) -> dict[str, Image]:
    """The headers of every entry that is a Mach-O file; damaged ones are the source's business."""
    images = {}
    for path in sorted(entries):
        content = entries[path].content
        if isinstance(content, Source) and content.size >= _SMALLEST and not MACOS.no_binary_suffix.search(path):
            image = _read_image(content.path)
            if image is not None:
                images[path] = image
    return images


def _read_image(path: str) -> Image | None:
    with opened(path) as file:
        if not is_macho(file.read(8)):
            return None
        try:
            return read_image(file)
        except BinaryFormatError:
            return None


def _included(name: str, files: _Files) -> LoadedImage:
    found = files.find(name) if name.startswith("/") else None
    if found is None:
        raise BundlerError(
            f"--include-lib {name}: there is no such library", "give its whole path: macOS has no others"
        )
    return found


def _check_thin(program: Image, interpreter: Interpreter, options: ContentOptions) -> None:
    if options.thin and program.slice_for(options.thin) is None:
        raise BundlerError(
            f"--thin {options.thin}: {interpreter.executable} is built for {', '.join(program.architectures)}",
            "choose one of these",
        )


def _patch(
    images: Mapping[str, Image],
    changes: Mapping[str, NameChange],
    entries: Mapping[str, Entry],
    scheme: BundleScheme,
    thin: str,
) -> tuple[list[Entry], list[str]]:
    """The changed files as entries. Names that do not fit are raised together."""
    patched: list[Entry] = []
    errors: list[BundlerError] = []
    warnings: list[str] = []
    identities: Counter[str] = Counter()
    searched = False
    executable = scheme.executable
    for path in sorted(images, key=lambda path: path == executable):  # the program last: it may need a search path
        image, entry = images[path], entries[path]
        change = changes.get(path, NameChange((Edits(),), ""))
        if path == executable and searched:
            change = with_search_path(change, scheme)
        wanted = thin if image.fat_magic is not None and image.slice_for(thin) is not None else None
        if thin and wanted is None and thin not in image.architectures:
            warnings.append(f"{entry.origin} is not built for {thin}: it has {', '.join(image.architectures)}")
        try:
            plan, edits = _first_that_fits(_source(entry), image, change, wanted)
        except CannotPatch as error:
            errors.append(error.at(entry.origin))
            continue
        if plan is None:
            continue
        searched |= uses_search_path(edits)
        if plan.lost_identity:
            identities[plan.lost_identity] += 1
        reason = "; ".join(part for part in (change.reason, plan.explanation) if part)
        patched.append(entry._replace(content=Patched(_source(entry), plan.patch), reason=reason))
    raise_all(errors)
    for identity, count in sorted(identities.items()):
        files = f"{count} changed files are" if count > 1 else "1 changed file is"
        warnings.append(f"{files} signed ad hoc now, no longer by {identity}")
    return patched, warnings


def _first_that_fits(path: str, image: Image, change: NameChange, thin: str | None) -> tuple[PatchPlan | None, Edits]:
    """The patch by the first of the change's ways for which the header has room. Raises NoHeaderRoom of the last."""
    with opened(path) as file:
        for edits in change.ways[:-1]:
            try:
                return plan_patch(file, image, replace(edits, thin=thin)), edits
            except NoHeaderRoom:
                continue
        return plan_patch(file, image, replace(change.ways[-1], thin=thin)), change.ways[-1]


def _source(entry: Entry) -> str:
    assert isinstance(entry.content, Source), entry.path
    return entry.content.path

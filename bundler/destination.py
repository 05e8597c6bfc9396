"""Where a pack goes, as a value: a directory, a file, standard output, or the place of the environment itself."""

from __future__ import annotations

import os
from dataclasses import dataclass

from bundler.errors import OutputFailed
from bundler.formats import ARCHIVES, DIRECTORY, ArchiveFormat, archive_named, archive_of_suffix
from bundler.options import PackOptions

STANDARD_OUTPUT = "-"
"""The word for it, in place of a path."""


@dataclass(frozen=True, slots=True)
class ToDirectory:
    """A directory at `path`. One that is there is replaced with `force`, or brought up to date with `update`."""

    path: str
    force: bool = False
    update: bool = False


@dataclass(frozen=True, slots=True)
class InPlace:
    """The environment at `path`, whose place the bundle takes."""

    path: str


@dataclass(frozen=True, slots=True)
class ToFile:
    """An archive at `path`. One that is there is replaced with `force`."""

    path: str
    form: ArchiveFormat
    force: bool = False


@dataclass(frozen=True, slots=True)
class ToStandardOutput:
    """An archive, sent to standard output."""

    form: ArchiveFormat


ArchiveDestination = ToFile | ToStandardOutput
DirectoryDestination = ToDirectory | InPlace
Destination = DirectoryDestination | ArchiveDestination

# Suffixes that mean an archive to everybody, and that no sink writes: a directory of that name would surprise.
_FOREIGN = (
    ".7z",
    ".rar",
    ".tar.lz4",
    ".tar.lz",
    ".deb",
    ".rpm",
    ".whl",
    ".pyz",
    ".pex",
    ".iso",
    ".img",
    ".dmg",
    ".exe",
)


def destination_of(out: str, options: PackOptions) -> Destination:
    """The destination that a path (or `-`) and the options mean: the format that they name, or the one of the path's suffix.

    Raises OutputFailed for words that do not go together, and for suffixes of formats that are not written.
    """
    if options.in_place:
        if options.update or options.format not in (None, DIRECTORY) or options.root != "/":
            raise OutputFailed("--in-place goes with neither --update, --root nor an archive's --format", "use --out")
        _check_top(options, DIRECTORY)
        return InPlace(out)
    form = _archive(out, options.format)
    if form is None:
        _check_top(options, DIRECTORY)
        if out == STANDARD_OUTPUT:
            raise OutputFailed(
                "a directory cannot be written to standard output", "name an archive format: --format tar.gz"
            )
        return ToDirectory(out, options.force, options.update)
    if not form.has_top:
        _check_top(options, form.name)
    if options.update:
        raise OutputFailed(f"--update is for directories, not for the format {form.name}", "pack anew with --force")
    return ToStandardOutput(form) if out == STANDARD_OUTPUT else ToFile(out, form, options.force)


def format_name(destination: Destination) -> str:
    """The name of a destination's format."""
    match destination:
        case ToDirectory() | InPlace():
            return DIRECTORY
        case ToFile(form=form) | ToStandardOutput(form):
            return form.name


def stem(destination: ArchiveDestination) -> str:
    """The name of an archive without its suffix; `bundle` where it has no name, or another suffix."""
    if isinstance(destination, ToFile):
        name = os.path.basename(destination.path)
        for suffix in destination.form.suffixes:
            if name.lower().endswith(suffix):
                return name[: -len(suffix)] or "bundle"
    return "bundle"


def _archive(out: str, name: str | None) -> ArchiveFormat | None:
    """The format of an archive; None for a directory."""
    if name is not None:
        return None if name == DIRECTORY else archive_named(name)
    if out == STANDARD_OUTPUT:
        raise OutputFailed("standard output has no suffix", "name the format: --format tar.gz")
    file = os.path.basename(out.rstrip("/")).lower()
    form = archive_of_suffix(file)
    foreign = next((suffix for suffix in _FOREIGN if file.endswith(suffix)), None)
    if form is None and foreign is not None:
        known = ", ".join(form.suffixes[0] for form in ARCHIVES)
        raise OutputFailed(f"{out}: bundler writes no {foreign}", f"use a directory, or one of {known}")
    return form


def _check_top(options: PackOptions, name: str) -> None:
    if options.top:
        raise OutputFailed(f"--top is not for the format {name}", "name the folder in --out")

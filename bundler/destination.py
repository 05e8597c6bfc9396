"""Where a pack goes, as a value: a directory, a file, standard output, or the place of the environment itself."""

from __future__ import annotations

from dataclasses import dataclass

from bundler.errors import BadOption, UnfittingOption
from bundler.fitting import check_options
from bundler.formats import (
    ARCHIVES,
    DIRECTORY,
    SIGNATURE_SUFFIX,
    ArchiveFormat,
    archive_named,
    archive_of_suffix,
)
from bundler.machine import os
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
    """An archive at `path`. One that is there is replaced with `force`, and with `update`, which takes parts of it over."""

    path: str
    form: ArchiveFormat
    force: bool = False
    update: bool = False
    signature: str = ""
    """The path of the file beside it that will sign it; "" for none."""


@dataclass(frozen=True, slots=True)
class ToStandardOutput:
    """An archive, sent to standard output."""

    form: ArchiveFormat


ArchiveDestination = ToFile | ToStandardOutput
DirectoryDestination = ToDirectory | InPlace
Destination = DirectoryDestination | ArchiveDestination

# Suffixes that mean one file to everybody, and that no sink writes: a directory of that name would surprise. With each the
# suffix that was probably meant; "" where none is near.
_FOREIGN = {
    ".gz": ".tar.gz",
    ".gzip": ".tar.gz",
    ".tar.gzip": ".tar.gz",
    ".zst": ".tar.zst",
    ".zstd": ".tar.zst",
    ".tar.zstd": ".tar.zst",
    ".xz": ".tar.xz",
    ".bz2": ".tar.bz2",
    ".tbz": ".tar.bz2",
    ".tar.lz4": ".tar.zst",
    ".tar.lz": ".tar.xz",
    ".7z": ".tar.xz",
    ".rar": ".zip",
    ".jar": ".zip",
    ".oci": ".oci.tar",
    ".sh": ".run",
    ".bin": ".run",
    ".appimage": ".run",
    ".exe": "",
    ".sfs": ".squashfs",
    ".squash": ".squashfs",
    ".sqsh": ".squashfs",
    ".iso": ".squashfs",
    ".img": ".squashfs",
    ".dmg": "",
    ".deb": "",
    ".rpm": "",
    ".whl": "",
    ".pyz": "",
    ".pex": "",
}


def destination_of(out: str, options: PackOptions) -> Destination:
    """The destination that a path (or `-`) and the options mean: the format that they name, or the one of the path's suffix.

    Raises UnfittingOption for words that do not go together, for suffixes of formats that are not written, and for options that
    are not for the format; BadOption for a `top` that is no path below a folder.
    """
    if options.in_place:
        if options.update or options.format not in (None, DIRECTORY) or options.root != "/":
            raise UnfittingOption(
                "--in-place goes with neither --update, --root nor an archive's --format", "use --out"
            )
        check_options(options, None)
        return InPlace(out)
    form = archive_of(out, options.format)
    if form is None and out == STANDARD_OUTPUT:
        raise UnfittingOption(
            "a directory cannot be written to standard output", "name an archive format: --format tar.gz"
        )
    check_options(options, form)
    _check_top(options.top)
    if form is None:
        return ToDirectory(out, options.force, options.update)
    if out != STANDARD_OUTPUT:
        signature = os.path.abspath(out) + SIGNATURE_SUFFIX if options.sign else ""
        return ToFile(out, form, options.force, options.update, signature)
    if options.update:
        raise UnfittingOption(
            "nothing stands at standard output that could be updated", "--reuse FILE names an archive to take from"
        )
    if options.sign:
        raise UnfittingOption(
            "--sign has no place for the signature beside standard output", "name a file in --out, or leave it out"
        )
    return ToStandardOutput(form)


def _check_top(top: str) -> None:
    if top and any(part in ("", ".", "..") or not part.isprintable() for part in top.strip("/").split("/")):
        raise BadOption(
            f"--top {top}: it must name one folder, without . and .. in its path", "for example --top app-1.0"
        )


def format_name(destination: Destination) -> str:
    """The name of a destination's format."""
    match destination:
        case ToDirectory() | InPlace():
            return DIRECTORY
        case ToFile(form=form) | ToStandardOutput(form):
            return form.name


def stem(destination: ArchiveDestination) -> str:
    """The name of an archive without its suffix; `bundle` where it has no name, or another suffix."""
    found = "bundle"
    if isinstance(destination, ToFile):
        name = os.path.basename(destination.path)
        for suffix in destination.form.suffixes:
            if name.lower().endswith(suffix):
                found = name[: -len(suffix)]
    return found if found.strip(".") else "bundle"


def archive_of(out: str, name: str | None) -> ArchiveFormat | None:
    """The format of an archive that a path, or the `name` of a format, means; None for a directory. Raises UnfittingOption."""
    if name is not None:
        return None if name == DIRECTORY else archive_named(name)
    if out == STANDARD_OUTPUT:
        raise UnfittingOption("standard output has no suffix", "name the format: --format tar.gz")
    file = os.path.basename(out.rstrip("/")).lower()
    form = archive_of_suffix(file)
    foreign = max((suffix for suffix in _FOREIGN if file.endswith(suffix) and file != suffix), key=len, default=None)
    if form is None and foreign is not None:
        known = ", ".join(form.suffixes[0] for form in ARCHIVES)
        meant = f"did you mean {_FOREIGN[foreign]}? Or " if _FOREIGN[foreign] else ""
        raise UnfittingOption(
            f"{out}: bundler writes no {foreign}",
            f"{meant}use one of {known}; --format directory makes a directory of any name",
        )
    return form

"""The formats of output, the suffixes that ask for them, and the sink of each."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bundler.errors import OutputFailed
from bundler.options import PackOptions
from bundler.sinks import Sink
from bundler.sinks.archives.output import STANDARD_OUTPUT, FileOutput, Output, StandardOutput

if TYPE_CHECKING:
    from bundler.plan.make import Plan

DIRECTORY = "directory"


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """A format: its name (for `--format`), its suffixes, and whether it can be written without going back in the file."""

    name: str
    suffixes: tuple[str, ...]
    streams: bool = False
    has_top: bool = True
    """Whether `--top` means anything: a folder put above all entries."""


FORMATS = (
    OutputFormat(DIRECTORY, (), has_top=False),
    OutputFormat("oci.tar", (".oci.tar",)),
    OutputFormat("tar.gz", (".tar.gz", ".tgz"), streams=True),
    OutputFormat("tar.zst", (".tar.zst", ".tzst"), streams=True),
    OutputFormat("tar.xz", (".tar.xz", ".txz"), streams=True),
    OutputFormat("tar.bz2", (".tar.bz2", ".tbz2"), streams=True),
    OutputFormat("tar", (".tar",), streams=True),
    OutputFormat("zip", (".zip",)),
    OutputFormat("squashfs", (".squashfs", ".sqfs")),
    OutputFormat("run", (".run",), has_top=False),
)
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


def format_of(out: str, name: str | None = None) -> OutputFormat:
    """The format with a name; without one, what the path's suffix asks for, or a directory.

    Raises OutputFailed for standard output without a name, and for suffixes of formats that there are no sinks for.
    """
    if name is not None:
        return next(found for found in FORMATS if found.name == name)
    if out == STANDARD_OUTPUT:
        raise OutputFailed("standard output has no suffix", "name the format: --format tar.gz")
    file = os.path.basename(out.rstrip("/")).lower()
    for found in FORMATS:
        if file.endswith(found.suffixes) and found.suffixes:
            return found
    for suffix in _FOREIGN:
        if file.endswith(suffix):
            known = ", ".join(found.suffixes[0] for found in FORMATS if found.suffixes)
            raise OutputFailed(f"{out}: bundler writes no {suffix}", f"use a directory, or one of {known}")
    return DIRECTORY_FORMAT


DIRECTORY_FORMAT = FORMATS[0]


def open_sink(out: str, options: PackOptions, plan: Plan | None) -> Sink:
    """The sink for a path, by its suffix or the format in the options. All but a directory need the plan.

    Raises OutputFailed where an option means nothing for the format.
    """
    form = format_of(out, options.format)
    if options.top and not form.has_top:
        raise OutputFailed(f"--top is not for the format {form.name}", "name the folder in --out")
    if options.update and form is not DIRECTORY_FORMAT:
        raise OutputFailed(f"--update is for directories, not for the format {form.name}", "pack anew with --force")
    if form is DIRECTORY_FORMAT:
        return _directory(out, options)
    assert plan is not None
    output: Output = FileOutput(out, force=options.force, executable=form.name == "run")
    if out == STANDARD_OUTPUT:
        output = StandardOutput(spooled=not form.streams)
    top, level, threads = options.top.strip("/"), options.level, options.threads
    if form.name == "zip":
        from bundler.sinks.archives.zip import ZipSink

        return ZipSink(output, top=top, level=level)
    if form.name == "squashfs":
        from bundler.sinks.archives.squashfs import SquashfsSink

        latest = max(entry.mtime_ns for entry in plan.entries)
        return SquashfsSink(output, latest, top=top, level=level, threads=threads)
    if form.name == "run":
        from bundler.sinks.archives.self_extracting import SelfExtractingSink

        return SelfExtractingSink(
            output, _stem(out, form), plan.start.script.path if plan.start else "", level=level, threads=threads
        )
    if form.name == "oci.tar":
        from bundler.images import base_image, image_settings
        from bundler.sinks.images.oci import OciSink

        settings = image_settings(plan, options)
        return OciSink(output, base_image(plan, options), settings, level=level, threads=threads)
    from bundler.sinks.archives import compression
    from bundler.sinks.archives.tar import TarSink

    codec = {
        "tar": compression.PLAIN,
        "tar.gz": compression.GZIP,
        "tar.zst": compression.ZSTANDARD,
        "tar.xz": compression.XZ,
        "tar.bz2": compression.BZIP2,
    }[form.name]
    return TarSink(output, codec, top=top, level=level, threads=threads)


def _directory(out: str, options: PackOptions) -> Sink:
    if out == STANDARD_OUTPUT:
        raise OutputFailed(
            "a directory cannot be written to standard output", "name an archive format: --format tar.gz"
        )
    if options.in_place:
        from bundler.sinks.directories.in_place import InPlaceSink

        return InPlaceSink(out, link=options.link, threads=options.threads)
    if options.update and os.path.isdir(out) and os.listdir(out):
        from bundler.sinks.directories.updating import UpdateSink

        return UpdateSink(out, force=options.force, link=options.link, threads=options.threads, cache=options.cache)
    from bundler.sinks.directories.directory import DirectorySink

    return DirectorySink(out, force=options.force, link=options.link, threads=options.threads, cache=options.cache)


def _stem(out: str, form: OutputFormat) -> str:
    """The name of an output without its suffix."""
    name = os.path.basename(out)
    for suffix in form.suffixes:
        if name.lower().endswith(suffix):
            return name[: -len(suffix)] or "bundle"
    return "bundle"

"""What a dry run tries: every check that opening the output makes, with nothing written where the output would be.

What only writing shows is not tried: a full disk, a file system that refuses `--link reflink`.
"""

from __future__ import annotations

from bundler.destination import (
    ArchiveDestination,
    DirectoryDestination,
    InPlace,
    ToDirectory,
    ToFile,
    ToStandardOutput,
)
from bundler.errors import OutputFailed
from bundler.machine import os
from bundler.machine.temporary_folder import TemporaryFolder
from bundler.options import PackOptions
from bundler.output_facts import ArchiveFacts, DirectoryFacts
from bundler.sinks.placement import Target


def rehearse_directory(destination: DirectoryDestination, facts: DirectoryFacts, *, cache: bool) -> None:
    """Raise what opening and finishing the sink into a directory would raise: OutputExists, OutputFailed, NotABundle."""
    match destination:
        case InPlace(path):
            _check_writable(os.path.dirname(os.path.realpath(path)))
        case ToDirectory(path, force, update) if update and os.path.isdir(path) and os.listdir(path):
            from bundler.sinks.directories.existing import ExistingBundle, check_foreign

            _check_target(os.path.realpath(path), force=True)
            existing = ExistingBundle(os.path.realpath(path), facts, cache=cache)
            check_foreign(existing, force=force)
        case ToDirectory(path, force):
            from bundler.sinks.directories.replaced import ReplacedBundle

            _check_target(path, force=force)
            ReplacedBundle(Target(path, force=force), facts, cache=cache)


def rehearse_archive(destination: ArchiveDestination, options: PackOptions, facts: ArchiveFacts) -> None:
    """Raise what opening the sink into an archive would raise: OutputExists, OutputFailed. One elsewhere is tried."""
    from bundler.sinks.opening import open_archive_sink

    match destination:
        case ToFile(path, form, force, update, signature):
            for place in filter(None, (path, signature)):
                Target(place, force=force).check_no_directory()
                _check_target(place, force=force or update)
        case ToStandardOutput(form):
            pass
    with TemporaryFolder("bundler-") as folder:
        elsewhere = ToFile(os.path.join(folder, "archive"), form)
        with open_archive_sink(elsewhere, options, facts):
            pass


def _check_target(path: str, *, force: bool) -> None:
    Target(path, force=force).check_standing()
    _check_writable(os.path.dirname(os.path.abspath(path)))


def _check_writable(folder: str) -> None:
    """Raise OutputFailed where nothing can be made in a folder, or in the nearest one above it that is there."""
    while not os.path.lexists(folder):
        folder = os.path.dirname(folder)
    if not os.path.isdir(folder):
        raise OutputFailed(f"{folder} is no directory", "choose another --out")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputFailed(f"{folder} cannot be written to", "choose another --out")

"""Which sink writes to a destination."""

from __future__ import annotations

import os
from collections.abc import Callable

from bundler.destination import ArchiveDestination, DirectoryDestination, InPlace, ToDirectory, stem
from bundler.options import PackOptions
from bundler.output_facts import ArchiveFacts, DirectoryFacts
from bundler.progress import ignore
from bundler.sinks import Sink


def open_directory_sink(
    destination: DirectoryDestination,
    options: PackOptions,
    facts: DirectoryFacts,
    advance: Callable[[int], object] = ignore,
) -> Sink:
    """The sink into a directory; nothing need be known of the plan. `advance` is told of the bytes of sources as they are done.

    Raises OutputExists, OutputFailed, NotABundle.
    """
    match destination:
        case InPlace(path):
            from bundler.sinks.directories.in_place import open_in_place

            return open_in_place(path, link=options.link, threads=options.threads, advance=advance)
        case ToDirectory(path, force, update) if update and os.path.isdir(path) and os.listdir(path):
            from bundler.sinks.directories.updating import open_update

            return open_update(
                path,
                facts,
                force=force,
                link=options.link,
                threads=options.threads,
                cache=options.cache,
                advance=advance,
            )
        case ToDirectory(path, force):
            from bundler.sinks.directories.directory import open_directory

            return open_directory(
                path,
                force=force,
                link=options.link,
                threads=options.threads,
                cache=options.cache,
                advance=advance,
            )


def open_archive_sink(
    destination: ArchiveDestination,
    options: PackOptions,
    facts: ArchiveFacts,
    advance: Callable[[int], object] = ignore,
) -> Sink:
    """The sink into an archive. `advance` is told of the bytes of sources as they are done. Raises OutputExists, OutputFailed."""
    from bundler.sinks.archives.archive import ArchiveSettings, open_archive

    settings = ArchiveSettings(
        facts, stem(destination), options.top.strip("/"), options.level, options.threads, options.image
    )
    return open_archive(destination, settings, advance)

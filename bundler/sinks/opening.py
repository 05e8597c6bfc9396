"""Which sink writes to a destination."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING

from bundler.destination import (
    ArchiveDestination,
    Destination,
    DirectoryDestination,
    InPlace,
    ToDirectory,
    ToFile,
    stem,
)
from bundler.entries import Entry
from bundler.machine import os
from bundler.machine.signals import signals_wait
from bundler.options import PackOptions
from bundler.output_facts import ArchiveFacts, DirectoryFacts
from bundler.progress import ignore
from bundler.sinks import Sink

if TYPE_CHECKING:
    from bundler.sinks.archives.archive import ArchiveSink


class SinkOpening:
    """Opens the sink of a pack: a directory's while the plan is still being made, another's when the plan is there.

    A context manager: leaving it without having placed the output discards everything. Several attempts may be made (`again`).
    """

    def __init__(
        self,
        destination: Destination,
        options: PackOptions,
        advance: Callable[[int], object],
        facts: DirectoryFacts,
    ) -> None:
        """`advance` is told of the bytes of files as they are done; `facts` are for a directory."""
        self._destination = destination
        self._options = options
        self._advance = advance
        self._facts = facts
        self._held = ExitStack()
        self._directory: Sink | None = None

    def __enter__(self) -> SinkOpening:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.__exit__(kind, error, trace)

    def again(self) -> None:
        """Make ready for another attempt: nothing is left of the one before but what this one has in the same form."""
        if self._directory is None or not self._directory.begin_again():
            self._directory = None
            self._held.close()

    def begin(self, files: Sequence[Entry]) -> None:
        """Open a directory, and let it begin with these files, which the plan will hardly change; nothing else begins early."""
        if isinstance(self._destination, DirectoryDestination):
            self.directory().begin(files)

    def directory(self) -> Sink:
        """The sink into the directory, opened once."""
        assert isinstance(self._destination, DirectoryDestination)
        if self._directory is None:
            with signals_wait():  # till there is somebody who clears up
                sink = open_directory_sink(self._destination, self._options, self._facts, self._advance)
                self._directory = self._held.enter_context(sink)
        return self._directory

    def archive(self, facts: ArchiveFacts) -> ArchiveSink:
        """The sink into an archive."""
        assert not isinstance(self._destination, DirectoryDestination)
        with signals_wait():
            return self._held.enter_context(open_archive_sink(self._destination, self._options, facts, self._advance))


def open_directory_sink(
    destination: DirectoryDestination,
    options: PackOptions,
    facts: DirectoryFacts,
    advance: Callable[[int], object] = ignore,
) -> Sink:
    """The sink into a directory; nothing need be known of the plan. `advance` is told of the bytes of files as they are done.

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
                facts=facts,
            )


def open_archive_sink(
    destination: ArchiveDestination,
    options: PackOptions,
    facts: ArchiveFacts,
    advance: Callable[[int], object] = ignore,
) -> ArchiveSink:
    """The sink into an archive. `advance` is told of the bytes of files as they are done. Raises OutputExists, OutputFailed."""
    from bundler.sinks.archives.archive import ArchiveSettings, open_archive

    settings = ArchiveSettings(
        facts,
        stem(destination),
        options.top.strip("/"),
        options.level,
        options.threads,
        options.image,
        _reused(destination, options),
        options.cache,
        advance,
    )
    return open_archive(destination, settings)


def _reused(destination: ArchiveDestination, options: PackOptions) -> tuple[str, ...]:
    """The archives from which is taken over what stays the same: the one that stands there first."""
    standing = (destination.path,) if isinstance(destination, ToFile) and destination.update else ()
    return (*standing, options.reuse) if options.reuse else standing

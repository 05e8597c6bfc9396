"""A bundle as a directory: written beside the target, then put in place by one rename."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import TracebackType

from bundler.entries import Entry, Source, Stamp
from bundler.files import named
from bundler.machine import os
from bundler.memory.packs import note_pack
from bundler.options import LinkMode
from bundler.output_facts import DirectoryFacts
from bundler.progress import ignore
from bundler.sinks import Written
from bundler.sinks.copying import can_reflink, every_change_shows
from bundler.sinks.directories.replaced import ReplacedBundle
from bundler.sinks.directories.writer import FileWriter, WrittenFile, file_writer
from bundler.sinks.moves import NotUndone
from bundler.sinks.placement import Target
from bundler.sinks.temporary import WorkingFolder


class DirectorySink:
    """Writes entries below a folder of its own, which becomes the target; see `sinks.Sink`."""

    def __init__(
        self,
        target: Target,
        working: WorkingFolder,
        link: LinkMode,
        *,
        hard_linked: str | None = None,
        threads: int = 2,
        noted: bool = True,
        advance: Callable[[int], object] = ignore,
        replaced: ReplacedBundle | None = None,
    ) -> None:
        """Sources below the folder `hard_linked` are shared, whatever `link` says. With `noted` the end of the pack is noted
        in the user's caches, for a later update. `advance` is told of the bytes of files as they are done. `replaced` is what
        stands at the target.
        """
        link = LinkMode.COPY if link is LinkMode.AUTO and not can_reflink(working.path) else link
        self.root = os.path.join(working.path, "new")
        """Where the bundle lies until it is placed."""
        os.mkdir(self.root)
        self._target = target
        self._working = working
        self._noted = noted
        self._replaced = replaced
        self._entries = 0
        self._finished = 0
        self._links = HardLinks(working.path, link)
        link_of = _link_of(link, hard_linked)
        self._files = FileWriter(
            self.root,
            working.path,
            file_writer(link_of, os.geteuid() if hard_linked is None else os.stat(hard_linked).st_uid),
            threads=threads,
            links_are_small=link is LinkMode.HARDLINK,
            advance=advance,
            note=self._links.note,
            takes_room=lambda entry: not isinstance(entry.content, Source) or link_of(entry) is LinkMode.COPY,
        )

    def __enter__(self) -> DirectorySink:
        """Nothing: it is open already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove what is not in place."""
        try:
            self._files.abandon()
        finally:
            if isinstance(error, NotUndone):
                self._working.leave()
            else:
                self._working.remove()

    def begin(self, entries: Sequence[Entry]) -> None:
        """See Sink."""
        self._files.begin(entries)

    def add(self, entry: Entry) -> None:
        """See Sink."""
        self._entries += 1
        self._files.add(entry)

    def finish(self) -> Written:
        """Write the files, and set the directories' modes and times."""
        self._files.drain()
        self._files.finish_directories()
        os.chmod(self.root, 0o755)
        try:
            with tempfile.TemporaryFile(dir=self._working.path) as file:
                self._finished = os.fstat(file.fileno()).st_ctime_ns
        except OSError as error:
            raise named(error, self._working.path) from None
        digests = self._files.digests
        size = sum(digest.size for digest in digests.values())
        return Written(self.root, digests, self._entries, size, self._links.count, stamps=self._links.stamps)

    def begin_again(self) -> bool:
        """See Sink."""
        self._files.begin_again(self._finished)
        self._links.forget()
        self._entries = 0
        return True

    def replace(self, entry: Entry) -> bool:
        """See Sink."""
        self._files.replace(self.root, entry)
        return True

    def place(self) -> str:
        """Put the tree in place."""
        if self._replaced is not None:
            self._replaced.check()
        self._target.put_directory(self.root)
        if self._noted:
            note_pack(self._target.path)
        return self._target.path


def open_directory(
    path: str,
    *,
    force: bool,
    link: LinkMode = LinkMode.AUTO,
    threads: int = 2,
    cache: bool = True,
    advance: Callable[[int], object] = ignore,
    facts: DirectoryFacts | None = None,
) -> DirectorySink:
    """A sink into a directory at `path`. What somebody else did to a bundle there is told by `facts` of bundles.

    Raises OutputExists, OutputFailed, and where nobody can tell what is a pack's NotABundle, UnsupportedBundle.
    """
    target = Target(path, force=force)
    target.check()
    replaced = ReplacedBundle(target, facts, cache=cache) if facts is not None else None
    with ExitStack() as undone:
        working = target.make_temporary()
        undone.callback(working.remove)
        sink = DirectorySink(target, working, link, threads=threads, noted=cache, advance=advance, replaced=replaced)
        undone.pop_all()
    return sink


class HardLinks:
    """The hard links that a sink made in a working folder, and the stamps of their sources since."""

    def __init__(self, working: str, link: LinkMode) -> None:
        self.count = 0
        self.stamps: dict[str, Stamp] = {}
        self._every_change_shows = link is LinkMode.HARDLINK and every_change_shows(working)

    def forget(self) -> None:
        """Forget all: they are noted anew."""
        self.count, self.stamps = 0, {}

    def note(self, entry: Entry, file: WrittenFile) -> None:
        """Note what came of a file."""
        if file.stamp is not None:
            self.count += 1
            if self._every_change_shows:
                self.stamps[entry.path] = file.stamp


def _link_of(link: LinkMode, hard_linked: str | None) -> Callable[[Entry], LinkMode]:
    """How the bytes of an entry's source get there."""
    if hard_linked is None:
        return lambda _entry: link
    below = hard_linked + "/"

    def link_of(entry: Entry) -> LinkMode:
        content = entry.content
        return LinkMode.HARDLINK if isinstance(content, Source) and content.path.startswith(below) else link

    return link_of

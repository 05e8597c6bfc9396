"""A bundle as a directory: written beside the target, then put in place by one rename.

Entries are gathered, and written together, by several processes: all of them are known before the first one whose bytes follow from
the others' digests. Some are written even while the plan is still being made.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Container, Mapping, Sequence
from types import TracebackType
from typing import NamedTuple

from bundler.entries import Content, Deferred, Digest, Digests, Directory, Entry, Link, Patched, Source, Stamp
from bundler.errors import OutputFailed
from bundler.memory.packs import note_pack
from bundler.options import LinkMode
from bundler.progress import ignore
from bundler.sinks import Written
from bundler.sinks.copying import SMALL, can_reflink, every_change_shows, write_file
from bundler.sinks.directories.early_writes import WrittenAhead
from bundler.sinks.directories.processes import can_fork, share, signals_wait
from bundler.sinks.placement import Target

_BATCH = 64
"""Small files that a process takes at once."""
_FILE_COST = 1 << 17
"""What a file costs beside its bytes, as the number of bytes that are copied in that time."""
_LEAST_SHARE = 1 << 26
"""What a process is worth its start for, in the same measure."""


class Done(NamedTuple):
    """What came of a file: its digest, the stamp that it and its source have since it was linked, whether it stood already."""

    sha256: bytes
    size: int
    stamp: Stamp | None = None
    stood: bool = False


Outcome = Done | None
"""None for what needs no telling between processes: the file was copied as the plan knew it, digest and all."""


class DirectorySink:
    """Writes entries below a temporary directory beside `out`, several files at once; see `sinks.Sink`.

    With `cache` the end of the pack is noted for a later update.
    """

    def __init__(
        self, out: str, *, force: bool, link: LinkMode = LinkMode.AUTO, threads: int = 2, cache: bool = True
    ) -> None:
        self.advance: Callable[[int], object] = ignore
        self._target = Target(out, force=force)
        self._link = link
        self._threads = max(1, threads)
        self._cache = cache
        self._digests: dict[str, Digest] = {}
        self._directories: list[Entry] = []
        self._gathered: list[Entry] = []
        self._ahead: WrittenAhead[Outcome] | None = None
        self._stamps: dict[str, Stamp] = {}
        self._entries = 0
        self._shared = 0

    def __enter__(self) -> DirectorySink:
        """Check the target, make the temporary directory."""
        self._check()
        self._working = self._target.make_temporary()
        self._temporary = self._working.path
        self._root = os.path.join(self._temporary, "new")
        try:
            os.mkdir(self._root)
            if self._link is LinkMode.AUTO and not can_reflink(self._temporary):
                self._link = LinkMode.COPY
            self._every_change_shows = self._link is LinkMode.HARDLINK and every_change_shows(self._temporary)
        except BaseException:
            self._discard()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove what is not in place."""
        try:
            if self._ahead is not None:
                self._ahead.abandon()
        finally:
            self._discard()

    def begin(self, entries: Sequence[Entry]) -> None:
        """Have a child write these files, while the plan is being made."""
        if self._threads > 1 and _cost(entries) > _LEAST_SHARE and can_fork():
            batches = self._batches(entries)
            with signals_wait():
                self._ahead = WrittenAhead(batches, self._write, self._root, self._temporary)

    def add(self, entry: Entry) -> None:
        """Take one entry."""
        self._entries += 1
        if not isinstance(entry.content, Deferred):
            self._gathered.append(entry)
            return
        self._drain()
        path = os.path.join(self._root, entry.path)
        self._digests[entry.path] = write_file(entry, path, self._digests, self._link)[0]

    def finish(self) -> Written:
        """Write the files, and set the directories' modes and times."""
        self._drain()
        for entry in reversed(self._directories):
            path = os.path.join(self._root, entry.path)
            os.chmod(path, entry.mode)
            os.utime(path, ns=(entry.mtime_ns, entry.mtime_ns))
        os.chmod(self._root, 0o755)
        return Written(
            self._root,
            self._digests,
            self._entries,
            sum(digest.size for digest in self._digests.values()),
            self._shared,
            stamps=self._stamps,
        )

    def place(self) -> str:
        """Put the tree in place."""
        self._target.put_directory(self._root)
        self._note_pack()
        return self._target.path

    def _check(self) -> None:
        self._target.check()

    def _link_for(self, _entry: Entry) -> LinkMode:
        return self._link

    def _note_pack(self) -> None:
        """For a later update."""
        if self._cache:
            note_pack(self._target.path)

    def _drain(self) -> None:
        """Write what was gathered."""
        gathered, self._gathered = self._gathered, []
        done, folders = self._settle_ahead(gathered)
        files = []
        for entry in gathered:
            path = os.path.join(self._root, entry.path)
            match entry.content:
                case Directory():
                    self._directories.append(entry)
                    if entry.path not in folders:
                        os.mkdir(path, 0o700)
                case Link(target):
                    os.symlink(target, path)
                    os.utime(path, ns=(entry.mtime_ns, entry.mtime_ns), follow_symlinks=False)
                case _ if entry.path in done:
                    self._collect([entry], [done[entry.path]])
                    self.advance(_size(entry.content))
                case _:
                    files.append(entry)
        self._write_files(files)

    def _settle_ahead(self, gathered: Sequence[Entry]) -> tuple[Mapping[str, Outcome], Container[str]]:
        """What was written ahead and is wanted: files and folders."""
        if self._ahead is None:
            return {}, ()
        settled = self._ahead.settle({entry.path: entry for entry in gathered})
        self._ahead = None
        return settled

    def _write_files(self, files: Sequence[Entry]) -> None:
        """Write files, together with other processes where that is worth it."""
        batches = self._batches(files)
        sizes = [sum(entry.content.size for entry in batch if isinstance(entry.content, Source)) for batch in batches]
        told = 0

        def collect(number: int, outcomes: Sequence[Outcome]) -> None:
            nonlocal told
            self._collect(batches[number], outcomes)
            # What was begun before is as good as done, by whomever.
            self.advance(sum(sizes[told : number + 1]))
            told = max(told, number + 1)

        processes = min(self._threads, 1 + _cost(files) // _LEAST_SHARE)
        share(len(batches), lambda number: self._write(batches[number]), collect, processes, self._temporary)

    def _batches(self, files: Sequence[Entry]) -> list[Sequence[Entry]]:
        """Files cut into pieces of work: large ones first, so that no process is left with one at the end."""
        small = [entry for entry in files if self._is_small(entry.content)]
        large = [entry for entry in files if not self._is_small(entry.content)] if len(small) < len(files) else []
        large.sort(key=lambda entry: _size(entry.content), reverse=True)
        return [*([entry] for entry in large), *(small[at : at + _BATCH] for at in range(0, len(small), _BATCH))]

    def _is_small(self, content: Content) -> bool:
        """Whether a file is done in a moment."""
        if self._link is LinkMode.HARDLINK and isinstance(content, Source) and content.sha256 is not None:
            return True
        return _size(content) < SMALL

    def _write(self, batch: Sequence[Entry]) -> list[Outcome]:
        """Write files; what came of each. Changes nothing here: it may run in another process."""
        outcomes: list[Outcome] = []
        for entry in batch:
            try:
                digest, stamp = write_file(entry, f"{self._root}/{entry.path}", {}, self._link_for(entry))
            except EOFError as error:
                raise OutputFailed(f"{entry.path} changed while it was packed: {error}") from error
            content = entry.content
            known = stamp is None and isinstance(content, (Source, Patched)) and digest.sha256 is content.sha256
            outcomes.append(None if known else Done(digest.sha256, digest.size, stamp))
        return outcomes

    def _collect(self, batch: Sequence[Entry], outcomes: Sequence[Outcome]) -> None:
        """Note what came of files."""
        for entry, done in zip(batch, outcomes, strict=True):
            if done is None:
                content = entry.content
                assert isinstance(content, (Source, Patched)) and content.sha256 is not None
                self._digests[entry.path] = Digest(content.sha256, _size(content))
                continue
            self._digests[entry.path] = Digest(done.sha256, done.size)
            if done.stamp is not None:
                self._shared += 1
                if self._every_change_shows:
                    self._stamps[entry.path] = done.stamp

    def _discard(self) -> None:
        self._working.remove()


def _cost(files: Sequence[Entry]) -> int:
    """How long files take, as a number of bytes."""
    return sum(_size(entry.content) for entry in files) + len(files) * _FILE_COST


def _size(content: Content) -> int:
    """Bytes of a file entry, as far as they take time."""
    match content:
        case Source(_, size):
            return size
        case Patched(_, patch):
            return patch.size
        case _:
            return 0


def replace_entry(root: str, entry: Entry, digests: Digests) -> None:
    """Write one file of a finished bundle anew, by a new file and a rename."""
    path = os.path.join(root, entry.path)
    with tempfile.TemporaryDirectory(prefix=".bundler-", dir=root) as temporary:
        new = os.path.join(temporary, "new")
        write_file(entry, new, digests, LinkMode.COPY)
        os.replace(new, path)

"""Files, folders and links written below a new folder, several files at once.

Entries are gathered, and written together by several processes: all of them are known before the first one whose bytes follow from
the others' digests. Some may be written even while the plan is still being made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Container, Mapping, Sequence
from typing import NamedTuple

from bundler.entries import Content, Deferred, Digest, Directory, Entry, Link, Literal, Patched, Source, Stamp, size_of
from bundler.errors import NoRoom, OutputFailed
from bundler.files import named, replacing, write_at
from bundler.machine import os
from bundler.machine.signals import signals_wait
from bundler.options import LinkMode
from bundler.progress import ignore
from bundler.sinks.copying import SMALL, chunks, write_file
from bundler.sinks.directories.early_writes import EarlyWrites
from bundler.sinks.directories.former_writes import FormerWrites, WrittenEntry
from bundler.sinks.directories.processes import can_fork, share
from bundler.sinks.room import FULL, check_room, no_room

_BATCH = 64
"""Small files that a process takes at once."""
_FILE_COST = 1 << 17
"""What a file costs beside its bytes, as the number of bytes that are copied in that time."""
_LEAST_SHARE = 1 << 26
"""What a process is worth its start for, in the same measure."""


class WrittenFile(NamedTuple):
    """What came of a file."""

    sha256: bytes
    size: int
    stamp: Stamp | None = None
    """Of a hard link: the stamp that it and its source have since it was made."""
    kept: bool = False
    """Whether nothing was written: the same file was there already."""


Outcome = WrittenFile | None
"""None for what needs no telling between processes: the file was copied as the plan knew it, digest and all."""
WriteFile = Callable[[Entry, str], Outcome]
"""Makes the file at a path from an entry. It changes nothing else: it may run in another process."""


def file_writer(link_of: Callable[[Entry], LinkMode], owner: int | None = None) -> WriteFile:
    """What writes a file; `link_of` tells how an unchanged one gets there. See `write_file`."""

    def write(entry: Entry, path: str) -> Outcome:
        try:
            digest, stamp = write_file(entry, path, {}, link_of(entry), owner)
        except EOFError as error:
            raise OutputFailed(f"{entry.path} changed while it was packed: {error}") from error
        content = entry.content
        known = stamp is None and isinstance(content, (Source, Patched)) and digest.sha256 is content.sha256
        return None if known else WrittenFile(digest.sha256, digest.size, stamp)

    return write


class FileWriter:
    """Writes entries below `root`, a folder that is new and empty.

    There has to be an end to it: `abandon` stops whatever is still at work.
    """

    def __init__(
        self,
        root: str,
        temporary: str,
        write: WriteFile,
        *,
        threads: int,
        links_are_small: bool = False,
        advance: Callable[[int], object] = ignore,
        note: Callable[[Entry, WrittenFile], object] = lambda _entry, _file: None,
        takes_room: Callable[[Entry], bool] = lambda _entry: True,
    ) -> None:
        """`temporary` is a folder for temporary files, outside of `root`.

        With `links_are_small` an unchanged file takes a moment, however large it is. `advance` is told of the bytes of files as
        they are done, `note` of each file that is. `takes_room` tells whether a file takes room on the disk beside its source.
        """
        self.root = root
        self.digests: dict[str, Digest] = {}
        self.directories: list[Entry] = []
        self._temporary = temporary
        self._write = write
        self._threads = max(1, threads)
        self._links_are_small = links_are_small
        self._advance = advance
        self._note = note
        self._takes_room = takes_room
        self._place = os.path.dirname(temporary)
        self._gathered: list[Entry] = []
        self._early: EarlyWrites[Outcome] | None = None
        self._written: dict[str, WrittenEntry] = {}
        self._former: FormerWrites | None = None

    def begin(self, entries: Sequence[Entry]) -> None:
        """Have a child write these files; `add` gets those that are to stay. Nothing is done where most are there, or too large."""
        if self._former is None and self._threads > 1 and _cost(entries) > _LEAST_SHARE and can_fork():
            try:
                self._check_room(entries)
            except NoRoom:  # the plan may leave out some of them; else it is told when the plan is there
                return
            batches = self._batches(entries)
            with signals_wait():
                self._early = EarlyWrites(batches, self._write_batch, self.root, self._temporary)

    def add(self, entry: Entry) -> None:
        """Take one entry; a deferred one is made of the digests of those before it."""
        if isinstance(entry.content, Deferred):
            self.drain()
            entry = entry._replace(content=Literal(entry.content.make(self.digests)))
        self._gathered.append(entry)

    def begin_again(self, finished: int) -> None:
        """Take other entries: what was written until `finished` stays as far as it is among them (see `FormerWrites`)."""
        self._former = FormerWrites(self.root, self._written, finished)
        self._written, self.digests, self.directories, self._gathered = {}, {}, [], []

    def drain(self) -> None:
        """Write what was gathered. Raises NoRoom for what has none, OutputFailed, OSError."""
        gathered, self._gathered = self._gathered, []
        try:
            self._write_all(gathered)
        except OSError as error:
            if error.errno not in FULL:
                raise
            needed = sum(size_of(entry.content) for entry in gathered if self._takes_room(entry))
            raise no_room(error, self._place, needed) from error

    def _write_all(self, gathered: Sequence[Entry]) -> None:
        there, folders = self._keep_what_is_there(gathered)
        files = []
        for entry in gathered:
            path = os.path.join(self.root, entry.path)
            match entry.content:
                case Directory():
                    self.directories.append(entry)
                    if entry.path not in folders:
                        os.mkdir(path, 0o700)
                case Link(target):
                    if entry.path not in there:
                        _make_link(target, path, entry.mtime_ns)
                    self._written[entry.path] = WrittenEntry(entry)
                case _ if entry.path in there:
                    self._collect([entry], [there[entry.path]])
                    self._advance(size_of(entry.content))
                case _:
                    files.append(entry)
        self._check_room(files)
        self._write_files(files)

    def finish_directories(self) -> None:
        """Give the directories their modes and times, now that nothing more is written into them. Raises OSError."""
        for entry in reversed(self.directories):
            path = os.path.join(self.root, entry.path)
            try:
                os.chmod(path, entry.mode)
                os.utime(path, ns=(entry.mtime_ns, entry.mtime_ns))
            except OSError as error:
                raise named(error, path) from None

    def replace(self, root: str, entry: Entry) -> None:
        """Write one file below `root`, where all of them are now, anew: whoever reads it finds the old or the new one."""
        data = b"".join(chunks(entry, self.digests))
        self.digests[entry.path] = Digest(hashlib.sha256(data).digest(), len(data))
        path = os.path.join(root, entry.path)
        with replacing(path) as file:
            write_at(file.fileno(), data, 0)
            os.fchmod(file.fileno(), entry.mode)
            os.utime(file.fileno(), ns=(entry.mtime_ns, entry.mtime_ns))

    def abandon(self) -> None:
        """Stop at once."""
        if self._early is not None:
            self._early.abandon()

    def _check_room(self, files: Sequence[Entry]) -> None:
        check_room(self._place, (size_of(entry.content) for entry in files if self._takes_room(entry)))

    def _keep_what_is_there(self, gathered: Sequence[Entry]) -> tuple[Mapping[str, Outcome], Container[str]]:
        """Of what was written early, or by an earlier attempt, the files and folders that are wanted; the rest goes."""
        early, former = self._early, self._former
        wanted = {entry.path: entry for entry in gathered} if early is not None or former is not None else {}
        if former is not None:
            stays, folders = former.keep(wanted)
            self._former = None
            return {path: WrittenFile(item.sha256, item.size, item.stamp) for path, item in stays.items()}, folders
        kept = early.keep(wanted) if early is not None else ({}, ())
        self._early = None
        return kept

    def _write_files(self, files: Sequence[Entry]) -> None:
        """Write files, together with other processes where that is worth it."""
        batches = self._batches(files)
        sizes = [sum(size_of(entry.content) for entry in batch) for batch in batches]
        told = 0

        def collect(number: int, outcomes: Sequence[Outcome]) -> None:
            nonlocal told
            self._collect(batches[number], outcomes)
            # Batches are begun in their order: another process has done those before this one, or is at them.
            self._advance(sum(sizes[told : number + 1]))
            told = max(told, number + 1)

        processes = min(self._threads, 1 + _cost(files) // _LEAST_SHARE)
        share(len(batches), lambda number: self._write_batch(batches[number]), collect, processes, self._temporary)

    def _batches(self, files: Sequence[Entry]) -> list[Sequence[Entry]]:
        """Files cut into pieces of work: large ones first, so that no process is left with one at the end."""
        small = [entry for entry in files if self._is_small(entry.content)]
        large = [entry for entry in files if not self._is_small(entry.content)] if len(small) < len(files) else []
        large.sort(key=lambda entry: size_of(entry.content), reverse=True)
        return [*([entry] for entry in large), *(small[at : at + _BATCH] for at in range(0, len(small), _BATCH))]

    def _is_small(self, content: Content) -> bool:
        """Whether a file is done in a moment."""
        if self._links_are_small and isinstance(content, Source) and content.sha256 is not None:
            return True
        return size_of(content) < SMALL

    def _write_batch(self, batch: Sequence[Entry]) -> list[Outcome]:
        """Write files; what came of each. Changes nothing here: it may run in another process."""
        write, root = self._write, self.root
        return [write(entry, f"{root}/{entry.path}") for entry in batch]

    def _collect(self, batch: Sequence[Entry], outcomes: Sequence[Outcome]) -> None:
        """Note what came of files."""
        for entry, outcome in zip(batch, outcomes, strict=True):
            done = outcome
            if done is None:
                content = entry.content
                assert isinstance(content, (Source, Patched)) and content.sha256 is not None
                done = WrittenFile(content.sha256, size_of(content))
            self.digests[entry.path] = Digest(done.sha256, done.size)
            self._written[entry.path] = WrittenEntry(entry, done.sha256, done.size, done.stamp)
            self._note(entry, done)


def _make_link(target: str, path: str, mtime_ns: int) -> None:
    """Make a link with a time. Raises OSError, which tells of the link."""
    try:
        os.symlink(target, path)
        os.utime(path, ns=(mtime_ns, mtime_ns), follow_symlinks=False)
    except OSError as error:
        error.filename, error.filename2 = path, None
        raise


def _cost(files: Sequence[Entry]) -> int:
    """How long files take, as a number of bytes."""
    return sum(size_of(entry.content) for entry in files) + len(files) * _FILE_COST

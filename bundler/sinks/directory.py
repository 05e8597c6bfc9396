"""A bundle as a directory: written beside the target, then put in place by one rename."""

from __future__ import annotations

import os
import tempfile
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from types import TracebackType

from bundler.errors import OutputFailed
from bundler.options import LinkMode
from bundler.plan.entries import (
    Content,
    Deferred,
    Digest,
    Digests,
    Directory,
    Entry,
    Link,
    Patched,
    Source,
    Stamp,
)
from bundler.sinks import Written
from bundler.sinks.copying import SMALL, can_reflink, every_change_shows, write_file
from bundler.sinks.pack_record import note_pack
from bundler.sinks.placement import Target

# Small files are written together, and here, since threads only hinder each other at it: each step is short, and Python's lock
# goes from hand to hand. Where the time goes into waiting for a disk, the next of these batches are left to the threads after all.
_BATCH = 64
_WAITING = 3  # times the processor's time
_LEFT_TO_THREADS = 8


@dataclass(slots=True)
class Batch:
    """What came of some files: digests by bundle path, the new stamps of those that are linked, and how many these are."""

    digests: dict[str, Digest] = field(default_factory=dict)
    stamps: dict[str, Stamp] = field(default_factory=dict)
    shared: int = 0


class DirectorySink:
    """Writes entries below a temporary directory beside `out`, several files at once; see `sinks.Sink`.

    With `cache` the end of the pack is noted for a later update.
    """

    def __init__(
        self, out: str, *, force: bool, link: LinkMode = LinkMode.AUTO, threads: int = 2, cache: bool = True
    ) -> None:
        self._target = Target(out, force=force)
        self._link = link
        self._threads = max(1, threads)
        self._cache = cache
        self._digests: dict[str, Digest] = {}
        self._directories: list[Entry] = []
        self._batch: list[Entry] = []
        self._left_to_threads = 0
        self._stamps: dict[str, Stamp] = {}
        self._pending: set[Future[Batch]] = set()
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
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="copy")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop writing and remove what is not in place."""
        try:
            self._pool.shutdown(wait=True, cancel_futures=True)
        except BaseException:  # a signal may come just now
            self._pool.shutdown(wait=True)
            raise
        finally:
            self._discard()

    def add(self, entry: Entry) -> None:
        """Write one entry; files may still be on their way when this returns."""
        self._entries += 1
        path = os.path.join(self._root, entry.path)
        match entry.content:
            case Directory():
                os.mkdir(path, 0o700)
                self._directories.append(entry)
            case Link(target):
                os.symlink(target, path)
                os.utime(path, ns=(entry.mtime_ns, entry.mtime_ns), follow_symlinks=False)
            case Deferred():
                self._drain()
                self._digests[entry.path] = write_file(entry, path, self._digests, self._link)[0]
            case content:
                if not self._is_small(content):
                    self._submit([entry])
                    return
                self._batch.append(entry)
                if len(self._batch) >= _BATCH:
                    self._write_batch()

    def finish(self) -> Written:
        """Set the directories' modes and times."""
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

    def _is_small(self, content: Content) -> bool:
        """Whether a file is done in a moment."""
        match content:
            case Source(_, size, _, sha256):
                return size < SMALL or (self._link is LinkMode.HARDLINK and sha256 is not None)
            case Patched(_, patch):
                return patch.size < SMALL
            case _:
                return True

    def _write_batch(self) -> None:
        """Write the small files that were gathered."""
        batch, self._batch = self._batch, []
        if self._left_to_threads:
            self._left_to_threads -= 1
            self._submit(batch)
            return
        wall, busy = time.monotonic(), time.thread_time()
        self._collect(self._write(batch))
        if time.monotonic() - wall > _WAITING * (time.thread_time() - busy):
            self._left_to_threads = _LEFT_TO_THREADS

    def _submit(self, batch: list[Entry]) -> None:
        """Have a thread write these files."""
        self._pending.add(self._pool.submit(self._write, batch))
        while len(self._pending) > 4 * self._threads:
            done, self._pending = wait(self._pending, return_when=FIRST_COMPLETED)
            for future in done:
                self._collect(future.result())

    def _drain(self) -> None:
        self._write_batch()
        done, self._pending = wait(self._pending)
        for future in done:
            self._collect(future.result())

    def _collect(self, done: Batch) -> None:
        self._digests.update(done.digests)
        self._stamps.update(done.stamps)
        self._shared += done.shared

    def _write(self, batch: list[Entry]) -> Batch:
        done = Batch()
        for entry in batch:
            try:
                digest, linked = write_file(entry, f"{self._root}/{entry.path}", {}, self._link_for(entry))
            except EOFError as error:
                raise OutputFailed(f"{entry.path} changed while it was packed: {error}") from error
            done.digests[entry.path] = digest
            if linked is not None:
                done.shared += 1
                if self._every_change_shows:
                    done.stamps[entry.path] = linked
        return done

    def _discard(self) -> None:
        self._working.remove()


def replace_entry(root: str, entry: Entry, digests: Digests) -> None:
    """Write one file of a finished bundle anew, by a new file and a rename."""
    path = os.path.join(root, entry.path)
    with tempfile.TemporaryDirectory(prefix=".bundler-", dir=root) as temporary:
        new = os.path.join(temporary, "new")
        write_file(entry, new, digests, LinkMode.COPY)
        os.replace(new, path)

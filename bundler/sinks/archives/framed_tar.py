"""A tar stream that is compressed frame by frame, in threads; frames of an earlier archive take the places of equal ones."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import partial

from bundler.entries import Deferred, Digest, Digests, Directory, Entry, Layer, Literal, size_of
from bundler.sinks.archives.archive import MemberBytes
from bundler.sinks.archives.frame_codecs import maker
from bundler.sinks.archives.frame_index import Frame, FrameIndex, pack_index
from bundler.sinks.archives.frame_making import (
    FrameMaker,
    Framing,
    Packed,
    Row,
    key_of_piece,
    keys_of_large,
    known_digest,
    known_keys,
    share_of_file,
)
from bundler.sinks.archives.frame_queue import FrameQueue
from bundler.sinks.archives.frames import PIECE, FrameCutter, LargeFile, PieceStream, Run, pieces
from bundler.sinks.archives.output import ByteStream
from bundler.sinks.archives.tar_headers import END, header, padding
from bundler.sinks.copying import changed, chunks, hash_chunks


class FramedTar:
    """Entries as the members of a compressed tar stream in `file`."""

    def __init__(
        self,
        file: ByteStream,
        framing: Framing,
        top: str = "",
        time_ns: int = 0,
        plain: Callable[[bytes | bytearray], object] | None = None,
    ) -> None:
        """`top` is a folder put above all entries, with this time. `plain` is told of the plain bytes, in order."""
        self._file = file
        self._framing = framing
        self._above = f"{top}/" if top else ""
        self._plain = plain
        self._cutter = FrameCutter()
        self._maker = FrameMaker(framing, self._above, keeps_plain=plain is not None)
        self._queue = FrameQueue(framing.threads, framing.codec.memory(framing.level))
        self._rows: list[Row] = []
        self._unsettled = False
        self.index = b""
        """What the stream tells of its frames, when all is written."""
        self.digests: dict[str, Digest] = {}
        """Of the files that are written, by bundle path."""
        file.write(framing.codec.head)
        if top:
            self._cut(_top(time_ns))

    def add(self, entry: Entry, digests: Digests) -> None:
        """Take an entry. `digests` are of files that were written elsewhere: a deferred one may tell of them."""
        if isinstance(entry.content, Deferred):
            if self._unsettled:
                self._settle()
            data = entry.content.make({**digests, **self.digests})
            self.digests[entry.path] = Digest(hashlib.sha256(data).digest(), len(data))
            entry = entry._replace(content=Literal(data))
        else:
            self._unsettled = True
        self._cut(entry)

    def end(self) -> None:
        """Write what is left, the end, and the index."""
        self._settle()
        codec, level = self._framing.codec, self._framing.level
        frames = [_frame(row) for row in self._rows]
        self.index = pack_index(FrameIndex(maker(codec, level), frames))
        last = self._maker.packed(END, 0, lambda: b"")
        self._file.write(codec.tail(frames, self.index, _frame(last.row), last.data))
        if self._plain is not None:
            self._plain(END)

    def stop(self) -> None:
        """Stop the threads."""
        self._queue.stop()

    def _cut(self, entry: Entry) -> None:
        for frame in self._cutter.add(entry):
            self._send(frame)

    def _settle(self) -> None:
        """Have all written, so that every digest is known."""
        for run in self._cutter.rest():
            self._send(run)
        self._queue.drain()
        self._unsettled = False

    def _send(self, frame: Run | LargeFile) -> None:
        if isinstance(frame, LargeFile):
            self._send_large(frame.entry)
        else:
            self._add(frame.size, partial(self._maker.run, frame.entries))

    def _add(self, size: int, make: Callable[[], Packed]) -> None:
        """Have a frame of about so many plain bytes made and written."""
        self._queue.add(size, lambda: partial(self._write, make()))

    def _send_large(self, entry: Entry) -> None:
        """Send a large file: by its digest alone where all of it can be taken over, else by its bytes."""
        size = size_of(entry.content)
        head = header(self._above, entry, size)
        parts = list(pieces(len(head) + size + len(padding(size))))
        sha256, keys = None, []
        if self._framing.reusable:
            sha256 = known_digest(entry) or hash_chunks(chunks(entry, {})).sha256
            keys = keys_of_large(head, entry, sha256)
            if self._plain is None and all(map(self._framing.reusable.is_proved, keys)):
                for part, key in zip(parts, keys, strict=True):
                    self._add(len(part), partial(self._maker.piece, entry, head, part, key, sha256))
                self._note(entry.path, Digest(sha256, size))
                return
        found: list[bytes] = []  # the digest, when all is read

        def send(part: range, plain: bytearray) -> None:
            wanted = keys[part.start // PIECE] if keys else None
            done = share_of_file(part, head, size)
            key = partial(_key, wanted, head, found, part)
            self._add(len(plain), partial(self._maker.packed, plain, done, key, wanted))

        stream = PieceStream(send, head)
        digest = MemberBytes(entry, {}).send(stream)
        if sha256 is not None and digest.sha256 != sha256:
            raise changed(entry.path)
        found.append(digest.sha256)
        stream.write(padding(size))
        stream.end()
        self._note(entry.path, digest)

    def _note(self, path: str, digest: Digest) -> None:
        """Note the digest of a large file, when its turn comes: they are in the order of the plan."""
        self._queue.add(0, lambda: partial(self.digests.__setitem__, path, digest))

    def _write(self, packed: Packed) -> None:
        self._file.write(packed.data)
        self._rows.append(packed.row)
        self._framing.reusable.count(packed.row.size, taken=packed.row.taken)
        self.digests.update(packed.digests)
        if self._plain is not None and packed.plain is not None:
            self._plain(packed.plain)
        self._framing.advance(packed.done)


def foreseen_keys(entries: Sequence[Entry], top: str, time_ns: int) -> list[bytes] | None:
    """The keys of all frames that the index of a `FramedTar` would have; None where they cannot be known before it is written."""
    if any(isinstance(entry.content, Deferred) for entry in entries):
        return None
    cutter = FrameCutter()
    frames: list[Run | LargeFile] = []
    for entry in (*((_top(time_ns),) if top else ()), *entries):
        frames += cutter.add(entry)
    frames += cutter.rest()
    return known_keys(frames, f"{top}/" if top else "")


def _top(time_ns: int) -> Entry:
    """The folder above all entries."""
    return Entry("", Directory(), 0o755, time_ns, Layer.RUNTIME, "")


def _key(wanted: bytes | None, head: bytes, digest: Sequence[bytes], part: range) -> bytes:
    """The key of a piece, where it was not known before; `digest` is the file's alone."""
    return wanted or key_of_piece(head, digest[0], part)


def _frame(row: Row) -> Frame:
    return Frame(row.key(), row.digest, row.size, row.plain, row.check)

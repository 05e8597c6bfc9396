"""`--update`: make of the bundle in a directory what a whole pack would have made, and touch only what differs.

What is new is written beside the bundle first; then it takes its places by renames, which are undone after an error or a signal,
up to the end of the audit. A process that is killed, or a machine that goes down, during the renames leaves a mix of both bundles,
which the next `--update --force` mends.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Sequence
from types import TracebackType

from bundler.entries import Deferred, Directory, Entry, Link, Literal
from bundler.errors import OutputExists
from bundler.options import LinkMode
from bundler.sinks import Written
from bundler.sinks.directories.directory import DirectorySink, Done, Outcome
from bundler.sinks.directories.existing import StandingBundle
from bundler.sinks.placement import Moves

_NAMED = 3


class UpdateSink(DirectorySink):
    """Compares entries with the bundle at `out`, and writes those that differ; see `sinks.Sink`.

    With `force` what somebody else changed or added in the bundle is replaced and removed; without it that is an error. Without
    `cache` all files are compared by content.
    """

    def __init__(
        self, out: str, *, force: bool, link: LinkMode = LinkMode.AUTO, threads: int = 2, cache: bool = True
    ) -> None:
        super().__init__(os.path.realpath(out), force=True, link=link, threads=threads, cache=cache)
        self._force = force
        self._wanted: set[str] = set()
        self._changed: list[Entry] = []
        self._staged = {""}
        self._moves = Moves()
        self._aside_count = 0
        self._placed = False

    def __enter__(self) -> UpdateSink:
        """Look at what is there. Raises OutputExists while another update is under way, NotABundle."""
        self._target.check()
        self._lock = os.open(self._target.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._standing = StandingBundle(self._target.path, cache=self._cache)
            super().__enter__()
        except BlockingIOError as error:
            os.close(self._lock)
            raise OutputExists(f"another pack updates {self._target.path} now", "wait for its end") from error
        except BaseException:
            os.close(self._lock)
            raise
        return self

    def _check(self) -> None:
        """Done before the bundle was looked at."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Undo the renames unless they are to stay, and remove what is left over."""
        try:
            if not self._placed:
                self._moves.undo()
                self._restore_folders()
        finally:
            super().__exit__(kind, error, trace)
            os.close(self._lock)

    def begin(self, entries: Sequence[Entry]) -> None:
        """Nothing: most are there."""

    def add(self, entry: Entry) -> None:
        """Compare one entry, and write it beside the bundle where it differs."""
        self._wanted.add(entry.path)
        match entry.content:
            case Directory():
                self._entries += 1
                self._directories.append(entry)
            case Link():
                if self._standing.has_link(entry):
                    self._entries += 1
                else:
                    self._changed.append(entry)
                    self._stage(entry)
            case Deferred(make):
                self._drain()
                self._stage(entry._replace(content=Literal(make(self._digests))))
                self._drain()
            case _:
                digest = self._standing.digest_of_kept(entry)
                if digest is None:
                    self._stage(entry)
                else:
                    self._entries += 1
                    self._digests[entry.path] = digest
                    self.advance(digest.size)

    def finish(self) -> Written:
        """Let the new files take their places. Raises OutputExists for what somebody else did to the bundle."""
        self._drain()
        foreign = [] if self._force else self._standing.foreign()
        if foreign:
            more = f" and {len(foreign) - _NAMED} more" if len(foreign) > _NAMED else ""
            raise OutputExists(
                f"{self._target.path} was changed after the pack: {', '.join(sorted(foreign)[:_NAMED])}{more}",
                "nothing was touched; --update --force replaces and removes what no pack made",
            )
        removed = self._leftovers()
        os.mkdir(os.path.join(self._temporary, "aside"))
        self._take_away(removed)
        self._take_places()
        self._settle_folders()
        size = sum(digest.size for digest in self._digests.values())
        updated = (len(self._changed), len(removed))
        return Written(
            self._target.path,
            self._digests,
            self._entries,
            size,
            self._shared,
            updated,
            self._stamps,
        )

    def place(self) -> str:
        """Let it stay: what was there before goes."""
        self._placed = True
        self._note_pack()
        return self._target.path

    def _stage(self, entry: Entry) -> None:
        folder = os.path.dirname(entry.path)
        if folder not in self._staged:
            os.makedirs(os.path.join(self._root, folder), 0o700, exist_ok=True)
            self._staged.add(folder)
        super().add(entry)

    def _write(self, batch: Sequence[Entry]) -> list[Outcome]:
        """Write what differs."""
        stood = [self._standing.digest_of_same(entry) for entry in batch]
        written = iter(super()._write([entry for entry, digest in zip(batch, stood, strict=True) if digest is None]))
        return [next(written) if digest is None else Done(digest.sha256, digest.size, stood=True) for digest in stood]

    def _collect(self, batch: Sequence[Entry], outcomes: Sequence[Outcome]) -> None:
        super()._collect(batch, outcomes)
        for entry, done in zip(batch, outcomes, strict=True):
            if done is not None and done.stood:
                self._standing.keep(entry.path)
            else:
                self._changed.append(entry)

    def _leftovers(self) -> list[str]:
        """What the plan does not have; a folder stands for all below it."""
        removed: list[str] = []
        for path in self._standing.paths:
            if path not in self._wanted and not (removed and path.startswith(removed[-1] + "/")):
                removed.append(path)
        return removed

    def _take_away(self, paths: list[str]) -> None:
        for path in paths:
            self._open_folder(path)
            self._moves.move(self._here(path), self._aside())

    def _take_places(self) -> None:
        """Folders first, then what is in them, `bundle.json` last."""
        there = self._standing.paths
        for entry in self._directories:
            facts = there.get(entry.path)
            if facts is None or not stat.S_ISDIR(facts.st_mode):
                self._open_folder(entry.path)
                if facts is not None:
                    self._moves.move(self._here(entry.path), self._aside())
                self._moves.make_folder(self._here(entry.path))
        for entry in sorted(self._changed, key=lambda entry: (entry.path == "bundle.json", entry.path)):
            self._open_folder(entry.path)
            if entry.path in there:
                self._moves.move(self._here(entry.path), self._aside())
            self._moves.move(os.path.join(self._root, entry.path), self._here(entry.path))

    def _settle_folders(self) -> None:
        for entry in reversed(self._directories):
            _set_facts(self._here(entry.path), entry.mode, entry.mtime_ns)

    def _restore_folders(self) -> None:
        """The modes and times that the renames, or we ourselves, changed."""
        for path, facts in reversed(self._standing.paths.items()):
            if stat.S_ISDIR(facts.st_mode):
                _set_facts(self._here(path), stat.S_IMODE(facts.st_mode), facts.st_mtime_ns)

    def _open_folder(self, path: str) -> None:
        """Make the folder of a path writable for us."""
        folder = os.path.dirname(path)
        facts = self._standing.paths.get(folder)
        if facts is not None and facts.st_mode & 0o300 != 0o300:
            os.chmod(self._here(folder), stat.S_IMODE(facts.st_mode) | 0o700)

    def _here(self, path: str) -> str:
        return os.path.join(self._target.path, path)

    def _aside(self) -> str:
        """A new path for something old."""
        self._aside_count += 1
        return os.path.join(self._temporary, "aside", str(self._aside_count))


def _set_facts(path: str, mode: int, mtime_ns: int) -> None:
    """Mode and time of a folder, where they are not so already."""
    with contextlib.suppress(FileNotFoundError):
        facts = os.lstat(path)
        if stat.S_IMODE(facts.st_mode) != mode:
            os.chmod(path, mode)
        if facts.st_mtime_ns != mtime_ns:
            os.utime(path, ns=(mtime_ns, mtime_ns))

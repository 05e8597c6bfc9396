"""A bundle written for a while, to be run: nobody will keep it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType

from bundler.entries import Directory, Entry, Stamp, stamp_of
from bundler.errors import NoRoom
from bundler.machine import os
from bundler.machine.signals import signals_wait
from bundler.options import LinkMode
from bundler.sinks.copying import can_reflink
from bundler.sinks.directories.writer import FileWriter, file_writer
from bundler.sinks.placement import Target
from bundler.sinks.temporary import WorkingFolder, remove_tree


class Stage:
    """A folder beside an archive that is to be; a context manager, which leaves nothing.

    Blocks are shared with the sources where the file system can do that. Files are never hard links: what a module writes into its
    own folder when it is imported must not reach the source.
    """

    def __init__(self, archive: str, *, threads: int) -> None:
        """`archive` is the path of the archive."""
        self._target = Target(archive, force=True)
        self._threads = threads
        self._working: WorkingFolder | None = None
        self._written: Mapping[str, Entry] = {}
        self._stamps: dict[str, Stamp] = {}

    def __enter__(self) -> Stage:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    def clear(self) -> None:
        """Remove the folder: an archive may need the room."""
        if self._working is not None:
            working, self._working, self._written, self._stamps = self._working, None, {}, {}
            working.remove()

    def write(self, entries: Sequence[Entry]) -> str:
        """Write entries, none of them deferred, or make of those that were written before these; the folder, links followed.

        Raises NoRoom where the disk is full, OutputFailed, OSError.
        """
        if self._working is None:
            with signals_wait():  # till it is known who removes it
                self._working = self._target.make_temporary()
            os.mkdir(self._root, 0o755)
        self._undo_changes()
        wanted = {entry.path: _writable(entry) for entry in entries}
        for path, entry in self._written.items():
            if not isinstance(entry.content, Directory) and wanted.get(path) != entry:
                self._stamps.pop(path, None)
                os.unlink(os.path.join(self._root, path))
        self._write([entry for path, entry in wanted.items() if self._written.get(path) != entry])
        self._written = wanted
        for path, entry in wanted.items():
            if path not in self._stamps and not isinstance(entry.content, Directory):
                self._stamps[path] = stamp_of(os.lstat(os.path.join(self._root, path)))
        return os.path.realpath(self._root)

    def _undo_changes(self) -> None:
        """Forget what modules changed or removed when they were imported, and remove what they made."""
        kept = set(self._as_written(self._root, ""))
        self._written = {path: entry for path, entry in self._written.items() if path in kept}
        self._stamps = {path: stamp for path, stamp in self._stamps.items() if path in kept}

    def _as_written(self, folder: str, prefix: str) -> Iterator[str]:
        """What is in a folder as it was written; all else is removed. `prefix` is its bundle path with a slash."""
        for item in list(os.scandir(folder)):
            path = prefix + item.name
            is_folder = item.is_dir(follow_symlinks=False)
            if is_folder and path in self._written:
                yield path
                yield from self._as_written(item.path, path + "/")
            elif is_folder:
                remove_tree(item.path)
            elif self._stamps.get(path) == stamp_of(item.stat(follow_symlinks=False)):
                yield path
            else:
                os.unlink(item.path)

    @property
    def _root(self) -> str:
        assert self._working is not None
        return os.path.join(self._working.path, "stage")

    def _write(self, entries: Sequence[Entry]) -> None:
        assert self._working is not None
        link = LinkMode.AUTO if can_reflink(self._working.path) else LinkMode.COPY
        writer = file_writer(lambda _entry: link)
        files = FileWriter(self._root, self._working.path, writer, threads=self._threads)
        try:
            for entry in entries:
                if not isinstance(entry.content, Directory) or entry.path not in self._written:
                    files.add(entry)
            files.drain()
        except NoRoom as error:
            raise NoRoom(
                f"{error.message}; what an archive will hold is run there first",
                "make room for the unpacked bundle, or write without running anything (--no-verify), and `bundler verify --run` "
                "later",
                error.needed,
                error.free,
            ) from error
        finally:
            files.abandon()
        files.finish_directories()


def _writable(entry: Entry) -> Entry:
    """A folder that its owner may write to: something may have to go from it, or come."""
    return entry._replace(mode=entry.mode | 0o700) if isinstance(entry.content, Directory) else entry

"""`--update`: make of the bundle in a directory what a whole pack would have made, and touch only what differs.

What is new is written beside the bundle first; then it takes its places by renames, which are undone after an error or a signal,
up to the end of the audit. Where the process is killed meanwhile, the next pack to the same place undoes them.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import TracebackType

from bundler.entries import Directory, Entry, Link
from bundler.errors import OutputExists
from bundler.machine import os
from bundler.machine.locks import FolderLock, lock_folder
from bundler.memory.packs import note_pack
from bundler.options import LinkMode
from bundler.output_facts import DirectoryFacts
from bundler.progress import ignore
from bundler.sinks import Updated, Written
from bundler.sinks.copying import can_reflink
from bundler.sinks.directories.directory import HardLinks
from bundler.sinks.directories.existing import ExistingBundle, check_foreign
from bundler.sinks.directories.tree_change import TreeChange
from bundler.sinks.directories.writer import FileWriter, Outcome, WrittenFile, file_writer
from bundler.sinks.moves import NotUndone
from bundler.sinks.placement import Target
from bundler.sinks.temporary import WorkingFolder


def open_update(
    path: str,
    facts: DirectoryFacts,
    *,
    force: bool,
    link: LinkMode = LinkMode.AUTO,
    threads: int = 2,
    cache: bool = True,
    advance: Callable[[int], object] = ignore,
) -> UpdateSink:
    """A sink that brings the bundle at `path` up to date.

    With `force` what somebody else changed or added in the bundle is replaced and removed; without it that is an error. Without
    `cache` all files are compared by content. Raises OutputExists while another update is under way, NotABundle.
    """
    target = Target(os.path.realpath(path), force=True)
    target.check()
    with ExitStack() as undone:
        try:
            lock = lock_folder(target.path)
        except BlockingIOError as error:
            raise OutputExists(f"another pack updates {target.path} now", "wait for its end") from error
        undone.callback(lock.close)
        existing = ExistingBundle(target.path, facts, cache=cache)
        working = target.make_temporary()
        undone.callback(working.remove)
        sink = UpdateSink(
            existing,
            working,
            lock,
            last=facts.manifest,
            link=link,
            force=force,
            threads=threads,
            noted=cache,
            advance=advance,
        )
        undone.pop_all()
    return sink


class UpdateSink:
    """Compares entries with the existing bundle, and writes those that differ; see `sinks.Sink`."""

    def __init__(
        self,
        existing: ExistingBundle,
        working: WorkingFolder,
        lock: FolderLock,
        *,
        last: str,
        link: LinkMode,
        force: bool,
        threads: int,
        noted: bool,
        advance: Callable[[int], object],
    ) -> None:
        """`lock` is the bundle's lock; it is closed in the end. The file `last` is put in place last.

        With `noted` the end of the pack is noted in the user's caches. `advance` is told of the bytes of files as they are done.
        """
        link = LinkMode.COPY if link is LinkMode.AUTO and not can_reflink(working.path) else link
        root = os.path.join(working.path, "new")
        os.mkdir(root)
        self._existing = existing
        self._working = working
        self._lock = lock
        self._last = last
        self._force = force
        self._noted = noted
        self._advance = advance
        self._write_anew = file_writer(lambda _entry: link, os.geteuid())
        self._links = HardLinks(working.path, link)
        self._files = FileWriter(
            root,
            working.path,
            self._compare_or_write,
            threads=threads,
            links_are_small=link is LinkMode.HARDLINK,
            advance=advance,
            note=self._note,
            takes_room=lambda _entry: False,  # what is the same takes none, and nobody knows yet what is
        )
        self._change = TreeChange(existing.root, existing.paths, working.path)
        self._wanted: set[str] = set()
        self._directories: list[Entry] = []
        self._changed: list[str] = []
        self._staged = {""}
        self._placed = False

    def __enter__(self) -> UpdateSink:
        """Nothing: it is open already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Undo the renames unless they are to stay, and remove what is left over."""
        try:
            if not self._placed:
                self._change.undo()
        except NotUndone:
            self._working.leave()
            raise
        finally:
            self._lock.close()
        self._working.remove()

    def begin(self, entries: Sequence[Entry]) -> None:
        """Nothing: most are there."""

    def add(self, entry: Entry) -> None:
        """Compare one entry, and write it beside the bundle where it differs."""
        self._wanted.add(entry.path)
        match entry.content:
            case Directory():
                self._directories.append(entry)
            case Link():
                if not self._existing.has_link(entry):
                    self._changed.append(entry.path)
                    self._stage(entry)
            case _:
                digest = self._existing.digest_of_untouched(entry)
                if digest is None:
                    self._stage(entry)
                else:
                    self._files.digests[entry.path] = digest
                    self._advance(digest.size)

    def finish(self) -> Written:
        """Let the new files take their places. Raises OutputExists for what somebody else did to the bundle."""
        self._files.drain()
        check_foreign(self._existing, force=self._force)
        removed = self._leftovers()
        if removed or self._changed or self._wanted.difference(self._existing.paths):
            self._change.begin(sorted(self._wanted))
        for path in removed:
            self._change.remove(path)
        self._change.make_folders(self._directories)
        for path in sorted(self._changed, key=lambda path: (path == self._last, path)):
            self._change.bring(path, os.path.join(self._files.root, path))
        self._change.set_folder_facts(self._directories)
        digests = self._files.digests
        return Written(
            self._existing.root,
            digests,
            len(self._wanted),
            sum(digest.size for digest in digests.values()),
            self._links.count,
            Updated(len(self._changed), len(removed)),
            self._links.stamps,
        )

    def begin_again(self) -> bool:
        """Never: what was renamed is undone first."""
        return False

    def replace(self, entry: Entry) -> bool:
        """See Sink."""
        self._files.replace(self._existing.root, entry)
        return True

    def place(self) -> str:
        """Let it stay: what was there before goes."""
        self._change.commit()
        self._placed = True
        if self._noted:
            note_pack(self._existing.root)
        return self._existing.root

    def _stage(self, entry: Entry) -> None:
        """Have an entry written beside the bundle."""
        folder = os.path.dirname(entry.path)
        if folder not in self._staged:
            os.makedirs(os.path.join(self._files.root, folder), 0o700, exist_ok=True)
            self._staged.add(folder)
        self._files.add(entry)

    def _compare_or_write(self, entry: Entry, path: str) -> Outcome:
        """Write what differs; see `WriteFile`."""
        same = self._existing.digest_of_same(entry)
        return self._write_anew(entry, path) if same is None else WrittenFile(same.sha256, same.size, kept=True)

    def _note(self, entry: Entry, file: WrittenFile) -> None:
        """Note what came of a file."""
        if file.kept:
            self._existing.keep(entry.path)
        else:
            self._changed.append(entry.path)
            self._links.note(entry, file)

    def _leftovers(self) -> list[str]:
        """What the plan does not have; a folder, or one that is to be something else, stands for all below it."""
        folders = {entry.path for entry in self._directories}
        removed: list[str] = []
        for path, facts in self._existing.paths.items():
            goes = path not in self._wanted or (stat.S_ISDIR(facts.st_mode) and path not in folders)
            if goes and not (removed and path.startswith(removed[-1] + "/")):
                removed.append(path)
        return removed

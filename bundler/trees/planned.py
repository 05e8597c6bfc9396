"""A bundle that nobody has written yet, read where its bytes come from."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Iterable, Mapping
from typing import BinaryIO, cast

from bundler.entries import Directory, Entry, Link, Literal, Source, size_of
from bundler.sinks.copying import chunks
from bundler.trees.threads import in_threads
from bundler.trees.tree import Kind, Member, Recall, Result, recall_nothing

_SPOOL = 1 << 25  # a patched file that is larger than this goes through a temporary file


class PlannedTree:
    """See `trees.tree.Tree`."""

    random_access = True

    def __init__(self, entries: Iterable[Entry]) -> None:
        """The entries of a bundle, `bundle.json` among them; none is deferred."""
        self._entries: Mapping[str, Entry] = {entry.path: entry for entry in entries}

    def scan(
        self, look: Callable[[Member, BinaryIO | None], Result], recall: Recall[Result] = recall_nothing
    ) -> list[tuple[Member, Result]]:
        """See `trees.tree.Tree`."""

        def visit(member: Member) -> Result:
            if member.kind is not Kind.FILE:
                return look(member, None)
            known = recall(member, size_of(self._entries[member.path].content))
            if known is not None:
                return known
            with self.open_file(member.path) as file:
                return look(member, file)

        return in_threads(map(_member, self._entries.values()), visit)

    def open_file(self, path: str) -> BinaryIO:
        """The file at a bundle path, as it will be."""
        content = self._entries[path].content
        match content:
            case Source(source):
                return cast(BinaryIO, open(source, "rb", buffering=0))
            case Literal(data):
                return io.BytesIO(data)
            case _:
                spool = tempfile.SpooledTemporaryFile(_SPOOL)
                for chunk in chunks(self._entries[path], {}):
                    spool.write(chunk)
                spool.seek(0)
                return cast(BinaryIO, spool)


def _member(entry: Entry) -> Member:
    match entry.content:
        case Directory():
            return Member(entry.path, Kind.DIRECTORY, entry.mode)
        case Link(target):
            return Member(entry.path, Kind.LINK, 0o777, target)
        case _:
            return Member(entry.path, Kind.FILE, entry.mode)

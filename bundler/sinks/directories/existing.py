"""The bundle that an update finds at its output: what a pack put there, and what somebody else did to it since."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Collection

from bundler.entries import Digest, Entry, Link, Literal, Patched, Source, stamp_of
from bundler.errors import BundlerError, OutputExists
from bundler.files import MOST_OF_A_MANIFEST, opened, read_regular
from bundler.machine import HAS_DRIVES, changed_at, os
from bundler.memory.packs import last_pack
from bundler.output_facts import DirectoryFacts
from bundler.sinks.copying import SMALL, chunks, hash_chunks

_NAMED = 3
"""How many files a message names."""


class ExistingBundle:
    """The paths of a bundle in a directory with their facts (`lstat`), folders before what is in them.

    Files are read only where they may have changed since the pack: where their `ctime` is later, or nothing tells when it was.
    """

    def __init__(self, root: str, facts: DirectoryFacts, *, cache: bool = True) -> None:
        """Read what it says of itself, and list everything; with `cache` learn when it was packed.

        Raises NotABundle, UnsupportedBundle.
        """
        self.root = root
        manifest = os.path.join(root, facts.manifest)
        data = read_regular(manifest, MOST_OF_A_MANIFEST)
        try:
            contents = facts.read_contents(data)
        except BundlerError as error:
            raise error.at(manifest) from error
        self._digests = {**contents, facts.manifest: hashlib.sha256(data).hexdigest()}
        self._is_regenerated = facts.is_regenerated
        self._finished = last_pack(root, data) if cache else 0
        self.paths: dict[str, os.stat_result] = {}
        _walk(root, "", self.paths)
        self._unchanged: set[str] = set()

    def digest_of_untouched(self, entry: Entry) -> Digest | None:
        """The digest of an entry whose source is known and is the same as the file here, which nobody touched since the pack."""
        content = entry.content
        if not isinstance(content, (Source, Patched)) or content.sha256 is None:
            return None
        path = entry.path
        if self._digests.get(path) != content.sha256.hex():
            return None
        size = content.size if isinstance(content, Source) else content.patch.size
        if not self._has_facts_of(entry, size) or not self._is_untouched(path):
            return None
        self._unchanged.add(path)
        return Digest(content.sha256, size)

    def digest_of_same(self, entry: Entry) -> Digest | None:
        """The digest of a file entry that is the same as the file here, mode and time included; else None. Both are read."""
        match entry.content:
            case Literal(data):
                size = len(data)
            case Source(_, size):
                pass
            case Patched(_, patch):
                size = patch.size
            case _:
                return None
        if not self._has_facts_of(entry, size):
            return None
        digest = hash_chunks(chunks(entry, {}))
        return digest if digest.sha256.hex() == self._digest(entry.path) else None

    def keep(self, path: str) -> None:
        """Note that the file at a path stays as it is."""
        self._unchanged.add(path)

    def has_link(self, entry: Entry) -> bool:
        """Whether the same link is here."""
        facts = self.paths.get(entry.path)
        return (
            isinstance(entry.content, Link)
            and facts is not None
            and stat.S_ISLNK(facts.st_mode)
            and facts.st_mtime_ns == entry.mtime_ns
            and os.readlink(os.path.join(self.root, entry.path)) == entry.content.target
        )

    def foreign(self) -> list[str]:
        """The files that somebody else than a pack changed or added."""
        return [path for path in self.paths if path not in self._unchanged and self._is_foreign(path)]

    def changed_since(self) -> list[str]:
        """The files that somebody changed or added since it was listed."""
        now: dict[str, os.stat_result] = {}
        _walk(self.root, "", now)
        return [
            path
            for path, facts in now.items()
            if not stat.S_ISDIR(facts.st_mode)
            and not self._is_regenerated(path)
            and (path not in self.paths or stamp_of(self.paths[path]) != stamp_of(facts))
        ]

    def _is_foreign(self, path: str) -> bool:
        mode = self.paths[path].st_mode
        if stat.S_ISDIR(mode):
            return False
        known = self._digests.get(path)
        if known is None or (not stat.S_ISREG(mode) and not stat.S_ISLNK(mode)):
            return not self._is_regenerated(path)
        if stat.S_ISLNK(mode):
            return known != "link:" + os.readlink(os.path.join(self.root, path))
        return self._digest(path) != known

    def _has_facts_of(self, entry: Entry, size: int) -> bool:
        facts = self.paths.get(entry.path)
        return (
            facts is not None
            and facts.st_size == size
            and facts.st_mtime_ns == entry.mtime_ns
            and (facts.st_mode == stat.S_IFREG | entry.mode or (HAS_DRIVES and stat.S_ISREG(facts.st_mode)))
        )

    def _is_untouched(self, path: str) -> bool:
        return path in self._digests and changed_at(self.paths[path]) <= self._finished

    def _digest(self, path: str) -> str:
        """The SHA-256 of a file, in hexadecimal."""
        if self._is_untouched(path):
            return self._digests[path]
        with opened(os.path.join(self.root, path)) as file:
            return hash_chunks(iter(lambda: file.read(SMALL), b"")).sha256.hex()


def check_foreign(existing: ExistingBundle, *, force: bool) -> None:
    """Refuse to lose what somebody else did to the bundle that is updated, but with `force`. Raises OutputExists."""
    if not force:
        refuse_to_lose(existing, existing.foreign(), is_update=True)


def refuse_to_lose(existing: ExistingBundle, foreign: Collection[str], *, is_update: bool = False) -> None:
    """Raise OutputExists for what is foreign in a bundle that is to be updated, or replaced."""
    if not foreign:
        return
    more = f" and {len(foreign) - _NAMED} more" if len(foreign) > _NAMED else ""
    named = ", ".join(sorted(foreign)[:_NAMED])
    if is_update:
        hint = "nothing was touched; --update --force replaces and removes what no pack made"
    else:
        hint = "nothing was touched; move away what is yours, or give it up with --update --force"
    raise OutputExists(f"{existing.root} was changed after the pack: {named}{more}", hint)


def _walk(root: str, above: str, found: dict[str, os.stat_result]) -> None:
    """Everything below a folder, each folder before what is in it; `above` is the folder's path from the root, and a slash."""
    folders = []
    with os.scandir(root + "/" + above) as items:
        for item in items:
            facts = item.stat(follow_symlinks=False)
            if stat.S_ISDIR(facts.st_mode):
                folders.append((item.name, facts))
            else:
                found[above + item.name] = facts
    for name, facts in folders:
        found[above + name] = facts
        _walk(root, f"{above}{name}/", found)

"""One import proof: a batch as it was observed in the source and in the bundle, and what both observations depend on."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from bundler.audit.observation import Batch, Finder, Observation
from bundler.audit.proofs.parts import Parts
from bundler.bundle_paths import NOWHERE, BundleRoot

StampOf = Callable[[str], bytes]
"""From the absolute path of a file of this machine: its stamp; an empty one where there is no such file."""


@dataclass(frozen=True, slots=True)
class ImportProof:
    """What two processes had, and why they would have the same again."""

    batch: Batch
    source: Observation
    bundle: Observation
    """Paths in the bundle are below `bundle_paths.NOWHERE`."""
    parts: Mapping[str, str]
    """Digests of the parts of the bundle that it depends on; "" for what there was not."""
    files: str
    """What tells the files of this machine that they had from others: a digest of their stamps."""

    def holds(self, parts: Parts, stamp: StampOf) -> bool:
        """Whether nothing of all that changed."""
        return all(parts.digest(part) == digest for part, digest in self.parts.items()) and self.files == _files(
            self.source, self.bundle, stamp
        )


def proof_of(
    batch: Batch, source: Observation, bundle: Observation, root: BundleRoot, parts: Parts, stamp: StampOf
) -> ImportProof | None:
    """The proof of a batch that was tried in the bundle at `root`; None for one that began processes of its own, or was ended.

    What those did nobody saw.
    """
    if source.spawned or bundle.spawned or source.libraries is None or bundle.libraries is None:
        return None
    told = {part: parts.digest(part) for part in parts.of_process(batch, bundle, root)}
    moved = relocated(bundle, root, NOWHERE)
    return ImportProof(batch, source, moved, told, _files(source, moved, stamp))


def relocated(seen: Observation, old: BundleRoot, new: BundleRoot) -> Observation:
    """The observation as it would be if the bundle that lay at `old` had lain at `new`."""

    def move(path: str) -> str:
        inside = old.inside(path)
        return path if inside is None else new.place(inside)

    def moved(paths: Iterable[str]) -> frozenset[str]:
        return frozenset(map(move, paths))

    return replace(
        seen,
        failed={name: error.replace(old.path, new.path) for name, error in seen.failed.items()},
        search_path=tuple(map(move, seen.search_path)),
        modules={name: move(file) for name, file in seen.modules.items()},
        libraries=None if seen.libraries is None else moved(seen.libraries),
        opened=moved(seen.opened),
        finders=tuple(Finder(kind, tuple(map(move, paths))) for kind, paths in seen.finders),
        metadata=moved(seen.metadata),
        listed=moved(seen.listed),
        read=frozenset(),  # `parts` of the proof has what came of them
    )


def _files(source: Observation, bundle: Observation, stamp: StampOf) -> str:
    """The digest of the stamps of what both had on this machine outside of the bundle."""
    paths = {*source.modules.values(), *(source.libraries or ()), *(bundle.libraries or ())}
    paths |= source.programs | bundle.programs
    hasher = hashlib.sha256()
    for path in sorted(paths):
        if not NOWHERE.holds(path):
            hasher.update(os.fsencode(path) + b"\0" + stamp(path) + b"\0")
    return hasher.hexdigest()


def stamps() -> StampOf:
    """What stamps files, and looks at each but once.

    Times of the last change are left out: a pack that makes hard links changes them.
    """
    known: dict[str, bytes] = {}

    def stamp(path: str) -> bytes:
        if path not in known:
            try:
                facts = os.stat(path)
            except OSError:
                known[path] = b""
            else:
                known[path] = b"%d %d %d %d" % (facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns)
        return known[path]

    return stamp

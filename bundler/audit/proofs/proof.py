"""One import proof: a batch as it was observed in the source and in the bundle, and what both observations depend on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from bundler.audit.observation import Batch, Finder, LeftBy, Observation
from bundler.audit.proofs.parts import Parts
from bundler.bundle_paths import NOWHERE, BundleRoot
from bundler.machine import os
from bundler.plan.left_out import NOTHING_LEFT_OUT, LeftOut

StampOf = Callable[[str], bytes]
"""From the absolute path of a file of this machine: its stamp; an empty one where there is no such file."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What proofs are held against."""

    parts: Parts
    """Of the bundle."""
    stamp: StampOf
    left_out: LeftOut = NOTHING_LEFT_OUT
    """Modules of the source that the bundle lacks on purpose."""

    def files(self, source: Observation, bundle: Observation) -> str:
        """The digest of the stamps of what both had on this machine outside of the bundle."""
        paths = {*source.modules.values(), *(source.libraries or ()), *(bundle.libraries or ())}
        paths |= source.programs | bundle.programs
        hasher = hashlib.sha256()
        for path in sorted(paths):
            if not NOWHERE.holds(path):
                hasher.update(os.fsencode(path) + b"\0" + self.stamp(path) + b"\0")
        return hasher.hexdigest()

    def left_by(self, name: str) -> str:
        """Who leaves a module out; "" for one that nobody does."""
        if name in self.left_out.by_user:
            return LeftBy.USER.value
        return LeftBy.PROFILE.value if name in self.left_out.by_profile else ""


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
    left: Mapping[str, str]
    """Who left out the modules that the source was not to find, and that it looked for."""

    def holds(self, facts: Facts) -> bool:
        """Whether nothing of all that changed."""
        return (
            all(facts.parts.digest(part) == digest for part, digest in self.parts.items())
            and all(facts.left_by(name) == who for name, who in self.left.items())
            and self.files == facts.files(self.source, self.bundle)
        )


def proof_of(
    batch: Batch, source: Observation, bundle: Observation, root: BundleRoot, facts: Facts
) -> ImportProof | None:
    """The proof of a batch that was tried in the bundle at `root`; None for one that began processes of its own, or was ended.

    What those did nobody saw.
    """
    if source.spawned or bundle.spawned or source.libraries is None or bundle.libraries is None:
        return None
    parts = {part: facts.parts.digest(part) for part in facts.parts.of_process(batch, bundle, root)}
    moved = relocated(bundle, root, NOWHERE)
    left = {name: facts.left_by(name) for name in sorted(source.missed)}
    return ImportProof(batch, source, moved, parts, facts.files(source, moved), left)


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

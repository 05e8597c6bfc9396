"""Every changed binary of a bundle is read once more, by a reader that is not the patcher's, and held against its source."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import BinaryIO

from bundler.audit.readers.comparison import PACKED, Asked, disagreements, unasked
from bundler.audit.recalled import Recalled, nothing_recalled
from bundler.audit.tree import BundleTree
from bundler.binaries.format import BinaryImage
from bundler.binaries.formats import facts
from bundler.entries import Patched
from bundler.errors import BinaryFormatError
from bundler.faults import Fault, FaultKind
from bundler.files import opened
from bundler.machine import os

OpenFile = Callable[[str], BinaryIO]
"""Opens the file at a bundle path, to be read anywhere."""
_TO_DO = "that is a mistake of bundler's: do not use the file, and report it"


def audit_changed_binaries(
    tree: BundleTree, open_file: OpenFile, sources: Mapping[str, Patched] = {}, known: Recalled | None = None
) -> Iterator[Fault]:
    """Faults of the changed binaries of a bundle whose files `open_file` opens.

    Two readers must read the same; and of a file whose source is at hand (`sources`, by bundle path) all that
    nobody asked for must be as it was there.
    """
    known = known or nothing_recalled()
    for change in tree.manifest.changed:
        seen = tree.files.get(change.path)
        if seen is None or seen.image is None or not tree.is_as_packed(change.path):
            continue
        source = sources.get(change.path)
        sha256, stamp = bytes.fromhex(seen.sha256), source.stamp if source is not None else None
        if known.agrees(sha256, stamp):
            continue
        messages = list(_differences(seen.image, open_file(change.path), source.path if source is not None else None))
        if not messages:
            known.note_agreement(sha256, stamp)
        yield from (Fault(FaultKind.READERS, change.path, message, _TO_DO) for message in messages)


def in_folder(place: str) -> OpenFile:
    """What opens the files of the bundle in a folder."""
    return lambda path: open(os.path.join(place, path), "rb")


def _differences(image: BinaryImage, bundled: BinaryIO, source: str | None) -> Iterator[str]:
    with bundled as file:
        for difference in disagreements(image, file):
            yield f"two readers disagree on {difference.message}"
        if source is not None:
            with opened(source) as before:
                for difference in unasked(before, file, _asked(before, file)):
                    yield f"differs from its source in what nobody asked for: {difference.message}"


def _asked(before: BinaryIO, after: BinaryIO) -> Asked:
    """What a pack may change: search paths, names, the interpreter, and of needed libraries those that are named by a path.

    That an interpreter is the system's is for the rules of that system to check.
    """
    try:
        names = zip(facts(before).needed, facts(after).needed, strict=False)
    except BinaryFormatError:
        return PACKED
    return replace(PACKED, renamed={old: new for old, new in names if old != new and "/" in old}, interpreter=True)

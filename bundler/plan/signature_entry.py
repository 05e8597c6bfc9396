"""The signature of a plan's bundle: in a directory the very last entry, for an archive the file that lies beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

from bundler.destination import Destination, InPlace, ToDirectory, ToFile
from bundler.entries import Deferred, Digests, Entry, Layer, Source
from bundler.errors import LeaksFound
from bundler.files import opened
from bundler.formats import DIRECTORY, SIGNATURE, SIGNATURE_SUFFIX
from bundler.machine import os
from bundler.manifest import Manifest
from bundler.plan.make import Plan
from bundler.plan.manifest_entry import MANIFEST
from bundler.plan.materials import materials
from bundler.signing.signer import Signer
from bundler.signing.statement import Subject

_CHUNK = 1 << 20
_SIZE = 1 << 13  # bytes of a signature, but for what it was made of
_MATERIAL = 200  # bytes of each of those


def signature_entry(plan: Plan, signer: Signer, manifest: Callable[[], Manifest]) -> Entry:
    """The entry of a directory's signature. It signs the `bundle.json` that is written by then; `manifest` is what that says."""

    def make(digests: Digests) -> bytes:
        subjects = [Subject(MANIFEST, digests[MANIFEST].sha256.hex())]
        return signer.attestation(manifest(), subjects, materials(plan.environment, plan.packages), DIRECTORY)

    time = next(entry.mtime_ns for entry in plan.entries if entry.path == plan.environment.scheme.executable)
    size = _SIZE + _MATERIAL * len(plan.environment.distributions)
    return Entry(SIGNATURE, Deferred(make, size), 0o644, time, Layer.APPLICATION, "bundler")


def lost_signature(destination: Destination) -> tuple[str, ...]:
    """A note where the bundle that stands at a destination is signed: for one that is packed without a key that does not hold."""
    match destination:
        case ToFile(path) if os.path.lexists(path + SIGNATURE_SUFFIX):
            return (f"{path}{SIGNATURE_SUFFIX} signs another archive than this one: --sign KEY signs this, too",)
        case ToDirectory(path) | InPlace(path) if os.path.lexists(os.path.join(path, SIGNATURE)):
            return (f"{path} was signed before, and is not any more: --sign KEY signs it again",)
    return ()


def check_key_stays(entries: Iterable[Entry], key: str) -> None:
    """Refuse a plan that would take the key itself along, whatever the user allows. Raises LeaksFound."""
    if not os.path.isfile(key):
        return
    size = os.stat(key).st_size
    for entry in entries:
        content = entry.content
        if isinstance(content, Source) and content.size == size and os.path.samefile(content.path, key):
            raise LeaksFound(
                f"{entry.path} is the key that signs the bundle ({key})",
                f"keep it elsewhere, or leave it out: --exclude /{entry.path}",
            )


def archive_signature(
    plan: Plan, signer: Signer, manifest: Manifest, digests: Digests, archive: str, name: str, form: str
) -> bytes:
    """What signs the finished file at the path `archive`, which will have the `name`, and the `bundle.json` in it."""
    digest = hashlib.sha256()
    with opened(archive) as file:
        for chunk in iter(lambda: file.read(_CHUNK), b""):
            digest.update(chunk)
    subjects = [
        Subject(os.fsencode(name).decode("utf-8", "replace"), digest.hexdigest()),
        Subject(MANIFEST, digests[MANIFEST].sha256.hex()),
    ]
    return signer.attestation(manifest, subjects, materials(plan.environment, plan.packages), form)

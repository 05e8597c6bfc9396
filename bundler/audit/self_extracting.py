"""The script in front of a bundle that unpacks itself: who starts the file runs it, whatever the archive behind it holds."""

from __future__ import annotations

from collections.abc import Iterator

from bundler.audit.tree import BundleTree
from bundler.faults import Fault, FaultKind
from bundler.formats import HEAD_SIZE, archive_of_content
from bundler.sinks.archives.self_extracting import has_own_script
from bundler.version import VERSION

_TO_DO = "do not start the file: take it again from where it came from, or have it unpacked by bundler verify --run"


def audit_script(path: str, tree: BundleTree) -> Iterator[Fault]:
    """The fault of a file that is no such bundle as this version writes. Of other versions' scripts nothing can be said."""
    with open(path, "rb") as file:
        form = archive_of_content(file.read(HEAD_SIZE))
    if form is not None and form.unpacks_itself and tree.manifest.bundler == VERSION and not has_own_script(path):
        yield Fault(
            FaultKind.SCRIPT, "", "the script in front of the archive is not the one that bundler wrote", _TO_DO
        )

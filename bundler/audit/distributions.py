"""Metadata of distributions: one for each name in a folder, as `bundle.json` tells them, and RECORDs of what a pack changed."""

from __future__ import annotations

import email.parser
from collections.abc import Iterator, Sequence

from packaging.utils import canonicalize_name

from bundler.audit.installed import hexadecimal
from bundler.audit.tree import BundleTree
from bundler.bundle_paths import normal
from bundler.faults import Fault, FaultKind
from bundler.rewrite.direct_url import parse_direct_url
from bundler.rewrite.record import parse_record
from bundler.trees import MANIFEST

_METADATA = ".dist-info/METADATA"
_RECORD = ".dist-info/RECORD"
_DIRECT_URL = ".dist-info/direct_url.json"
_LOOKED_AT = (_METADATA, _RECORD, _DIRECT_URL)


def audit_distributions(tree: BundleTree) -> Iterator[Fault]:
    """Faults of metadata."""
    installed = sorted(path for path in tree.files if path.endswith(_LOOKED_AT) and _is_installed(tree, path))
    metadata = [path for path in installed if path.endswith(_METADATA)]
    yield from _told_otherwise(tree, metadata)
    yield from _twice(tree, metadata)
    for path in installed:
        if path.endswith(_DIRECT_URL):
            yield from _direct_url(tree, path)
        elif path.endswith(_RECORD) and tree.is_as_packed(path):
            yield from _record(tree, path)


def _told_otherwise(tree: BundleTree, paths: Sequence[str]) -> Iterator[Fault]:
    """Metadata that were packed and say another version than `bundle.json`, which scanners for holes go by."""
    told: dict[str, set[str]] = {}
    for name, version in tree.manifest.distributions:
        told.setdefault(canonicalize_name(name), set()).add(version)
    for path in paths:
        text = tree.files[path].text
        if text is None or not tree.is_as_packed(path):
            continue
        metadata = email.parser.HeaderParser().parsestr(text.decode("utf-8", "surrogateescape"))
        name, version = str(metadata["Name"] or ""), str(metadata["Version"] or "").strip()
        versions = told.get(canonicalize_name(name), set())
        if versions and version not in versions:
            message = f"tells {name} {', '.join(sorted(versions))}, and {path} version {version}"
            yield Fault(FaultKind.MANIFEST, MANIFEST, message, "pack again")


def _twice(tree: BundleTree, metadata: Sequence[str]) -> Iterator[Fault]:
    """Metadata that were added beside others of the same name."""
    by_name: dict[tuple[str, str], list[str]] = {}
    for path in metadata:
        name = path.rsplit("/", 2)[1].partition("-")[0]
        by_name.setdefault((_folder(path), canonicalize_name(name)), []).append(path)
    for paths in by_name.values():
        packed = [path for path in paths if path in tree.manifest.files]
        for path in paths:
            if packed and path not in packed:
                message = f"was added beside {packed[0]}: chance decides which of them is the distribution's"
                yield Fault(FaultKind.ADDED, path, message, "uninstall both, and install the one that shall be there")


def _record(tree: BundleTree, path: str) -> Iterator[Fault]:
    """Rows that lead out of the bundle, or tell another digest of a file that the pack changed than `bundle.json`."""
    changed = {change.path for change in tree.manifest.changed}
    folder, text = _folder(path), tree.files[path].text
    record = parse_record(text if text is not None else b"")
    # Of nearly all rows the path alone says that there is nothing to look at.
    told = (row.startswith((".", "/")) or "/.." in row or f"{folder}/{row}" in changed for row in record.paths)
    for row in record.rows if any(told) else ():
        place = normal(f"{folder}/{row.path}") if not row.path.startswith("/") else None
        if place is None:
            message = f"lists {row.path}, which is not in the bundle: an uninstall deletes it wherever the bundle is"
            yield Fault(FaultKind.CONTENT, path, message, "remove that line, or pack again")
            continue
        is_told = place in changed and tree.is_as_packed(place) and row.digest
        if is_told and hexadecimal(row.digest) not in ("", tree.manifest.files[place].sha256):
            message = f"has another digest of {place} than that file"
            yield Fault(FaultKind.CONTENT, path, message, "pack again")


def _direct_url(tree: BundleTree, path: str) -> Iterator[Fault]:
    """A place of the machine that packed: a pack leaves such a file out."""
    text = tree.files[path].text
    if text is not None and tree.is_as_packed(path) and (url := parse_direct_url(text)).is_local:
        message = f"tells that it was installed from {url.url}, which is no place of the target's"
        yield Fault(FaultKind.CONFIGURATION, path, message, f"rm {path}, or pack again")


def _is_installed(tree: BundleTree, path: str) -> bool:
    """Whether a file of some metadata belongs to an installed distribution, and not to one that a package has inside of it."""
    return _folder(path) in tree.manifest.python.site_packages


def _folder(path: str) -> str:
    """The folder of packages that a file of some metadata belongs to."""
    return path.rsplit("/", 2)[0] if path.count("/") > 1 else ""

"""The contents of a bundle, a directory or an archive, from one reading of it. Nothing is run or written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from operator import attrgetter

from bundler.audit.recalled import Reading, ReadingsBook, Recalled, nothing_recalled
from bundler.audit.seen_files import NOT_LOOKING, Looking
from bundler.audit.static import system_of_bundle
from bundler.audit.tree import BundleTree, read_tree
from bundler.audit.view import TreeView
from bundler.contents.kinds import Kinds
from bundler.contents.layers import Layers
from bundler.contents.model import Binary, Contents, Distribution, FileKind, Item, Need, Place
from bundler.contents.owners import Owners, find_distributions, is_kept
from bundler.entries import Digest
from bundler.environment.unpacked import check_folder_or_archive
from bundler.keywords import StrPath
from bundler.leaks.findings import Trace
from bundler.leaks.kind_of_file import FileKind as FormOfFile
from bundler.leaks.scanner import NOTHING_SEARCHED
from bundler.machine import os
from bundler.manifest import FileFact, Manifest, read_manifest
from bundler.option_kinds import path_of, switch_of
from bundler.sbom import Read, components_of, is_read
from bundler.systems import system_named
from bundler.systems.functions import FUNCTIONS
from bundler.systems.libraries import InBundle, Location, OnHost, Preloaded
from bundler.systems.surveys import Survey
from bundler.trees import MANIFEST
from bundler.trees.manifests import find_manifest

_WITH_HEAD, _WITHOUT_HEAD = (
    Reading(FormOfFile.BINARY, Trace.NOTHING, has_head=has_head).code for has_head in (True, False)
)
LOOKING = Looking(
    NOTHING_SEARCHED, NOT_LOOKING.closeness, lambda path: is_kept(path) or is_read(path), functions=FUNCTIONS
)
"""What is kept of files that are read for their contents."""


def read_contents(path: StrPath, *, whole: bool = False) -> Contents:
    """The contents of the bundle at a path: a directory, or an archive of any format, which is read as it lies.

    Of a directory a file that has the size which `bundle.json` tells is taken for the one that was packed, and not read again but
    for a binary's headers: that nobody changed it, `verify` proves. With `whole` every file is read, and each digest its own.

    Raises NotABundle, UnsupportedBundle, DamagedBundle; BadOption for a wrong argument.
    """
    path, whole = path_of("path", path), switch_of("whole", whole)
    check_folder_or_archive(path)
    known = nothing_recalled() if whole or not os.path.isdir(path) else _as_told(path)
    tree = read_tree(path, LOOKING, known)
    return contents_of(tree, os.path.basename(os.path.abspath(path)))


def contents_of(tree: BundleTree, name: str) -> Contents:
    """The contents of a bundle that was read, and is called `name`. Raises UnsupportedBundle."""
    manifest, sites = tree.manifest, tree.manifest.python.site_packages
    survey = system_of_bundle(tree).survey_binaries(TreeView(tree))
    paths = [*tree.every_file, *tree.links]
    texts = {path: seen.text for path, seen in tree.files.items() if seen.text is not None}
    distributions = find_distributions(paths, sites, texts)
    owners = Owners(distributions, sites, texts)
    return Contents(
        name,
        manifest,
        tuple(sorted(_items(tree, owners, survey, _own(manifest, distributions, paths)), key=attrgetter("path"))),
        {path: _binary(path, survey) for path in sorted(survey.needs)},
        distributions,
        components_of(_with_files_there(tree), _reader(tree)),
    )


def _as_told(path: str) -> Recalled:
    """What `bundle.json` tells of the files of a directory, as if an audit had read them."""
    manifest = read_manifest(find_manifest(path))
    no_binary = system_named(manifest.system).no_binary_suffix
    digests: dict[str, Digest] = {}
    readings: dict[bytes, bytes] = {}
    for place, fact in manifest.files.items():
        sha256 = _digest(fact)
        if sha256 is not None:
            digests[place] = Digest(sha256, fact.size)
            has_head = no_binary.search(place) is None or readings.get(sha256) == _WITH_HEAD
            readings[sha256] = _WITH_HEAD if has_head else _WITHOUT_HEAD
    return Recalled(ReadingsBook(), NOTHING_SEARCHED.digest, readings, digests)


def _digest(fact: FileFact) -> bytes | None:
    try:
        return bytes.fromhex(fact.sha256 or "") or None
    except ValueError:
        return None


def _own(manifest: Manifest, distributions: tuple[Distribution, ...], paths: list[str]) -> frozenset[str]:
    """Names of distributions that came from a local place: from no index, and what told the place was left out."""
    told = {path.rpartition("/")[0] for path in paths if path.endswith("/direct_url.json")}
    return frozenset(
        each.name for each in distributions if each.name in manifest.unpublished and each.metadata not in told
    )


def _items(tree: BundleTree, owners: Owners, survey: Survey, own: frozenset[str]) -> Iterator[Item]:
    manifest = tree.manifest
    kinds = Kinds(manifest.python, survey.programs, survey.needs.keys())
    layers = Layers(manifest, system_of_bundle(tree), own)
    reasons = {change.path: change.reason for change in manifest.changed}
    for path, seen in tree.every_file.items():
        fact = manifest.files.get(path)
        origin = fact.origin if fact is not None else "bundler" if path == MANIFEST else ""
        owner = owners.owner(path)
        yield Item(
            path,
            seen.size,
            layers.layer(path, origin, owner),
            owner,
            kinds.kind(path, seen),
            origin,
            reasons.get(path, ""),
            None,
            seen.sha256,
            fact.mode if fact is not None else seen.mode,
        )
    for path, target in tree.links.items():
        fact = manifest.files.get(path)
        origin = fact.origin if fact is not None else ""
        owner = owners.owner(path)
        layer = layers.layer(path, origin, owner)
        yield Item(path, 0, layer, owner, FileKind.LINK, origin, reasons.get(path, ""), target)


def _binary(path: str, survey: Survey) -> Binary:
    return Binary(path, tuple(_need(*need) for need in survey.needs[path].items()), survey.demands.get(path))


def _need(name: str, place: Location) -> Need:
    match place:
        case InBundle(found) | Preloaded(found):
            return Need(name, Place.BUNDLE, found)
        case OnHost():
            return Need(name, Place.HOST)
        case _:
            return Need(name, Place.MISSING)


def _with_files_there(tree: BundleTree) -> Manifest:
    """What `bundle.json` tells, of the files and links that are there."""
    told = tree.manifest.files
    files = {path: told.get(path, FileFact(seen.sha256, seen.size)) for path, seen in tree.files.items()}
    links = {path: told.get(path, FileFact(link=target)) for path, target in tree.links.items()}
    return replace(tree.manifest, files={**files, **links})


def _reader(tree: BundleTree) -> Read:
    """What gives the content of a file that was kept, links followed."""

    def read(path: str) -> bytes | None:
        seen = tree.files.get(tree.follow(path) or "")
        return seen.text if seen is not None else None

    return read

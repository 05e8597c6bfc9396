"""Everything that the static audit needs to know of a bundle, learned in one reading of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from bundler.audit.recalled import Recalled, nothing_recalled
from bundler.audit.seen_files import NOT_LOOKING, FileReader, Looking, SeenFile
from bundler.bundle_paths import NOWHERE, follow
from bundler.environment.unpacked import check_folder_or_archive, no_bundle
from bundler.errors import DamagedBundle, NotABundle
from bundler.machine import os
from bundler.manifest import Manifest, read_manifest
from bundler.trees import MANIFEST, Kind, Member, Tree, open_tree

_VALUES = 100_000
"""Values that every `bundle.json` may have, and `_VALUES_OF_FILE` more for each file and link: a dozen are usual."""
_VALUES_OF_FILE = 64


@dataclass(frozen=True, slots=True)
class BundleTree:
    """A bundle that was read: `root` is its folder (absolute, links followed; for an archive one that is not there).

    `files`, `links` (with their targets), `folders` and `others` (pipes and the like) are by bundle path; `bundle.json` is not
    among them.
    """

    root: str
    manifest: Manifest
    files: Mapping[str, SeenFile]
    links: Mapping[str, str]
    folders: frozenset[str]
    others: frozenset[str]
    in_archive: bool = False
    own_file: SeenFile | None = None
    """`bundle.json` as a file."""

    @property
    def every_file(self) -> Mapping[str, SeenFile]:
        """All files, `bundle.json` among them."""
        return {**self.files, MANIFEST: self.own_file} if self.own_file is not None else self.files

    members: tuple[Member, ...] = ()
    """Every path with its mode and its owner, `bundle.json` among them."""

    def path(self, bundle_path: str) -> str:
        """The path on this machine."""
        return os.path.join(self.root, bundle_path)

    def is_as_packed(self, path: str) -> bool:
        """Whether the file at a bundle path is there as it was packed, neither added nor replaced later."""
        fact, seen = self.manifest.files.get(path), self.files.get(path)
        return fact is not None and seen is not None and fact.sha256 == seen.sha256

    def follow(self, path: str) -> str | None:
        """The bundle path of what a bundle path leads to, links followed; None where it leads out, nowhere or in a circle.

        The root itself is "".
        """
        found = follow(path, self.links)
        return found if found in self.files or found in self.folders or found in ("", MANIFEST) else None


def read_tree(
    bundle: str,
    looking: Looking = NOT_LOOKING,
    known: Recalled | None = None,
    *,
    with_symbols: bool = False,
    signed: Collection[str] | None = None,
) -> BundleTree:
    """Read a bundle, a directory or an archive, to its end, and look through every file.

    With `with_symbols` it is read, too, for what a binary needs each version of symbols. Files of a directory that are `known` are
    not read again. Of a directory `bundle.json` must have one of the digests (hexadecimal) that are `signed`, where these are
    given: else nothing that it says is read.

    Raises NotABundle where there is no readable `bundle.json`, DamagedBundle for another one than was signed.
    """
    check_folder_or_archive(bundle)
    believed = signed if os.path.isdir(bundle) else None
    read = look_through(open_tree(bundle), looking, known, with_symbols=with_symbols, signed=believed)
    if read is None:
        raise no_bundle(bundle)
    in_archive = not os.path.isdir(bundle)
    return replace(read, root=NOWHERE.path if in_archive else os.path.realpath(bundle), in_archive=in_archive)


def look_through(
    tree: Tree,
    looking: Looking = NOT_LOOKING,
    known: Recalled | None = None,
    *,
    with_symbols: bool = False,
    signed: Collection[str] | None = None,
) -> BundleTree | None:
    """What a tree says of itself, as an archive that lies nowhere; None without a `bundle.json`. See `read_tree`.

    Files that are `known` are not read again.
    """
    reader = FileReader(
        looking, known or nothing_recalled(), random_access=tree.random_access, with_symbols=with_symbols
    )
    files: dict[str, SeenFile] = {}
    links: dict[str, str] = {}
    folders: set[str] = set()
    others: set[str] = set()
    members = []
    for member, seen in tree.scan(reader.look, reader.recall):
        members.append(member)
        if seen is not None:
            files[member.path] = seen
        elif member.kind is Kind.LINK:
            links[member.path] = member.target
        else:
            (folders if member.kind is Kind.DIRECTORY else others).add(member.path)
    found = files.pop(MANIFEST, None)
    if found is None or found.text is None:
        return None
    if signed is not None and found.sha256 not in signed:
        raise DamagedBundle(
            f"{MANIFEST} is another one than a moment ago: it is not the one that was signed",
            "verify again when nobody writes to the bundle",
        )
    _check_extent(found.text, len(files) + len(links))
    manifest = read_manifest(found.text)
    kinds = frozenset(folders), frozenset(others)
    return BundleTree(
        NOWHERE.path, manifest, files, links, *kinds, in_archive=True, members=tuple(members), own_file=found
    )


def _check_extent(manifest: bytes, paths: int) -> None:
    """Raise NotABundle for a `bundle.json` that tells far more than so many paths need: it takes many times its size of memory."""
    values = sum(map(manifest.count, (b",", b"[", b"{")))
    if values > _VALUES + _VALUES_OF_FILE * paths:
        raise NotABundle(f"bundle.json has {values} values for {paths} files and links, which is no manifest")

"""Everything that the static audit needs to know of a bundle, learned in one reading of it."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import IO, Any, BinaryIO, NamedTuple, cast

from bundler.audit.leaks import Leak, LeakFinder, PathBytes
from bundler.binaries.format import BinaryImage, Format
from bundler.binaries.formats import HEAD_SIZE, detect
from bundler.bundle_paths import NOWHERE, follow
from bundler.environment.unpacked import check_folder_or_archive, no_bundle
from bundler.errors import BinaryFormatError
from bundler.manifest import Manifest, read_manifest
from bundler.trees import MANIFEST, Kind, Member, Tree, open_tree

_CHUNK = 1 << 20
_SPOOL = 1 << 25  # a binary of an archive that is larger than this goes through a temporary file
_TEXTS = (MANIFEST, "pyvenv.cfg", "entry_points.txt", "RECORD")
_SCRIPT_HEAD = 4096  # bytes
_MODULE_HOOKS = ("PyInit_", "PyModExport_")  # the second one from 3.15 on (PEP 793): modules of abi3t have no other


@dataclass(frozen=True, slots=True)
class SeenFile:
    """A file as it was read."""

    sha256: str
    """In hexadecimal."""
    size: int
    """In bytes."""
    mode: int = 0o644
    """Permission bits."""
    leak: Leak | None = None
    """Where the file holds a path that was looked for: what kind of file it is."""
    text: bytes | None = None
    """The whole content of a file that configures the bundle or a distribution."""
    head: bytes = b""
    """The beginning of a script."""
    image: BinaryImage | None = None
    """A binary's headers, as its format reads them."""
    binary_faults: tuple[str, ...] = ()
    """Why a system would refuse to load the binary, in words."""
    defines_module: bool = False
    """Whether a binary has a function that makes the module of its own name."""


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


def read_tree(bundle: str, prefixes: Sequence[str] = ()) -> BundleTree:
    """Read a bundle, a directory or an archive, to its end, and look for `prefixes` (paths of the source) in every file.

    Raises NotABundle where there is no readable `bundle.json`.
    """
    check_folder_or_archive(bundle)
    read = look_through(open_tree(bundle), prefixes)
    if read is None:
        raise no_bundle(bundle)
    in_archive = not os.path.isdir(bundle)
    return replace(read, root=NOWHERE.path if in_archive else os.path.realpath(bundle), in_archive=in_archive)


def look_through(tree: Tree, prefixes: Sequence[str]) -> BundleTree | None:
    """What a tree says of itself, as an archive that lies nowhere; None without a `bundle.json`. See `read_tree`."""
    wanted = [PathBytes(os.fsencode(prefix)) for prefix in prefixes]
    files: dict[str, SeenFile] = {}
    links: dict[str, str] = {}
    folders: set[str] = set()
    others: set[str] = set()
    for member, seen in tree.scan(lambda member, file: _look(member, file, wanted, tree.random_access)):
        if seen is not None:
            files[member.path] = seen
        elif member.kind is Kind.LINK:
            links[member.path] = member.target
        else:
            (folders if member.kind is Kind.DIRECTORY else others).add(member.path)
    found = files.pop(MANIFEST, None)
    if found is None or found.text is None:
        return None
    manifest = read_manifest(found.text)
    return BundleTree(NOWHERE.path, manifest, files, links, frozenset(folders), frozenset(others), in_archive=True)


def _look(member: Member, file: BinaryIO | None, wanted: Sequence[PathBytes], random_access: bool) -> SeenFile | None:
    """Read one file."""
    if file is None:
        return None
    name = os.path.basename(member.path)
    chunk = file.read(_CHUNK)
    binary = detect(chunk[:HEAD_SIZE])
    if binary is not None:
        with tempfile.SpooledTemporaryFile(_SPOOL) as spool:
            seen = _read(file, chunk, LeakFinder(wanted, Leak.BINARY), None if random_access else spool)
            # A spooled file has all that a format's reader asks for.
            again = file if random_access else cast(BinaryIO, spool)
            return _with_headers(_seen_file(seen, member), binary, again, name)
    whole = io.BytesIO() if name in _TEXTS or name.endswith((".pth", ".start")) else None
    kind = Leak.PYC if name.endswith(".pyc") else Leak.BINARY if b"\0" in chunk[:1024] else Leak.TEXT
    seen = _read(file, chunk, LeakFinder(wanted, kind), whole)
    head = chunk[:_SCRIPT_HEAD] if chunk.startswith(b"#!") else b""
    text = whole.getvalue() if whole is not None else None
    return _seen_file(seen, member, text, head)


def _seen_file(read: _Read, member: Member, text: bytes | None = None, head: bytes = b"") -> SeenFile:
    return SeenFile(read.sha256, read.size, member.mode, read.leak, text, head)


def _with_headers(seen: SeenFile, form: Format[Any], file: BinaryIO, name: str) -> SeenFile:
    """What a binary's headers tell; nothing of a damaged one, which is the source's business."""
    try:
        image = form.read_image(file)
        return replace(
            seen,
            image=image,
            binary_faults=form.faults(file, image),
            defines_module=any(form.names_symbol(file, image, hook + name.partition(".")[0]) for hook in _MODULE_HOOKS),
        )
    except BinaryFormatError:
        return seen


class _Read(NamedTuple):
    """What one reading of a file tells: digest (hexadecimal), size in bytes, whether it holds a path that was looked for."""

    sha256: str
    size: int
    leak: Leak | None


def _read(file: BinaryIO, chunk: bytes, finder: LeakFinder, copy: IO[bytes] | None) -> _Read:
    """Read a file whose first chunk was read already to its end, and look for what `finder` finds."""
    hasher = hashlib.sha256()
    size = 0
    while chunk:
        hasher.update(chunk)
        size += len(chunk)
        if copy is not None:
            copy.write(chunk)
        finder.look(chunk)
        chunk = file.read(_CHUNK)
    return _Read(hasher.hexdigest(), size, finder.end())

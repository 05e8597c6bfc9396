"""Everything that the static audit needs to know of a bundle, learned in one reading of it."""

from __future__ import annotations

import hashlib
import io
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import IO, BinaryIO, cast

from bundler.binaries.elf import Image, is_elf, read_image
from bundler.binaries.macho import Image as MachOImage
from bundler.binaries.macho import is_macho, signature_fault
from bundler.binaries.macho import read_image as read_macho
from bundler.bundle_paths import NOWHERE, follow
from bundler.errors import BinaryFormatError, NotABundle
from bundler.manifest import Manifest, read_manifest
from bundler.trees import MANIFEST, Kind, Member, open_tree

_CHUNK = 1 << 20
_SPOOL = 1 << 25  # a binary of an archive that is larger than this goes through a temporary file
_TEXTS = (MANIFEST, "pyvenv.cfg", "entry_points.txt", "RECORD")
_DT_STRTAB, _DT_STRSZ = 5, 10
_OPENS = re.compile(rb"\b(CDLL|find_library|LoadLibrary|dlopen)\(")  # ctypes, cffi


@dataclass(frozen=True, slots=True)
class SeenMachO:
    """A Mach-O file: its headers, and what is wrong with its slices' signatures, in words."""

    image: MachOImage
    signature_faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SeenFile:
    """A file as it was read: digest (hexadecimal SHA-256), size in bytes, and what its content tells.

    `leak` is `text`, `pyc` or `binary` where it holds a path that was looked for. `text` is the whole content of a file that
    configures the bundle, `head` the beginning of a script. `opens_libraries` tells of
    Python code that may open a library by name. `image` are an ELF file's headers, `macho` what a
    Mach-O file tells; `defines_module` tells whether it
    has an init function for the module of its own name.
    """

    sha256: str
    size: int
    leak: str | None = None
    text: bytes | None = None
    head: bytes = b""
    image: Image | None = None
    defines_module: bool = False
    macho: SeenMachO | None = None
    opens_libraries: bool = False
    mode: int = 0o644
    """Permission bits."""

    @property
    def headers(self) -> object | None:
        """A binary's headers, in its format's own words; None for what is no binary."""
        return self.image if self.image is not None else self.macho.image if self.macho is not None else None


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
    needles = [os.fsencode(prefix) for prefix in prefixes]
    files: dict[str, SeenFile] = {}
    links: dict[str, str] = {}
    folders: set[str] = set()
    others: set[str] = set()
    tree = open_tree(bundle)
    for member, seen in tree.scan(lambda member, file: _look(member, file, needles, tree.random_access)):
        if seen is not None:
            files[member.path] = replace(seen, mode=member.mode)
        elif member.kind is Kind.LINK:
            links[member.path] = member.target
        else:
            (folders if member.kind is Kind.DIRECTORY else others).add(member.path)
    found = files.pop(MANIFEST, None)
    if found is None or found.text is None:
        raise NotABundle(f"{bundle} is no bundle: it has no bundle.json")
    root = os.path.realpath(bundle) if os.path.isdir(bundle) else NOWHERE.path
    in_archive = not os.path.isdir(bundle)
    return BundleTree(root, read_manifest(found.text), files, links, frozenset(folders), frozenset(others), in_archive)


def _look(member: Member, file: BinaryIO | None, needles: Sequence[bytes], random_access: bool) -> SeenFile | None:
    """Read one file."""
    if file is None:
        return None
    name = os.path.basename(member.path)
    chunk = file.read(_CHUNK)
    if is_macho(chunk[:8]):
        with tempfile.SpooledTemporaryFile(_SPOOL) as spool:
            seen, leak = _read(file, chunk, needles, None if random_access else spool)
            macho, defines = _read_macho(file if random_access else spool, name)
        return SeenFile(*seen, "binary" if leak else None, defines_module=defines, macho=macho)
    if is_elf(chunk[:4]):
        with tempfile.SpooledTemporaryFile(_SPOOL) as spool:
            seen, leak = _read(file, chunk, needles, None if random_access else spool)
            image, defines = _read_elf(file if random_access else spool, name)
        return SeenFile(*seen, "binary" if leak else None, None, b"", image, defines)
    head = chunk[:4096]
    whole = io.BytesIO() if name in _TEXTS or name.endswith((".pth", ".start")) else None
    seen, leak = _read(file, chunk, needles, whole)
    kind = "pyc" if name.endswith(".pyc") else "binary" if b"\0" in head[:1024] else "text"
    return SeenFile(
        *seen,
        kind if leak else None,
        whole.getvalue() if whole is not None else None,
        head if head.startswith(b"#!") else b"",
        opens_libraries=name.endswith(".py") and _OPENS.search(chunk) is not None,
    )


def _read(
    file: BinaryIO, chunk: bytes, needles: Sequence[bytes], copy: IO[bytes] | None
) -> tuple[tuple[str, int], bool]:
    """Digest and size, and whether one of `needles` is in it, of a file whose first chunk was read already."""
    hasher = hashlib.sha256()
    size = 0
    found = False
    overlap = max((len(needle) for needle in needles), default=1) - 1
    tail = b""
    while chunk:
        hasher.update(chunk)
        size += len(chunk)
        if copy is not None:
            copy.write(chunk)
        if needles and not found:
            window = tail + chunk if tail else chunk
            found = any(needle in window for needle in needles)
            tail = window[-overlap:] if overlap else b""
        chunk = file.read(_CHUNK)
    return (hasher.hexdigest(), size), found


def _read_macho(file: IO[bytes], name: str) -> tuple[SeenMachO | None, bool]:
    """What a Mach-O file tells, None for a damaged one, and whether it defines the module of its name."""
    opened = cast(BinaryIO, file)
    try:
        image = read_macho(opened)
    except BinaryFormatError:
        return None, False
    faults = (signature_fault(opened, part) for part in image.slices)
    symbols = image.slices[0].segment("__LINKEDIT")
    defines = False
    if symbols is not None:
        file.seek(image.slices[0].offset + symbols.fileoff)
        defines = f"_PyInit_{name.partition('.')[0]}\0".encode() in file.read(symbols.filesize)
    return SeenMachO(image, tuple(fault for fault in faults if fault is not None)), defines


def _read_elf(file: IO[bytes], name: str) -> tuple[Image | None, bool]:
    """The headers of an ELF file, None for a damaged one, and whether it defines the module of its name."""
    try:
        file.seek(0)
        image = read_image(cast(BinaryIO, file))
        address, size = image.entry(_DT_STRTAB), image.entry(_DT_STRSZ)
        offset = image.offset_of(address) if address is not None else None
        if offset is None or size is None:
            return image, False
        file.seek(offset)
        return image, f"PyInit_{name.partition('.')[0]}".encode() in file.read(size)
    except BinaryFormatError:
        return None, False

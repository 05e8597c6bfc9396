"""The files of a bundle, each read once: digest, headers of binaries, texts that configure it, traces of the source."""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

from bundler.audit.leaks import Leak, LeakFinder, PathBytes
from bundler.audit.recalled import Recalled
from bundler.binaries.elf.launchers import HEAD_SIZE as HEAD_OF_LAUNCHER
from bundler.binaries.elf.launchers import is_launcher
from bundler.binaries.format import NO_VERSIONS, BinaryImage, Format, SymbolVersions
from bundler.binaries.formats import HEAD_SIZE, detect
from bundler.errors import BinaryFormatError, NotABundle
from bundler.files import MOST_OF_A_MANIFEST, MOST_OF_A_TEXT
from bundler.machine import os
from bundler.trees import MANIFEST, Member

if TYPE_CHECKING:
    from typing_extensions import Buffer

_CHUNK = 1 << 20
_SPOOL = 1 << 25  # a binary of an archive that is larger than this goes through a temporary file
_TEXTS = (MANIFEST, "pyvenv.cfg", "entry_points.txt", "RECORD", "WHEEL")
_SCRIPT_HEAD = 4096  # bytes
_PROGRAM_SUFFIX = ".exe"
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
    """The beginning of a script or of a launcher of bundler's; the whole of a small program, which may be what starts one."""
    image: BinaryImage | None = None
    """A binary's headers, as its format reads them."""
    binary_faults: tuple[str, ...] = ()
    """Why a system would refuse to load the binary, in words."""
    defines_module: bool = False
    """Whether a binary has a function that makes the module of its own name."""
    versions: SymbolVersions = NO_VERSIONS
    """The versions of symbols that a binary needs and has."""


class FileReader:
    """Reads files, as far as nobody has read the same bytes before."""

    def __init__(
        self, prefixes: Sequence[str], recalled: Recalled, *, random_access: bool, with_symbols: bool = False
    ) -> None:
        """`prefixes` are looked for. With `with_symbols` it is read, too, for what a binary needs each version."""
        self._wanted = [PathBytes(os.fsencode(prefix)) for prefix in prefixes]
        self._recalled = recalled
        self._random_access = random_access
        self._with_symbols = with_symbols

    def recall(self, member: Member, size: int) -> SeenFile | None:
        """A file that need not be opened; None where it must be. `size` is in bytes."""
        sha256 = self._recalled.digest(member.path, size)
        if sha256 is None or _is_text(member.path) or not self._recalled.is_plain(sha256):
            return None
        return SeenFile(sha256.hex(), size, member.mode, self._recalled.leak(sha256))

    def look(self, member: Member, file: BinaryIO | None) -> SeenFile | None:
        """Read one file."""
        if file is None:
            return None
        chunk = file.read(_CHUNK)
        binary = detect(chunk[:HEAD_SIZE])
        if binary is not None:
            return self._look_at_binary(member, file, chunk, binary)
        whole = _Whole(member.path) if _is_text(member.path) else None
        is_pyc = member.path.endswith(".pyc")
        kind = Leak.PYC if is_pyc else Leak.BINARY if b"\0" in chunk[:1024] else Leak.TEXT
        head = chunk[:_SCRIPT_HEAD] if chunk.startswith(b"#!") else b""
        seen = self._read(file, chunk, kind, whole, plain=not head)
        text = whole.getvalue() if whole is not None else None
        return SeenFile(seen.sha256, seen.size, member.mode, seen.leak, text, head)

    def _look_at_binary(self, member: Member, file: BinaryIO, chunk: bytes, form: Format[Any]) -> SeenFile:
        name = os.path.basename(member.path)
        head = chunk if name.lower().endswith(_PROGRAM_SUFFIX) and len(chunk) < _CHUNK else b""
        head = chunk[:HEAD_OF_LAUNCHER] if is_launcher(chunk) else head
        if self._random_access:
            size = file.seek(0, os.SEEK_END)
            sha256 = self._recalled.digest(member.path, size)
            if sha256 is not None and self._recalled.knows(sha256):
                known = SeenFile(sha256.hex(), size, member.mode, self._recalled.leak(sha256), head=head)
                return _with_headers(known, form, file, name, with_symbols=self._with_symbols)
            file.seek(len(chunk))
        with tempfile.SpooledTemporaryFile(_SPOOL) as spool:
            seen = self._read(file, chunk, Leak.BINARY, None if self._random_access else spool, plain=False)
            # A spooled file has all that a format's reader asks for.
            again = file if self._random_access else cast(BinaryIO, spool)
            known = SeenFile(seen.sha256, seen.size, member.mode, seen.leak, head=head)
            return _with_headers(known, form, again, name, with_symbols=self._with_symbols)

    def _read(self, file: BinaryIO, chunk: bytes, kind: Leak, copy: IO[bytes] | None, *, plain: bool) -> _Read:
        seen = _read(file, chunk, LeakFinder(self._wanted, kind), copy)
        self._recalled.note(bytes.fromhex(seen.sha256), seen.leak, plain=plain)
        return seen


def _is_text(path: str) -> bool:
    """Whether the content of a file is looked at, and not only its digest: it configures the bundle or a distribution."""
    name = os.path.basename(path)
    return name in _TEXTS or name.endswith((".pth", ".start", "._pth"))


class _Whole(io.BytesIO):
    """The content of a file that is kept in memory."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path
        self._left = MOST_OF_A_MANIFEST if path.rpartition("/")[2] == MANIFEST else MOST_OF_A_TEXT

    def write(self, data: Buffer) -> int:
        """Raises NotABundle where there is more than any such file has."""
        written = super().write(data)
        self._left -= written
        if self._left < 0:
            raise NotABundle(f"{self._path} has more than {self.tell() >> 20} MiB, and no such file is that large")
        return written


def _with_headers(seen: SeenFile, form: Format[Any], file: BinaryIO, name: str, *, with_symbols: bool) -> SeenFile:
    """What a binary's headers tell; nothing of a damaged one, which is the source's business."""
    try:
        image = form.read_image(file)
        return replace(
            seen,
            image=image,
            binary_faults=form.faults(file, image),
            versions=_versions(form, file, image, with_symbols=with_symbols),
            defines_module=any(form.names_symbol(file, image, hook + name.partition(".")[0]) for hook in _MODULE_HOOKS),
        )
    except BinaryFormatError:
        return seen


def _versions(form: Format[Any], file: BinaryIO, image: BinaryImage, *, with_symbols: bool) -> SymbolVersions:
    """The versions of symbols of a binary whose headers are sound; none where that table is damaged."""
    try:
        return form.symbol_versions(file, image, with_symbols=with_symbols)
    except BinaryFormatError:
        return NO_VERSIONS


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

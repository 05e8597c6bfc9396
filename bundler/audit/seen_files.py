"""The files of a bundle, each read once: digest, headers of binaries, texts that configure it, what they tell of its maker."""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING, Any, BinaryIO, cast

from bundler.audit.recalled import Reading, Recalled
from bundler.binaries.elf.launchers import HEAD_SIZE as HEAD_OF_LAUNCHER
from bundler.binaries.elf.launchers import is_launcher
from bundler.binaries.format import NO_FUNCTIONS, NO_VERSIONS, BinaryImage, Format, Functions, SymbolVersions
from bundler.binaries.formats import HEAD_SIZE, detect
from bundler.errors import BinaryFormatError, NotABundle
from bundler.files import MOST_OF_A_MANIFEST, MOST_OF_A_TEXT
from bundler.leaks.findings import Credential, Trace
from bundler.leaks.kind_of_file import FileKind, kind_of_file
from bundler.leaks.scanner import NOTHING_SEARCHED, Closeness, Scanner, Search
from bundler.leaks.stores import store_of
from bundler.machine import os
from bundler.trees import MANIFEST, Member

if TYPE_CHECKING:
    from typing_extensions import Buffer

_CHUNK = 1 << 20
_SPOOL = 1 << 25  # a binary of an archive that is larger than this goes through a temporary file
_TEXTS = (MANIFEST, "pyvenv.cfg", "entry_points.txt", "METADATA", "RECORD", "WHEEL", "direct_url.json")
_LISTS = (MANIFEST, "RECORD")
_SCRIPT_HEAD = 4096  # bytes
_PYC_HEAD = 16  # bytes (PEP 552)
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
    kind: FileKind = FileKind.TEXT
    traces: Trace = Trace.NOTHING
    """What was found of all that was looked for."""
    credentials: tuple[Credential, ...] = ()
    """The first of them."""
    text: bytes | None = None
    """The whole content of a file that configures the bundle or a distribution."""
    head: bytes = b""
    """The beginning of a script, of a compiled module that was read, or of a launcher of bundler's; the whole of a small
    program, which may be what starts one."""
    image: BinaryImage | None = None
    """A binary's headers, as its format reads them."""
    binary_faults: tuple[str, ...] = ()
    """Why a system would refuse to load the binary, in words."""
    defines_module: bool = False
    """Whether a binary has a function that makes the module of its own name."""
    versions: SymbolVersions = NO_VERSIONS
    """The versions of symbols that a binary needs and has."""
    functions: Functions = NO_FUNCTIONS
    """What a binary takes from others, and has, of the functions that were asked about."""


@dataclass(frozen=True, slots=True)
class Looking:
    """What is looked for, and how closely."""

    search: Search
    closeness: Callable[[str], Closeness]
    """How closely the file at a bundle path is looked at."""
    keeps: Callable[[str], bool] = lambda _path: False
    """Whether the content of a file is kept that the audit has no use for."""
    functions: frozenset[bytes] = frozenset()
    """The functions that binaries are asked about (see `binaries.format.Functions`)."""

    def scanner(self, path: str, kind: FileKind) -> Scanner:
        """What looks through one file. In lists of files and digests, which installers write, are places alone."""
        if os.path.basename(path) in _LISTS:
            return Scanner(self.search.for_places, kind, None, Closeness.OF_PYTHON)
        store = store_of(path) if self.search.credentials else None
        return Scanner(self.search, kind, store, self.closeness(path))


NOT_LOOKING = Looking(NOTHING_SEARCHED, lambda _path: Closeness.OF_PYTHON)


class FileReader:
    """Reads files, as far as nobody has read the same bytes before."""

    def __init__(
        self, looking: Looking, recalled: Recalled, *, random_access: bool, with_symbols: bool = False
    ) -> None:
        """With `with_symbols` it is read, too, for what a binary needs each version."""
        self._looking = looking
        self._recalled = recalled
        self._random_access = random_access
        self._with_symbols = with_symbols

    def recall(self, member: Member, size: int) -> SeenFile | None:
        """A file that need not be opened; None where it must be. `size` is in bytes."""
        sha256 = self._recalled.digest(member.path, size)
        if sha256 is None or self._is_kept(member.path):
            return None
        known = self._known(sha256)
        if known is None or known.has_head:
            return None
        return SeenFile(sha256.hex(), size, member.mode, known.kind, known.traces)

    def _is_kept(self, path: str) -> bool:
        """Whether the content of a file is kept, and not only its digest."""
        return _is_text(path) or self._looking.keeps(path)

    def _known(self, sha256: bytes) -> Reading | None:
        """What is known of a file with this digest, if nothing was found in it of which more is told than that it is there."""
        known = self._recalled.reading(sha256)
        return known if known is not None and Trace.CREDENTIAL not in known.traces else None

    def _known_of(self, member: Member, file: BinaryIO, position: int) -> Reading | None:
        """What is known of an open file, which is read up to a position."""
        if not self._random_access:
            return None
        size = file.seek(0, os.SEEK_END)
        file.seek(position)
        sha256 = self._recalled.digest(member.path, size)
        return self._known(sha256) if sha256 is not None else None

    def look(self, member: Member, file: BinaryIO | None) -> SeenFile | None:
        """Read one file."""
        if file is None:
            return None
        chunk = file.read(_CHUNK)
        binary = detect(chunk[:HEAD_SIZE])
        if binary is not None:
            return self._look_at_binary(member, file, chunk, binary)
        whole = _Whole(member.path) if self._is_kept(member.path) else None
        head = chunk[:_SCRIPT_HEAD] if chunk.startswith(b"#!") else b""
        known = self._known_of(member, file, len(chunk)) if whole is not None else None
        seen = self._read(member, file, chunk, whole, has_head=bool(head), known=known)
        head = chunk[:_PYC_HEAD] if member.path.endswith(".pyc") else head
        return replace(seen, text=whole.getvalue() if whole is not None else None, head=head)

    def _look_at_binary(self, member: Member, file: BinaryIO, chunk: bytes, form: Format[Any]) -> SeenFile:
        name = os.path.basename(member.path)
        head = chunk if name.lower().endswith(_PROGRAM_SUFFIX) and len(chunk) < _CHUNK else b""
        head = chunk[:HEAD_OF_LAUNCHER] if is_launcher(chunk) else head
        if self._random_access:
            size = file.seek(0, os.SEEK_END)
            sha256 = self._recalled.digest(member.path, size)
            known = self._known(sha256) if sha256 is not None else None
            if known is not None and sha256 is not None:
                seen = SeenFile(sha256.hex(), size, member.mode, known.kind, known.traces, head=head)
                return self._with_headers(seen, form, file, name)
            file.seek(len(chunk))
        with tempfile.SpooledTemporaryFile(_SPOOL) as spool:
            seen = self._read(member, file, chunk, None if self._random_access else spool, has_head=True)
            # A spooled file has all that a format's reader asks for.
            again = file if self._random_access else cast(BinaryIO, spool)
            seen = replace(seen, head=head)
            return self._with_headers(seen, form, again, name)

    def _with_headers(self, seen: SeenFile, form: Format[Any], file: BinaryIO, name: str) -> SeenFile:
        """What a binary's headers tell; nothing of a damaged one, which is the source's business."""
        try:
            image = form.read_image(file)
            hooks = (hook + name.partition(".")[0] for hook in _MODULE_HOOKS)
            return replace(
                seen,
                image=image,
                binary_faults=form.faults(file, image),
                versions=_versions(form, file, image, with_symbols=self._with_symbols),
                functions=_functions(form, file, image, self._looking.functions),
                defines_module=any(form.names_symbol(file, image, hook) for hook in hooks),
            )
        except BinaryFormatError:
            return seen

    def _read(
        self,
        member: Member,
        file: BinaryIO,
        chunk: bytes,
        copy: IO[bytes] | None,
        *,
        has_head: bool,
        known: Reading | None = None,
    ) -> SeenFile:
        """Read a file whose first chunk was read already to its end, and look through it where nobody has."""
        kind = kind_of_file(member.path, chunk)
        scanner = self._looking.scanner(member.path, kind) if known is None else None
        hasher = hashlib.sha256()
        size = 0
        while chunk:
            hasher.update(chunk)
            size += len(chunk)
            if copy is not None:
                copy.write(chunk)
            if scanner is not None:
                scanner.look(chunk)
            chunk = file.read(_CHUNK)
        sha256 = hasher.digest()
        if known is not None:
            return SeenFile(sha256.hex(), size, member.mode, kind, known.traces)
        assert scanner is not None
        scanner.end()
        self._recalled.note(sha256, Reading(kind, scanner.traces, has_head))
        return SeenFile(sha256.hex(), size, member.mode, kind, scanner.traces, tuple(scanner.credentials))


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


def _versions(form: Format[Any], file: BinaryIO, image: BinaryImage, *, with_symbols: bool) -> SymbolVersions:
    """The versions of symbols of a binary whose headers are sound; none where that table is damaged."""
    try:
        return form.symbol_versions(file, image, with_symbols=with_symbols)
    except BinaryFormatError:
        return NO_VERSIONS


def _functions(form: Format[Any], file: BinaryIO, image: BinaryImage, names: frozenset[bytes]) -> Functions:
    """The same of functions."""
    try:
        return form.functions(file, image, names)
    except BinaryFormatError:
        return NO_FUNCTIONS

"""Where a plan is written to: sinks of two verbs, `add` and `finish`.

A sink knows a format and nothing about Python. It writes beside its target under a temporary name; `finish` puts the
result in place, and leaving the `with` block without it discards everything.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from bundler.errors import OutputFailed
from bundler.plan.entries import Digests, Entry

if TYPE_CHECKING:
    from bundler.sinks.copying import LinkMode

__all__ = ["OutputFormat", "Sink", "Written", "format_of", "open_sink"]


@dataclass(frozen=True, slots=True)
class Written:
    """What a sink wrote: digests by bundle path, the number of entries, and the size on disk in bytes."""

    path: str
    digests: Digests
    entries: int
    size: int
    shared: int = 0
    """Number of files whose bytes are shared with the source (hard links)."""


class Sink(Protocol):
    """A context manager that takes entries in path order, the deferred ones last."""

    def __enter__(self) -> Sink: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def add(self, entry: Entry) -> None:
        """Write one entry. Its parent directory was added before it."""

    def finish(self) -> Written:
        """Complete the output and put it in place."""


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """A format of output, and the suffixes that ask for it."""

    name: str
    suffixes: tuple[str, ...]


DIRECTORY = OutputFormat("directory", ())
TAR_GZ = OutputFormat("tar.gz", (".tar.gz", ".tgz"))
TAR = OutputFormat("tar", (".tar",))

_ARCHIVES = (TAR_GZ, TAR)
_LATER = (
    ".oci.tar", ".tar.zst", ".tar.xz", ".tar.bz2", ".zip", ".squashfs", ".run", ".tzst", ".txz", ".tbz2", ".7z",
)  # fmt: skip


def format_of(out: str) -> OutputFormat:
    """The format that a path's suffix asks for; a directory without one.

    Raises OutputFailed for a suffix whose format this version cannot write.
    """
    name = os.path.basename(out.rstrip("/")).lower()
    for suffix in _LATER:
        if name.endswith(suffix):
            raise OutputFailed(f"{out}: this version writes no {suffix}", "use a directory, .tar or .tar.gz")
    for archive in _ARCHIVES:
        if name.endswith(archive.suffixes):
            return archive
    return DIRECTORY


def open_sink(out: str, *, force: bool, link: LinkMode, threads: int, top: str = "", level: int | None = None) -> Sink:
    """The sink for a path, by its suffix.

    `force` replaces what is there; `top` is a folder put on top of an archive; `level` is the compression level.
    Raises OutputFailed where `top` or `level` mean nothing for the format.
    """
    archive = format_of(out)
    if archive is DIRECTORY:
        if top:
            raise OutputFailed("--top is for archives; name the folder in --out")
        from bundler.sinks.directory import DirectorySink

        return DirectorySink(out, force=force, link=link, threads=threads)
    from bundler.sinks.tar import TarSink

    compressed = archive is TAR_GZ
    return TarSink(out, force=force, top=top, level=level if compressed else None, gzip=compressed, threads=threads)

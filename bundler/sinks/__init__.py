"""Where a plan is written to: sinks of two verbs, `add` and `finish`.

A sink knows a format and nothing about Python. It writes beside its target under a temporary name; `finish` puts the
result in place, and leaving the `with` block without it discards everything.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

from bundler.errors import OutputFailed
from bundler.options import PackOptions
from bundler.plan.entries import Digests, Entry

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


def open_sink(out: str, options: PackOptions) -> Sink:
    """The sink for a path, by its suffix. Raises OutputFailed where an option means nothing for the format."""
    archive = format_of(out)
    if archive is DIRECTORY:
        if options.top:
            raise OutputFailed("--top is for archives; name the folder in --out")
        from bundler.sinks.directory import DirectorySink

        return DirectorySink(out, force=options.force, link=options.link, threads=options.threads)
    from bundler.sinks.tar import TarSink

    return TarSink(
        out,
        force=options.force,
        top=options.top,
        gzip=archive is TAR_GZ,
        level=options.level,
        threads=options.threads,
    )

"""A bundle as a squashfs image, made by `mksquashfs` from a tar stream: no directory in between."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from typing import IO

from bundler.entries import Digest, Entry, size_of
from bundler.errors import OutputFailed
from bundler.machine import os
from bundler.sinks.archives.archive import ArchiveSettings
from bundler.sinks.archives.compression import checked_level
from bundler.sinks.archives.output import Output
from bundler.sinks.archives.tar import TarStream

_LEVELS, _DEFAULT_LEVEL = range(1, 23), 15  # mksquashfs' own
_LATEST_NS = ((1 << 32) - 1) * 1_000_000_000  # 2106: times are 32 bits (kernel.org, filesystems/squashfs)
_HINT = "install squashfs-tools 4.5 or later (Debian, Ubuntu, Fedora: squashfs-tools)"


class SquashfsWriter:
    """Streams entries into `mksquashfs`; see `MemberWriter`."""

    def __init__(self, output: Output, settings: ArchiveSettings) -> None:
        """Raises OutputFailed where the program is not installed."""
        level = checked_level("squashfs (zstd)", _LEVELS, _DEFAULT_LEVEL, settings.level)
        program = shutil.which("mksquashfs")
        if program is None:
            raise OutputFailed("squashfs images are made by mksquashfs, which is not installed", _HINT)
        # No file is later than this, so it tells the times of the image and of its root only. -root-time would tell the latter,
        # but has no effect on a tar stream (4.5.1).
        latest = min(settings.facts.latest_ns, _LATEST_NS)
        variables = {**os.environ, "SOURCE_DATE_EPOCH": str(max(0, latest // 1_000_000_000))}
        self._advance = settings.advance
        self._messages: IO[bytes] = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            [
                program, "-", output.path, "-tar", "-noappend", "-quiet", "-no-progress", "-no-xattrs",
                "-comp", "zstd", "-Xcompression-level", str(level), "-processors", str(settings.threads), "-mem", "128M",
                "-root-mode", "755", "-root-uid", "0", "-root-gid", "0",
            ],
            stdin=subprocess.PIPE,
            stdout=self._messages,
            stderr=self._messages,
            env=variables,
        )  # fmt: skip
        assert self._process.stdin is not None
        self._stream = self._process.stdin
        self._tar = TarStream(self._stream, settings.top, min(settings.facts.root_ns, _LATEST_NS))

    def write(self, entry: Entry, digests: dict[str, Digest]) -> None:
        """See MemberWriter."""
        try:
            digest = self._tar.add(entry._replace(mtime_ns=min(entry.mtime_ns, _LATEST_NS)), digests)
        except BrokenPipeError:
            raise self._failed() from None
        if digest is not None:
            digests[entry.path] = digest
        self._advance(size_of(entry.content))

    def note(self, place: str) -> None:
        """Nothing."""

    def notes(self) -> tuple[str, ...]:
        """Nothing."""
        return ()

    def end(self, digests: dict[str, Digest]) -> None:
        """End the stream and wait for the image."""
        try:
            self._tar.end()
            self._stream.close()
        except BrokenPipeError:
            raise self._failed() from None
        if self._process.wait() != 0:
            raise self._failed()

    def stop(self) -> None:
        """Stop the program where it still runs."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._messages.close()

    def _failed(self) -> OutputFailed:
        """What the program said."""
        status = self._process.wait()
        self._messages.seek(0)
        said = self._messages.read().decode("utf-8", "replace").strip().splitlines()
        return OutputFailed(f"mksquashfs ended with status {status}: {said[0] if said else 'without a message'}", _HINT)

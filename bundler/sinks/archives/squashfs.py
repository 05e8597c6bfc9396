"""A bundle as a squashfs image, made by `mksquashfs` from a tar stream: no directory in between."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from typing import IO

from bundler.entries import Entry
from bundler.errors import OutputFailed
from bundler.sinks.archives.archive import ArchiveSink
from bundler.sinks.archives.compression import checked_level
from bundler.sinks.archives.output import Output
from bundler.sinks.archives.tar import TarWriter

_DEFAULT_LEVEL = 15  # mksquashfs' own
_HINT = "install squashfs-tools 4.5 or later (Debian, Ubuntu, Fedora: squashfs-tools)"


class SquashfsSink(ArchiveSink):
    """Streams entries into `mksquashfs`; see `sinks.Sink`.

    `latest_ns` is the latest time of any entry, and becomes that of the image; `top` is a folder put above all entries.
    """

    def __init__(
        self, output: Output, latest_ns: int, *, top: str = "", level: int | None = None, threads: int = 2
    ) -> None:
        super().__init__(output)
        self._latest_ns = latest_ns
        self._top = top
        self._level = checked_level("squashfs (zstd)", range(1, 23), _DEFAULT_LEVEL, level)
        self._threads = threads
        self._process: subprocess.Popen[bytes] | None = None
        self._messages: IO[bytes] = tempfile.TemporaryFile()

    def start(self, output: Output) -> None:
        """Find the program. It is started with the first entry, whose time is that of the root directory."""
        program = shutil.which("mksquashfs")
        if program is None:
            raise OutputFailed("squashfs images are made by mksquashfs, which is not installed", _HINT)
        self._program = program
        self._path = output.reserve()

    def write(self, entry: Entry) -> None:
        """Write one member of the stream."""
        if self._process is None:
            self._run(entry.mtime_ns)
        try:
            digest = self._tar.add(entry, self._digests)
        except BrokenPipeError:
            raise self._failed() from None
        if digest is not None:
            self._digests[entry.path] = digest

    def end(self) -> None:
        """End the stream and wait for the image."""
        process = self._process
        assert process is not None and process.stdin is not None
        try:
            self._tar.end()
            process.stdin.close()
        except BrokenPipeError:
            raise self._failed() from None
        if process.wait() != 0:
            raise self._failed()

    def stop(self) -> None:
        """Stop the program where it still runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._messages.close()

    def _run(self, time_ns: int) -> None:
        # No file is later than this, so it tells the times of the image and of its root only. -root-time would tell the latter,
        # but has no effect on a tar stream (4.5.1).
        variables = {**os.environ, "SOURCE_DATE_EPOCH": str(max(0, self._latest_ns // 1_000_000_000))}
        self._process = subprocess.Popen(
            [
                self._program, "-", self._path, "-tar", "-noappend", "-quiet", "-no-progress", "-no-xattrs",
                "-comp", "zstd", "-Xcompression-level", str(self._level), "-processors", str(self._threads), "-mem", "128M",
                "-root-mode", "755", "-root-uid", "0", "-root-gid", "0",
            ],
            stdin=subprocess.PIPE,
            stdout=self._messages,
            stderr=self._messages,
            env=variables,
        )  # fmt: skip
        assert self._process.stdin is not None
        self._tar = TarWriter(self._process.stdin, self._top)
        self._tar.begin(time_ns)

    def _failed(self) -> OutputFailed:
        """What the program said."""
        assert self._process is not None
        status = self._process.wait()
        self._messages.seek(0)
        said = self._messages.read().decode("utf-8", "replace").strip().splitlines()
        return OutputFailed(f"mksquashfs ended with status {status}: {said[0] if said else 'without a message'}", _HINT)

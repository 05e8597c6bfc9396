"""A display that nobody sees: Xvfb, whose screen is a file. Programs in another root reach it by its abstract socket."""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.material.programs import need

WIDTH, HEIGHT = 400, 300


@dataclass(frozen=True)
class Display:
    """A display by its name for DISPLAY."""

    name: str
    screen: Path
    """The screen as an X window dump, which changes with it."""

    def pixels(self) -> list[int]:
        """The colours of the screen, row by row, as numbers."""
        data = self.screen.read_bytes()
        header, *_ = struct.unpack_from(">I", data)
        line, colours = struct.unpack_from(">I", data, 12 * 4)[0], struct.unpack_from(">I", data, 19 * 4)[0]
        assert line == WIDTH * 4
        start = header + colours * 12
        return list(struct.unpack_from(f"<{WIDTH * HEIGHT}I", data, start))


@contextmanager
def display(folder: Path) -> Iterator[Display]:
    """A display while the block runs; skips without Xvfb."""
    folder.mkdir()
    reading, writing = os.pipe()
    screen = ["-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-fbdir", str(folder)]
    command = [need("Xvfb"), "-displayfd", str(writing), *screen, "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[writing], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(writing)
    try:
        with os.fdopen(reading) as number:
            yield Display(f":{number.readline().strip()}", folder / "Xvfb_screen0")
    finally:
        server.terminate()
        server.wait()

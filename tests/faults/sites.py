"""From where in the program each call to the system is made: calls from one place fail alike, and few of them need be tried."""

from __future__ import annotations

import json
import mmap
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from tests.faults.layer import Control

_FRAMES = 10
_ROOT = str(Path(__file__).parents[2])


class SiteNotes:
    """Notes the sites of this process' calls, and writes them to a file at its end."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._sites: dict[int, str] = {}
        self._noted = 0
        with open(os.environ["FAULT_LAYER"], "r+b") as file:
            self._control = Control.from_buffer(mmap.mmap(file.fileno(), 0))

    def begin(self, disarm: Callable[[], object]) -> None:
        """Note from now on; `disarm` lets calls count no more."""
        leave, process = os._exit, os.getpid()

        def write_and_leave(status: int) -> None:
            sys.setprofile(None)
            if os.getpid() == process:
                disarm()
                Path(self._path).write_text(json.dumps(self._sites))
            leave(status)

        os._exit = write_and_leave  # type: ignore[assignment]
        threading.setprofile(self._note)
        sys.setprofile(self._note)

    def _note(self, frame: FrameType, event: str, argument: object) -> None:
        """What was called since the last event belongs to this frame, and to the function in C that returns to it."""
        count = self._control.count
        if count == self._noted:
            return
        function = getattr(argument, "__qualname__", "") if event in ("c_return", "c_exception") else ""
        site = f"{function} < {_stack(frame)}"
        for number in range(self._noted + 1, count + 1):
            self._sites[number] = site
        self._noted = count


def _stack(frame: FrameType | None) -> str:
    """The innermost frames, files relative to the checkout."""
    places: list[str] = []
    while frame is not None and len(places) < _FRAMES:
        name = frame.f_code.co_filename
        shown = os.path.relpath(name, _ROOT) if name.startswith(_ROOT) else os.path.basename(name)
        places.append(f"{shown}:{frame.f_lineno}")
        frame = frame.f_back
    return " < ".join(places)

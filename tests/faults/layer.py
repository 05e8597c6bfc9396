"""The library that disturbs calls of a process (`layer.c`), built and told what to do."""

from __future__ import annotations

import ctypes
import enum
import errno
import mmap
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.material.programs import need

_SOURCE = Path(__file__).with_name("layer.c")


class Control(ctypes.Structure):
    """What processes and whoever disturbs them tell each other; see `struct control` there."""

    _fields_ = [
        ("count", ctypes.c_uint64),
        ("at", ctypes.c_uint64),
        ("what", ctypes.c_int32),
        ("variant", ctypes.c_int32),
        ("signal", ctypes.c_int32),
        ("leader", ctypes.c_int32),
        ("hit", ctypes.c_int32),
        ("error", ctypes.c_int32),
        ("call", ctypes.c_char * 32),
        ("path", ctypes.c_char * 4000),
    ]


class What(enum.IntEnum):
    """What becomes of the call."""

    NOTHING = 0
    ERROR = 1
    SHORT = 2
    """Fewer bytes are moved than were asked for."""
    SIGNAL = 3
    FULL = 4
    """From that call on the disk is full."""


@dataclass(frozen=True)
class Disturbance:
    """What is done to the call with the number `at`, the first being 1; to none where it is 0."""

    at: int = 0
    what: What = What.NOTHING
    variant: int = 0
    """Which of the errors that such a call can give."""
    signal: int = 0


UNDISTURBED = Disturbance()


@dataclass(frozen=True)
class Hit:
    """The call that was disturbed."""

    call: str
    path: str
    error: int

    def __str__(self) -> str:
        outcome = f" gave {errno.errorcode.get(self.error, self.error)}" if self.error else ""
        return f"{self.call}({self.path}){outcome}"


class FaultLayer:
    """The library, and the file through which it is told."""

    def __init__(self, folder: Path) -> None:
        """Build it in `folder`; skips without a compiler."""
        self.library = folder / "layer.so"
        self.file = folder / "control"
        command = [need("cc"), "-shared", "-fPIC", "-O1", "-Wall", "-o", str(self.library), str(_SOURCE), "-ldl"]
        subprocess.run(command, check=True)
        self.file.write_bytes(bytes(ctypes.sizeof(Control)))
        with open(self.file, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)
        self._control = Control.from_buffer(self._map)

    @property
    def variables(self) -> dict[str, str]:
        """What a program needs that is to be disturbed."""
        return {"LD_PRELOAD": str(self.library), "FAULT_LAYER": str(self.file)}

    @property
    def count(self) -> int:
        """Calls since it was told what to do."""
        return int(self._control.count)

    def prepare(self, disturbance: Disturbance) -> None:
        """Count anew, and disturb what is asked for."""
        ctypes.memset(ctypes.addressof(self._control), 0, ctypes.sizeof(Control))
        self._control.at = disturbance.at
        self._control.what = disturbance.what
        self._control.variant = disturbance.variant
        self._control.signal = disturbance.signal

    @property
    def hit(self) -> Hit | None:
        """The call that was disturbed, if there was one."""
        if not self._control.hit:
            return None
        return Hit(self._control.call.decode(), os.fsdecode(self._control.path), self._control.error)

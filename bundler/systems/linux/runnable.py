"""Whether this machine can run a Linux program: where it cannot, that is no fault of the program's."""

from __future__ import annotations

import os
import subprocess

from bundler.binaries.elf import Image
from bundler.platforms import machine_of, this_platform

_SECONDS = 60


def why_not_run(program: Image | None, python: str) -> str | None:
    """Why the program at the path `python`, with these headers, cannot be run here; None where it can. It is started once."""
    if program is None:
        return f"{os.path.basename(python)} is no program of this machine"
    here = this_platform()
    wanted = machine_of(program.machine, program.elf_class.bits, program.byteorder).name
    loader = program.interpreter
    machine = here.machines[0].name if here is not None else "another"
    if _starts(python):
        return None
    if loader is not None and not os.path.exists(loader):
        return f"it is built for {wanted} and needs {loader}, which this machine ({machine}) does not have"
    return f"it is built for {wanted}, and this machine is {machine}" if wanted != machine else None


def _starts(python: str) -> bool:
    """Whether the program can be started."""
    command = [python, "-I", "-S", "-c", "pass"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        return True
    except OSError:  # another machine's; or its loader is not there
        return False
    return done.returncode == 0

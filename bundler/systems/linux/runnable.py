"""Whether this machine can run a Linux program: where it cannot, that is no fault of the program's."""

from __future__ import annotations

import subprocess

from bundler.binaries.elf import Image
from bundler.binaries.elf.machines import machine_of
from bundler.machine import os
from bundler.machine.failing import exists
from bundler.platforms import this_platform

_SECONDS = 60
_NO_INTERPRETER = (255,)  # what qemu-user ends with where the program's own loader is not there


def why_not_run(program: Image | None, python: str) -> str | None:
    """Why the program at the path `python`, with these headers, cannot be run here; None where it can. It is started once."""
    if program is None:
        return f"{os.path.basename(python)} is no program of this machine"
    here = this_platform()
    wanted = machine_of(program).name
    loader = program.interpreter
    machine = here.machines[0].name if here is not None else "another"
    error = _start_error(python)
    if error is None:
        return None
    if loader is not None and not exists(loader):
        return f"it is built for {wanted} and needs {loader}, which this machine ({machine}) does not have"
    if wanted != machine:
        return f"it is built for {wanted}, and this machine is {machine}"
    if isinstance(error, PermissionError) and os.stat(python).st_mode & 0o111:
        return f"nothing may be executed in {os.path.dirname(python)} (mounted noexec, or forbidden by policy)"
    return None


def _start_error(python: str) -> OSError | None:
    """Why the kernel does not start the program; None where it does, whatever becomes of it, and where it takes its time."""
    command = [python, "-I", "-S", "-B", "-c", "pass"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        return None
    except OSError as error:  # another machine's; its loader is not there; or it may not be
        return error
    return OSError() if done.returncode in _NO_INTERPRETER else None

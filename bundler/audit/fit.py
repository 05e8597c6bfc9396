"""Whether this machine can run a bundle at all: where it cannot, that is no fault of the bundle's."""

from __future__ import annotations

import os
import subprocess

from bundler.audit.tree import BundleTree
from bundler.platforms import machine_of, this_platform

_SECONDS = 60


def why_not_run(tree: BundleTree, folder: str) -> str | None:
    """Why the bundle in `folder`, whose static part passed, cannot be run here; None where it can.

    It is started once: the kernel knows best what it runs, and for what it has an emulator (binfmt_misc).
    """
    executable = tree.manifest.python.executable
    image = tree.files[executable].image
    if image is None:
        return f"{executable} is no program of this machine"
    wanted = machine_of(image.machine, image.elf_class.bits, image.byteorder).name
    loader = image.interpreter
    here = this_platform()
    machine = here.machines[0].name if here is not None else "another"
    if _starts(os.path.join(folder, executable)):
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

"""Whether this machine can run a bundle at all: where it cannot, that is no fault of the bundle's."""

from __future__ import annotations

import os
import subprocess

from bundler.audit.tree import BundleTree, SeenMachO
from bundler.binaries.elf.machines import machine_of
from bundler.platforms import OperatingSystem, Platform, this_platform

_SECONDS = 60


def why_not_run(tree: BundleTree, folder: str) -> str | None:
    """Why the bundle in `folder`, whose static part passed, cannot be run here; None where it can.

    It is started once: the kernel knows best what it runs, and for what it has an emulator (binfmt_misc).
    """
    executable = tree.manifest.python.executable
    seen, here = tree.files[executable], this_platform()
    if seen.macho is not None:
        return _why_macos_not(seen.macho, here)
    image = seen.image
    if image is None:
        return f"{executable} is no program of this machine"
    wanted = machine_of(image).name
    loader = image.interpreter
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


def _why_macos_not(seen: SeenMachO, here: Platform | None) -> str | None:
    """Only a Mac runs macOS's programs, and here only those that are built for its own processor."""
    if here is None or here.system is not OperatingSystem.MACOS:
        return "it is built for macOS"
    names = seen.image.architectures
    machine = here.machine_names[0]
    return None if machine in names else f"it is built for {', '.join(names)}, and this machine is {machine}"

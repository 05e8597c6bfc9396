"""Whether this machine can run a bundle at all: where it cannot, that is no fault of the bundle's."""

from __future__ import annotations

import errno
import os
import subprocess

from bundler.audit.tree import BundleTree, SeenMachO
from bundler.platforms import OperatingSystem, Platform, machine_of, this_platform

_SECONDS = 60


def why_not_run(tree: BundleTree, folder: str) -> str | None:
    """Why the bundle in `folder`, whose static part passed, cannot be run here; None where it can.

    The machine's own programs and those that an emulator is registered for (binfmt_misc) are told by starting one.
    """
    executable = tree.manifest.python.executable
    seen, here = tree.files[executable], this_platform()
    if seen.macho is not None:
        return _why_macos_not(seen.macho, here)
    image = seen.image
    if image is None:
        return f"{executable} is no program of this machine"
    wanted = machine_of(image.machine, image.elf_class.bits, image.byteorder).name
    machine = here.machines[0].name if here else "of another kind"
    if image.interpreter is not None and not os.path.exists(image.interpreter):
        return f"it is built for {wanted} and needs {image.interpreter}, which this machine ({machine}) does not have"
    try:
        subprocess.run(
            [os.path.join(folder, executable), "-I", "-S", "-c", "pass"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_SECONDS,
        )
    except OSError as error:
        if error.errno == errno.ENOEXEC:
            return f"it is built for {wanted}, and this machine is {machine}"
        raise
    except subprocess.TimeoutExpired:
        pass  # it starts; the run check tells more
    return None


def _why_macos_not(seen: SeenMachO, here: Platform | None) -> str | None:
    """Only a Mac runs macOS's programs, and here only those that are built for its own processor."""
    if here is None or here.system is not OperatingSystem.MACOS:
        return "it is built for macOS"
    names = seen.image.architectures
    machine = here.machines[0].name
    return None if machine in names else f"it is built for {', '.join(names)}, and this machine is {machine}"

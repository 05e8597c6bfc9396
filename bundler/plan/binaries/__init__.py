"""The plan's binaries: what is read, completed and patched, and why. One folder a system; the environment's platform says which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from bundler.entries import Entry
from bundler.environment import Environment
from bundler.errors import OutputFailed
from bundler.memory import NO_MEMORY, Memory
from bundler.options import ContentOptions, LibcMode
from bundler.plan.binaries.planned import PlannedBinaries
from bundler.plan.mounts import MountTable
from bundler.platforms import OperatingSystem

__all__ = ["PlannedBinaries", "load_planner", "plan_binaries", "plan_surroundings"]


def plan_binaries(
    entries: Mapping[str, Entry],
    environment: Environment,
    mounts: MountTable,
    options: ContentOptions,
    memory: Memory = NO_MEMORY,
) -> PlannedBinaries:
    """Read the binaries among `entries`, find what they need, and plan their patches; `memory` has those of earlier packs.

    Raises what makes the bundle differ from its source: an interpreter that cannot be read, a vital patch that does
    not fit; all together.
    """
    match environment.platform.system:
        case OperatingSystem.LINUX:
            from bundler.plan.binaries.linux.elf import plan_elf

            planned = plan_elf(entries, environment, mounts, options, memory)
        case OperatingSystem.MACOS:
            from bundler.plan.binaries.macos.macho import plan_macho

            planned = plan_macho(entries, environment, mounts, options)
        case OperatingSystem.WINDOWS:
            from bundler.plan.binaries.windows.pe import plan_pe

            planned = plan_pe(entries, environment, mounts, options)
    return replace(planned, warnings=(*planned.warnings, *_of_no_use(options, environment.platform.system)))


def _of_no_use(options: ContentOptions, system: OperatingSystem) -> Iterator[str]:
    """Options of another system: a warning, for the same configuration may serve both."""
    if options.libc is not LibcMode.HOST and system is not OperatingSystem.LINUX:
        yield f"--libc {options.libc.value} does nothing here: the libc of {system.shown} goes with the system"
    if options.thin and system is not OperatingSystem.MACOS:
        yield f"--thin {options.thin} does nothing here: only files of macOS hold several architectures"


def plan_surroundings(executable: Entry, environment: Environment, *, own_libc: bool = False) -> tuple[Entry, ...]:
    """What the interpreter, a file of the bundle, needs around it where there is no system: entries of its root directory.

    No libc, where the bundle brings its own.

    Raises OutputFailed for systems that do not come along, BundlerError where a part is missing here.
    """
    match environment.platform.system:
        case OperatingSystem.LINUX:
            from bundler.plan.binaries.linux.surroundings import least_surroundings

            return least_surroundings(executable, environment, own_libc=own_libc)
        case system:
            raise OutputFailed(f"{system.shown} does not come along in an image", "give a base: --base IMAGE.tar")


def load_planner(system: OperatingSystem) -> None:
    """Import what planning for a system needs, ahead of its use."""
    match system:
        case OperatingSystem.LINUX:
            import bundler.plan.binaries.linux.elf
        case OperatingSystem.MACOS:
            import bundler.plan.binaries.macos.macho
        case OperatingSystem.WINDOWS:
            import bundler.plan.binaries.windows.pe  # noqa: F401

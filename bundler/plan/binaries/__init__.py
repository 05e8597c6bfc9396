"""The plan's binaries: what is read, completed and patched, and why. One folder a system; the environment's platform says which."""

from __future__ import annotations

from collections.abc import Mapping

from bundler.entries import Entry
from bundler.environment import Environment
from bundler.errors import UnsupportedEnvironment
from bundler.memory.patches import NO_PATCH_CACHE, PatchCache
from bundler.options import PlanOptions
from bundler.plan.binaries.planned import PlannedBinaries
from bundler.plan.mounts import MountTable
from bundler.platforms import OperatingSystem

__all__ = ["PlannedBinaries", "load_planner", "plan_binaries"]


def plan_binaries(
    entries: Mapping[str, Entry],
    environment: Environment,
    mounts: MountTable,
    options: PlanOptions,
    patches: PatchCache = NO_PATCH_CACHE,
) -> PlannedBinaries:
    """Read the binaries among `entries`, find what they need, and plan their patches; `patches` has those of earlier packs.

    Raises what makes the bundle differ from its source: an interpreter that cannot be read, a vital patch that does
    not fit; all together.
    """
    match environment.platform.system:
        case OperatingSystem.LINUX:
            from bundler.plan.binaries.linux.elf import plan_elf

            return plan_elf(entries, environment, mounts, options, patches)
        case OperatingSystem.MACOS:
            from bundler.plan.binaries.macos.macho import plan_macho

            return plan_macho(entries, environment, mounts, options)
        case system:
            raise UnsupportedEnvironment(
                f"{environment.root} is an environment for {system.shown}, which is not packed yet"
            )


def load_planner(system: OperatingSystem) -> None:
    """Import what planning for a system needs, ahead of its use."""
    match system:
        case OperatingSystem.LINUX:
            import bundler.plan.binaries.linux.elf
        case OperatingSystem.MACOS:
            import bundler.plan.binaries.macos.macho  # noqa: F401

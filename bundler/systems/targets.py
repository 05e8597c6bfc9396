"""Systems that a bundle may go to, by name, whatever the operating system. Each system has a table of its own."""

from __future__ import annotations

import difflib

from bundler.errors import BadOption, BundlerError
from bundler.platforms import OperatingSystem, Platform
from bundler.systems import system_of
from bundler.target import Target


def target_named(name: str) -> Target:
    """The system of a name, upper case or lower. Raises BadOption for a name that there is none of, with the nearest ones."""
    wanted = name.strip().lower()
    for system in OperatingSystem:
        found = system_of(system).find_target(wanted)
        if found is not None:
            return found
    names = target_names()
    near = [known for known in names if known.startswith(wanted)] or difflib.get_close_matches(wanted, names, 3, 0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(names)}"
    raise BadOption(f"--target {name}: no system of this name is known", hint)


def target_names() -> tuple[str, ...]:
    """The names that can be listed; `manylinux_X_Y`, `glibcX.Y` and `macosX` have more than are there."""
    return tuple(name for system in OperatingSystem for name in system_of(system).target_names())


def why_no_target(target: Target, platform: Platform) -> str | None:
    """Why a bundle for `platform` runs nowhere near `target`, as a sentence; None where it may."""
    if platform.system is not target.system:
        return f"{target.title} is {target.system.shown}, and the bundle is for {platform.text}"
    if target.machine and not any(target.machine == machine.name for machine in platform.machines):
        return f"{target.name} is for {target.machine}, and the bundle is for {platform.text}"
    return None


def check_target(target: Target, platform: Platform) -> None:
    """Refuse a target that no choice of files would help. Raises BundlerError."""
    reason = why_no_target(target, platform)
    if reason is not None:
        raise BundlerError(f"--target {target.name}: {reason}", "pack there, or for another target")

"""What starts a bundle's scripts, as its user wants it."""

from __future__ import annotations

from bundler.binaries.elf.launchers import Launcher, launcher_machines
from bundler.environment import Environment
from bundler.errors import BundlerError
from bundler.options import ContentOptions
from bundler.options import Launcher as Wanted
from bundler.systems import system_of


def wanted_launcher(content: ContentOptions, environment: Environment) -> Launcher | None:
    """The program that starts scripts; None for the system's own way. Raises BundlerError where there is no such program."""
    if content.launcher is Wanted.SH:
        return None
    platform = environment.platform
    launcher = system_of(platform.system).native_launcher(platform.machines[0])
    if launcher is None:
        raise BundlerError(
            f"--launcher native: there is no launcher for {platform.system.shown} on {' and '.join(platform.machine_names)}",
            f"there are launchers for Linux on {' and '.join(launcher_machines())}; leave the option out",
        )
    return launcher

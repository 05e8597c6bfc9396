"""The rules of each operating system, behind the same doors (`system.System`). One line each: here a new one is added."""

from __future__ import annotations

from bundler.errors import UnsupportedEnvironment
from bundler.platforms import OperatingSystem
from bundler.systems.system import System

__all__ = ["System", "system_of"]


def system_of(system: OperatingSystem) -> System:
    """The rules of an operating system. Raises UnsupportedEnvironment for one without any."""
    match system:
        case OperatingSystem.LINUX:
            from bundler.systems.linux.rules import LINUX

            return LINUX
        case OperatingSystem.MACOS:
            from bundler.systems.macos.rules import MACOS

            return MACOS
        case _:
            raise UnsupportedEnvironment(f"environments for {system.shown} are not packed yet")

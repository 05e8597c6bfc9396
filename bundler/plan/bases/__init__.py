"""The merged prefix: from an environment to mounts (docs: DESIGN 1).

The base comes first, without its own packages; the environment lies over it, without what only ties it to the base. One module a
layout: its parts are listed there.
"""

from __future__ import annotations

from bundler.environment import Environment
from bundler.plan.bases.environment import environment_mounts, unlisted
from bundler.plan.mounts import Mount
from bundler.platforms import OperatingSystem

__all__ = ["mounts_for", "unlisted"]


def mounts_for(environment: Environment, *, in_place: bool = False) -> tuple[Mount, ...]:
    """What is taken from where, lowest first. Reads directories to see what is there; writes nothing.

    A bundle that stays `in_place` keeps what tells git and backups about the folder.
    """
    interpreter, scheme = environment.interpreter, environment.scheme
    match environment.platform.system:
        case OperatingSystem.LINUX | OperatingSystem.MACOS:
            from bundler.plan.bases.posix import base_mounts

            base, left_behind = base_mounts(interpreter, scheme), frozenset[str]()
        case OperatingSystem.WINDOWS:
            from bundler.plan.bases.windows import base_mounts, copies_of_the_base

            base, left_behind = base_mounts(interpreter, scheme), copies_of_the_base(environment)
    return (*base, *environment_mounts(environment, left_behind, in_place=in_place))

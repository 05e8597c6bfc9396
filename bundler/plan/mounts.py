"""Which places on this machine become which places in the bundle, as values.

A mount maps a folder or a file to a bundle path. Later mounts lie over earlier ones: the environment over its base.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bundler.plan.entries import Layer


@dataclass(frozen=True, slots=True)
class Mount:
    """`source` (absolute) appears as `path` (bundle path, "" for the root); what is below it comes along.

    `origin` is the origin of `source` itself. `skip` holds paths relative to `source` that stay out.
    """

    source: str
    path: str
    origin: str
    layer: Layer
    skip: frozenset[str] = frozenset()


class MountTable:
    """Mounts, lowest first, with the way from a path on this machine to a bundle path."""

    def __init__(self, mounts: Sequence[Mount]) -> None:
        self.mounts = tuple(mounts)
        # Deeper sources first, so that the nearest mount answers; among equals the upper one.
        upper_first = tuple(reversed(self.mounts))
        order = sorted(upper_first, key=lambda mount: -len(mount.source))
        self._by_depth = tuple((mount, os.path.realpath(mount.source)) for mount in order)

    def bundle_path(self, path: str) -> str | None:
        """The bundle path that an absolute path on this machine becomes; None outside of every mount.

        Only the names are compared, once as they are and once with the mounts' own links followed; whether the path
        is taken is another question.
        """
        for mount, real in self._by_depth:
            for source in (mount.source, real):
                if path == source:
                    return mount.path
                if path.startswith(source.rstrip("/") + "/"):
                    below = path[len(source.rstrip("/")) + 1 :]
                    if not _skipped(below, mount.skip):
                        return join(mount.path, below)
        return None


def join(*parts: str) -> str:
    """Bundle paths put together; empty parts vanish."""
    return "/".join(part for part in parts if part)


def relative(target: str, folder: str) -> str:
    """The relative path from the bundle path `folder` to the bundle path `target` ("." for itself)."""
    return os.path.relpath("/" + target, "/" + folder)


def _skipped(below: str, skip: Iterable[str]) -> bool:
    return any(below == name or below.startswith(name + "/") for name in skip)

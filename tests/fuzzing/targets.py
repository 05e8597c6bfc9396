"""The table of all targets."""

from __future__ import annotations

from tests.fuzzing import archives, binaries, packages, texts
from tests.fuzzing.target import Target

TARGETS: tuple[Target, ...] = (*binaries.TARGETS, *texts.TARGETS, *packages.TARGETS, *archives.TARGETS)


def target_named(name: str) -> Target:
    """Raises KeyError."""
    return {target.name: target for target in TARGETS}[name]

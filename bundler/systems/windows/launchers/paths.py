"""Paths as launchers have them: Windows' own, in text."""

from __future__ import annotations

import ntpath

from bundler.bundle_paths import join, normal


def target_of(path: str, folder: str) -> str | None:
    """The bundle path to which a relative path of Windows leads from a bundle path; None for an absolute one, or outside."""
    return normal(join(folder, path.replace("\\", "/"))) if is_relative_path(path) else None


def is_relative_path(path: str) -> bool:
    """Whether a path has neither a drive nor a leading slash."""
    drive, rest = ntpath.splitdrive(path)
    return not drive and rest != "" and rest[0] not in "\\/"

"""Functions by which a release of a libc is told that has no versions of symbols."""

from __future__ import annotations

from bundler.systems.linux.musl_releases import NAMES

FUNCTIONS = NAMES
"""Of all systems; see `binaries.format.Functions`."""

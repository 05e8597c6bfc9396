"""The names of `--target`, for a shell that completes them."""

from __future__ import annotations

import click


def completed_target(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Those that begin as what was typed does."""
    from bundler.systems.targets import target_names

    return [name for name in target_names() if name.startswith(incomplete.lower())]

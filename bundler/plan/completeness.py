"""Distributions that are not whole: a bundle of them would fail where nobody can mend it."""

from __future__ import annotations

import os
from collections.abc import Collection

from bundler.environment import Distribution, Environment
from bundler.errors import BundlerError, raise_all
from bundler.plan.mounts import MountTable
from bundler.plan.overlay import Entries


def check_complete(environment: Environment, table: MountTable, entries: Entries) -> None:
    """Raise BundlerError for a distribution whose RECORD names modules that are not there, or whose installer was interrupted.

    Several are raised together; `entries` are those collected.
    """
    suffixes = (".py", *environment.interpreter.extension_suffixes)
    errors = []
    for distribution in environment.distributions:
        missing = _missing_modules(distribution, table, entries, suffixes)
        if missing:
            first = os.path.relpath(missing[0], distribution.folder)
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            why = f"its RECORD names {first}{more}, which is not there"
        elif _is_recovery_record(distribution):
            why = (
                "pip was interrupted when it installed it, and wrote a RECORD without digests of what was there by then"
            )
        else:
            continue
        errors.append(
            BundlerError(
                f"{distribution.name} {distribution.version} is not whole: {why}",
                "install it again; or pack with --allow-incomplete",
            )
        )
    raise_all(errors)


def _is_recovery_record(distribution: Distribution) -> bool:
    """Whether a RECORD is of the kind that pip 26.3 leaves so that `pip uninstall` can remove an installation that it did not end.

    Every installer tells the digest of METADATA; there no row has one (pip: `operations/install/wheel.py`).
    """
    record = distribution.files.record
    if record is None or not any(path.endswith(".dist-info/METADATA") for path in record.paths):
        return False
    return not any(row.digest for row in record.rows)


def _missing_modules(
    distribution: Distribution, table: MountTable, entries: Entries, suffixes: Collection[str]
) -> list[str]:
    """Paths of the modules in its package folder that its list names and that do not exist."""
    below = distribution.folder + "/"
    return [
        path
        for path in distribution.files.paths
        if path.startswith(below)
        and path.endswith(tuple(suffixes))
        and table.bundle_path(path) not in entries
        and not os.path.lexists(path)
    ]

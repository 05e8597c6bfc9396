"""Distributions that are not whole: a bundle of them would fail where nobody can mend it."""

from __future__ import annotations

from collections.abc import Collection

from bundler.bundle_paths import lies_in
from bundler.environment import Distribution, Environment
from bundler.errors import BundlerError, raise_all
from bundler.files import read_regular
from bundler.machine import os
from bundler.machine.failing import unless_failing
from bundler.plan.mounts import MountTable
from bundler.plan.overlay import Entries
from bundler.prefixes import is_system_prefix


def check_complete(environment: Environment, table: MountTable, entries: Entries) -> list[str]:
    """Raise BundlerError for a distribution whose RECORD names modules that are not there, or whose installer was interrupted.

    Several are raised together; `entries` are those collected. What the system's package manager installed is a warning: its
    packages leave modules out on purpose, and keep the RECORD (Debian's python3-zmq has no CFFI backend).
    """
    suffixes = (".py", *environment.interpreter.extension_suffixes)
    errors, warnings = [], []
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
        message = f"{distribution.name} {distribution.version} is not whole: {why}"
        if _is_of_the_system(distribution, environment):
            warnings.append(f"{message}; the system's package leaves it out")
        else:
            errors.append(BundlerError(message, "install it again; or pack with --allow-incomplete"))
    raise_all(errors)
    return warnings


def _is_of_the_system(distribution: Distribution, environment: Environment) -> bool:
    """Whether the system's package manager put it there: beside the system's Python, and signed by no installer of Python's."""
    sysroot, base = environment.sysroot, environment.interpreter.base_prefix
    beside = lies_in(distribution.folder, base) and not lies_in(distribution.folder, environment.root)
    signed = os.path.lexists(os.path.join(distribution.metadata, "INSTALLER"))
    return beside and is_system_prefix(sysroot.name_of(base)) and not signed


def _is_recovery_record(distribution: Distribution) -> bool:
    """Whether a RECORD is of the kind that pip 26.3 leaves so that `pip uninstall` can remove an installation that it did not end.

    Its rows are sorted, METADATA is among them, and none has a digest; who installed it was not written yet, as a rule
    (pip: `operations/install/wheel.py`).
    """
    record = distribution.files.record
    if record is None or any(row.digest for row in record.rows):  # the first row has one, mostly
        return False
    lists_metadata = any(path.endswith(".dist-info/METADATA") for path in record.paths)
    in_order = list(record.paths) == sorted(record.paths)
    return lists_metadata and in_order and _installer(distribution) in ("", "pip")


def _installer(distribution: Distribution) -> str:
    """What INSTALLER names; "" where there is none."""
    try:
        return read_regular(os.path.join(distribution.metadata, "INSTALLER")).decode("utf-8", "replace").strip()
    except OSError as error:
        unless_failing(error, distribution.metadata)
        return ""


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

"""meson-python's editables: the build folder's plan says which file is installed where."""

from __future__ import annotations

import json
from collections.abc import Iterator

from bundler.errors import UnsupportedEditable
from bundler.files import opened
from bundler.machine import os
from bundler.plan.editables.mapping import FileMapping

_PLAN = "meson-info/intro-install_plan.json"  # mesonbuild.com, IDE integration
_PACKAGES = ("{py_platlib}/", "{py_purelib}/")


def read_install_plan(distribution: str, build_folder: str) -> tuple[FileMapping, ...]:
    """What is installed into site-packages. Raises UnsupportedEditable where the plan or a built file is not there."""
    try:
        with opened(os.path.join(build_folder, _PLAN)) as file:
            plan = json.load(file)
    except (OSError, ValueError) as error:
        raise _incomplete(distribution, f"{os.path.join(build_folder, _PLAN)} cannot be read") from error
    mappings = tuple(_mappings(plan))
    for mapping in mappings:
        if not os.path.lexists(mapping.source):
            raise _incomplete(distribution, f"{mapping.source} is not built")
    return mappings


def _mappings(plan: object) -> Iterator[FileMapping]:
    for group in plan.values() if isinstance(plan, dict) else ():
        for source, facts in group.items():
            destination = str(facts.get("destination", ""))
            for root in _PACKAGES:
                if destination.startswith(root):
                    excluded = [*facts.get("exclude_files", ()), *facts.get("exclude_dirs", ())]
                    yield FileMapping(source, destination[len(root) :], frozenset(excluded))


def _incomplete(distribution: str, what: str) -> UnsupportedEditable:
    return UnsupportedEditable(
        f"{distribution} is an editable of meson-python, and {what}",
        f"import {distribution} once, which builds it, or pack with --editable build",
    )

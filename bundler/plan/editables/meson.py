"""meson-python's editables: the build folder's plan says which file is installed where."""

from __future__ import annotations

from collections.abc import Iterator

from bundler.errors import UnsupportedEditable
from bundler.files import read_regular
from bundler.machine import os
from bundler.parsing import parse_json
from bundler.plan.editables.mapping import FileMapping

_PLAN = "meson-info/intro-install_plan.json"  # mesonbuild.com, IDE integration
_PACKAGES = ("{py_platlib}/", "{py_purelib}/")


def read_install_plan(distribution: str, build_folder: str) -> tuple[FileMapping, ...]:
    """What is installed into site-packages. Raises UnsupportedEditable where the plan or a built file is not there."""
    try:
        plan = parse_json(read_regular(os.path.join(build_folder, _PLAN)))
    except (OSError, ValueError) as error:
        raise _incomplete(distribution, f"{os.path.join(build_folder, _PLAN)} cannot be read") from error
    mappings = tuple(_mappings(plan))
    for mapping in mappings:
        if not os.path.lexists(mapping.source):
            raise _incomplete(distribution, f"{mapping.source} is not built")
    return mappings


def _mappings(plan: object) -> Iterator[FileMapping]:
    for _, group in _members(plan):
        for source, facts in _members(group):
            told = dict(_members(facts))
            destination = str(told.get("destination", ""))
            for root in _PACKAGES:
                if destination.startswith(root):
                    excluded = [*_texts(told.get("exclude_files")), *_texts(told.get("exclude_dirs"))]
                    yield FileMapping(source, destination[len(root) :], frozenset(excluded))


def _members(value: object) -> Iterator[tuple[str, object]]:
    """Those of a JSON object; none of another value."""
    yield from value.items() if isinstance(value, dict) else ()


def _texts(value: object) -> Iterator[str]:
    """Those in a JSON list."""
    yield from (item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def _incomplete(distribution: str, what: str) -> UnsupportedEditable:
    return UnsupportedEditable(
        f"{distribution} is an editable of meson-python, and {what}",
        f"import {distribution} once, which builds it, or pack with --editable build",
    )

"""The house: no two files import each other, and what differs between systems stands with the systems."""

from __future__ import annotations

import graphlib
import re
from pathlib import Path

import grimp
import pytest

BUNDLER = Path(__file__).resolve().parents[1] / "bundler"
# Where a system may be named; docs/design.md says why.
AT_HOME = (
    "systems/",
    "plan/bases/",
    "plan/binaries/",
    "environment/",
    "platforms.py",
    "binaries/elf/",
    "binaries/macho/",
    "binaries/pe/",
)
# The longest module that a reader can hold in mind.
MOST_LINES = 400


def test_no_two_files_import_each_other() -> None:
    """Imports inside functions and for types count: who reads one of the two has to read the other."""
    graph = grimp.build_graph("bundler", cache_dir=None)
    arrows = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert len(arrows) > 150
    graphlib.TopologicalSorter(arrows).prepare()  # raises CycleError, with the cycle


@pytest.mark.parametrize(
    "pattern", [r"OperatingSystem\.[A-Z]", r"\bLibc\.[A-Z]", r"sys\.platform(\.|\))? ?(==|!=|startswith)"]
)
def test_what_differs_between_systems_stands_with_the_systems(pattern: str) -> None:
    named = [
        str(path.relative_to(BUNDLER))
        for path in sorted(BUNDLER.rglob("*.py"))
        if re.search(pattern, path.read_text(encoding="utf-8"))
    ]
    # These ask what machine bundler itself runs on.
    of_ours = (
        ("sinks/directories/processes.py", "audit/cage.py", "binaries/several.py") if "platform" in pattern else ()
    )
    assert [path for path in named if not path.startswith(AT_HOME) and path not in of_ours] == []


def test_only_the_machine_s_own_package_asks_what_machine_this_is() -> None:
    """On Windows `os` has other paths, modes and locks: all take it from `bundler.machine`, but what other Pythons run."""
    asking = re.compile(
        r"^\s*(import (os|fcntl|msvcrt|selectors)\b|from (os|fcntl) )|os\.name\b|os\.path\.sep\b", re.MULTILINE
    )
    found = {
        str(path.relative_to(BUNDLER))
        for path in BUNDLER.rglob("*.py")
        if asking.search(path.read_text(encoding="utf-8"))
    }
    scripts = {name for name in found if name.endswith(("_script.py", "mapped_libraries.py"))}
    assert [name for name in sorted(found - scripts) if not name.startswith("machine/")] == []


def test_an_error_in_reading_a_file_of_the_program_names_it() -> None:
    """`bundler.files.opened` sees to that; `open` names a file that cannot be opened, and none that cannot be read."""
    beside = re.compile(r"(?<!\w)open\(os\.path\.join\((os\.path\.dirname\(__file__\)|folder, \"mapped_)")
    assert not [str(path) for path in BUNDLER.rglob("*.py") if beside.search(path.read_text(encoding="utf-8"))]


def test_a_module_can_be_held_in_mind() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in BUNDLER.rglob("*.py")}
    assert [(path.name, length) for path, length in lengths.items() if length > MOST_LINES] == []


def test_a_name_says_what_is_inside() -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "misc", "base", "tools"}
    assert [path for path in BUNDLER.rglob("*") if path.stem in vague] == []

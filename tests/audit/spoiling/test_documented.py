"""docs/spoiled.md and the tests of each way hold each other."""

from __future__ import annotations

import re
from pathlib import Path

from bundler.faults import FaultKind
from tests.audit.spoiling import test_directories
from tests.audit.spoiling.way import WAYS

ROOT = Path(__file__).parents[3]
ROWS = re.findall(r"^\| (`.*) \| .* \| .* \| (.*) \|$", (ROOT / "docs/spoiled.md").read_text(), re.MULTILINE)
TEST = re.compile(r"(?P<kind>[a-z ]+)(?:, [^:`]*)?: `(?P<path>[\w/.]+)::(?P<name>\w+)`")


def test_every_way_stands_there_with_its_kind() -> None:
    assert test_directories.MODULES, "what registers the ways is imported"
    documented = {name: told for names, told in ROWS for name in re.findall(r"`([\w-]+)`", names)}
    kinds = {way.name: way.kind.value for way in WAYS}
    assert {name: told for name, told in documented.items() if name in kinds} == kinds
    assert len(kinds) == len(WAYS) > 110


def test_every_other_way_names_its_test() -> None:
    kinds = {way.name for way in WAYS}
    others = [(names, told) for names, told in ROWS if not {*re.findall(r"`([\w-]+)`", names)} <= kinds]
    words = {*(kind.value for kind in FaultKind), "error", "told"}
    for names, told in others:
        found = TEST.fullmatch(told)
        assert found is not None and found["kind"] in words, names
        assert f"def {found['name']}(" in (ROOT / found["path"]).read_text(), names
    assert len(others) > 30

"""docs/promises.md and the tests agree: each promise is held, by tests that are there, in the tier that the page names."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs/promises.md").read_text()
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`( \*\(full\)\*)?")
SLOW = "pytest.mark.everything"


def promises() -> dict[str, str]:
    """The text below each promise's heading."""
    parts = re.split(r"^## (\d+)\. .*$", TEXT, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@cache
def known_tests(file: str) -> dict[str, bool]:
    """The tests of a file, and whether the quick tier leaves out the whole of them."""
    tree = ast.parse((ROOT / file).read_text())
    all_slow = any(
        isinstance(node, ast.Assign) and ast.unparse(node) == f"pytestmark = {SLOW}" for node in ast.walk(tree)
    )
    return {
        node.name: all_slow or SLOW in map(ast.unparse, node.decorator_list)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_every_test_that_the_page_names_is_there() -> None:
    named = NAMED.findall(TEXT)
    assert len(named) > 80
    assert len(named) == TEXT.count("::test_")
    assert [(file, name) for file, name, _ in named if name not in known_tests(file)] == []


def test_there_are_eleven_promises_and_the_quick_tier_holds_each() -> None:
    assert list(promises()) == [str(number) for number in range(1, 12)]
    held = {
        number: [name for file, name, _ in NAMED.findall(text) if not known_tests(file).get(name, True)]
        for number, text in promises().items()
    }
    assert [number for number, tests in held.items() if not tests] == []


def test_the_page_says_which_tests_are_in_the_full_tier_alone() -> None:
    wrong = [(file, name) for file, name, full in NAMED.findall(TEXT) if known_tests(file).get(name) is not bool(full)]
    assert wrong == []


def test_every_line_of_a_table_names_a_test() -> None:
    lines = re.findall(r"^\| (?!what \|).*\|$", TEXT, re.MULTILINE)
    assert len(lines) > 80
    assert [line for line in lines if not NAMED.search(line)] == []


def test_every_path_that_the_design_names_is_there() -> None:
    text = re.sub(r"^```.*?^```$", "", (ROOT / "docs/design.md").read_text(), flags=re.MULTILINE | re.DOTALL)
    named = set(re.findall(r"`((?:[\w.]+/)*(?:[\w.]+\.py|[\w.]+/))`", text))
    assert len(named) > 50
    here = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("[a-z]*/**/*")}
    there = {name for name in named if any(f"/{path}".endswith(f"/{name.rstrip('/')}") for path in here)}
    assert [name for name in named - there if "NAME" not in name] == []

"""docs/environment.md and docs/windows.md name tests, and these are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from bundler.rewrite.activation import activation_scripts
from tests.rewrite.test_activation import OTHERS, SH_FAMILY

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs/environment.md").read_text()
WINDOWS = (ROOT / "docs/windows.md").read_text()


def test_every_test_that_the_docs_name_is_there() -> None:
    named = set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT + WINDOWS))
    assert len(named) > 15
    for file, function in named:
        tree = ast.parse((ROOT / file).read_text())
        assert function in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, (file, function)


def test_every_file_that_the_page_on_windows_names_is_there() -> None:
    named = set(re.findall(r"`((?:tests|bundler)/[\w/]+\.py)", WINDOWS))
    assert len(named) >= 5
    assert [file for file in named if not (ROOT / file).exists()] == []


def test_every_line_of_the_tables_of_scripts_and_tools_names_a_test() -> None:
    for heading in ("in the environment", "tool"):
        (table,) = re.findall(rf"^\| {heading} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", TEXT, re.MULTILINE)
        assert [line for line in table.splitlines() if "::test_" not in line] == []


def test_the_table_of_shells_is_what_the_suite_runs() -> None:
    run = {line.split("|")[1] for line in TEXT.splitlines() if re.search(r"\| run( \(\S+\))? \|$", line)}
    names = {
        name.strip().split()[0]
        for cell in run
        for name in cell.replace("also `--posix`", "").split(",")
        if name.strip()
    }
    known = {"nu": "nushell", "ksh": "ksh93"}
    assert names == {known.get(shell.split()[0], shell.split()[0]) for shell in (*SH_FAMILY, *OTHERS)}
    for script in activation_scripts():
        assert f"bin/{script.name}`" in TEXT

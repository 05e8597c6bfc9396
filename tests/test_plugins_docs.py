"""docs/plugins.md has the table of what comes along with libraries, as the code has it."""

from __future__ import annotations

from pathlib import Path

from bundler.systems.linux.companions import COMPANIONS
from bundler.systems.linux.module_companions import MODULE_COMPANIONS

PAGE = (Path(__file__).parents[1] / "docs/plugins.md").read_text(encoding="utf-8")


def test_the_page_has_the_table_of_lines_in_python_packages() -> None:
    rows = []
    for line in MODULE_COMPANIONS:
        variables = ", ".join(line.lines.names)
        module = ", ".join(line.lines.modules).replace("__", r"\_\_")
        rows.append(f"| {line.library} | {line.what} | {line.without} | {variables} | {module} |")
    head = "| library | what | without it | variable | module |\n|---|---|---|---|---|\n"
    assert head + "".join(f"{row}\n" for row in rows) + "\n" in PAGE


def test_the_page_has_the_table_of_what_libraries_find_themselves() -> None:
    rows = [f"| {line.library} | {line.what} | {line.without} | {line.pointing.value} |" for line in COMPANIONS]
    head = "| library | what | without it | how it finds them |\n|---|---|---|---|\n"
    assert head + "".join(f"{row}\n" for row in rows) + "\n" in PAGE

"""docs/errors.md has every class of errors, every kind of fault, and every text of theirs that the code has."""

from __future__ import annotations

import re

from bundler import errors
from bundler.faults import FaultKind
from scripts.list_errors import FAULT_KIND, PAGE, error_classes, messages, with_lists

TEXT = PAGE.read_text()


def _sections() -> list[str]:
    """Of a class of errors or a kind of fault each, from its name on."""
    before, _, faults = TEXT.partition("\n# Faults\n")
    return [
        section.partition("\n## ")[0]
        for text, mark in ((before, "### "), (faults, "## "))
        for section in re.split(f"^{mark}", text, flags=re.MULTILINE)[1:]
    ]


def test_the_tables_are_those_of_the_code() -> None:
    """Else: python -m scripts.list_errors"""
    assert with_lists(TEXT) == TEXT


def test_every_class_and_every_kind_has_its_section() -> None:
    assert set(re.findall(r"^### (\w+)$", TEXT, re.MULTILINE)) == error_classes()
    faults = TEXT[TEXT.index("# Faults") :]
    assert re.findall(r"^## (.+)$", faults, re.MULTILINE) == [kind.value for kind in FaultKind]


def test_every_section_says_what_leads_to_it_or_lists_what_is_said() -> None:
    for section in _sections():
        assert "**Cause.**" in section or "| it says |" in section, section


def test_the_examples_are_said_by_the_class_that_they_stand_under() -> None:
    known = messages()
    examples = [
        (section.partition("\n")[0], example)
        for section in _sections()
        for example in re.findall(r"^\*\*Example\.\*\* `(.*)`$", section, re.MULTILINE)
    ]
    assert len(examples) > 10
    for of, example in examples:
        assert any(item.of == of and item.pattern.fullmatch(example) for item in known), example


def test_what_is_raised_is_in_the_list() -> None:
    """The lister follows names, branches and tuples: what it finds is held against errors that are raised."""
    texts = {(item.of, item.text) for item in messages()}
    assert ("OutputExists", "… exists") in texts
    assert ("DIFFERENCE", "the source loads … here, the bundle …") in texts
    assert {of for of, _ in texts if hasattr(errors, of)} >= {"NotABundle", "CannotPatch", "BadOption"}
    assert FAULT_KIND.match("FaultKind.LINK")

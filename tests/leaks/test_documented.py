"""docs/leaks.md names what there is."""

from __future__ import annotations

import re
from pathlib import Path

from bundler.leaks.keys import KEY_FILES
from bundler.leaks.rules import WORDS
from bundler.leaks.tokens import TOKENS
from bundler.options import LeakMode

PAGE = (Path(__file__).parents[2] / "docs/leaks.md").read_text()
OTHERS = {"password-in-url", "assigned-secret", "encrypted-private-key"}


def test_the_page_names_every_kind_and_no_other() -> None:
    table = PAGE.partition("| kind | what it is |")[2].partition("\n\n")[0]
    named = {kind for row in table.splitlines()[2:] for kind in re.findall(r"`([a-z0-9-]+)`", row.split(" | ")[0])}
    assert named == {row.name for row in TOKENS} | {row.name for row in KEY_FILES} | OTHERS


def test_the_page_names_every_mode_and_every_word_of_a_pattern() -> None:
    for word in (*(mode.value for mode in LeakMode), *WORDS.values()):
        assert f"`{word}`" in PAGE

"""Pages are followed as they stand: what is taken from them, and what a command must say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.material import pages
from tests.material.pages import Command, Text, follow, here, is_said, steps

PAGE = """# A page

<!-- file etc/app.conf -->
```ini
a = 1
```

Not run:

```console
$ rm -r everything
```

<!-- run -->
```console
$ cat etc/app.conf; \\
  echo more
a = 1
more
$ true
# ls etc
app.conf
```

<!-- run server -->
```console
$ hostname
…
```
"""


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/page.md").write_text(PAGE)
    monkeypatch.setattr(pages, "DOCS", tmp_path / "docs")
    return "page.md"


def test_files_and_commands_are_taken_in_their_order(page: str) -> None:
    assert list(steps(page)) == [
        Text("etc/app.conf", "a = 1\n"),
        Command("", "cat etc/app.conf; \\\n  echo more", "a = 1\nmore"),
        Command("", "true", ""),
        Command("", "ls etc", "app.conf"),
        Command("server", "hostname", "…"),
    ]


def test_a_page_is_followed_and_what_it_gets_wrong_is_told(page: str, tmp_path: Path) -> None:
    own = here(tmp_path, {"PATH": "/usr/bin:/bin"})
    assert follow(page, tmp_path, {"": own, "server": own}) == 4
    (pages.DOCS / page).write_text(PAGE.replace("app.conf\n```", "other.conf\n```"))
    with pytest.raises(AssertionError, match=r"ls etc"):
        follow(page, tmp_path, {"": own, "server": own})
    (pages.DOCS / page).write_text(PAGE.replace("$ true", "$ false"))
    with pytest.raises(AssertionError, match=r"false"):
        follow(page, tmp_path, {"": own, "server": own})


@pytest.mark.parametrize(
    ("wanted", "said", "right"),
    [
        ("", "anything", True),
        ("wrote …: 3 files", "wrote /a/b: 3 files\n", True),
        ("wrote …: 3 files", "wrote /a/b: 4 files\n", False),
        ("first\n…", "first\nsecond\nthird", True),
        ("first", "first\nsecond", False),
        ("a.b", "axb", False),
    ],
)
def test_an_ellipsis_stands_for_anything(wanted: str, said: str, right: bool) -> None:
    assert is_said(wanted, said) is right


def test_every_recipe_is_followed_by_a_test() -> None:
    source = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    recipes = {path.name for path in (pages.DOCS / "recipes").glob("*.md")} - {"index.md"}
    assert len(recipes) >= 9
    assert [name for name in sorted(recipes) if f'"recipes/{name}"' not in source] == []


def test_each_file_that_a_page_has_written_is_named_for_the_reader() -> None:
    """The comment that names it is not shown."""
    found = [(page, step) for page in pages.DOCS.rglob("*.md") for step in steps(str(page.relative_to(pages.DOCS)))]
    files = [(page, step.path) for page, step in found if isinstance(step, Text)]
    assert len(files) > 10
    assert [path for page, path in files if f"`{path}`" not in page.read_text()] == []

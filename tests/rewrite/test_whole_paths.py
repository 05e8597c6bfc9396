"""A text names a path where it is a whole path or the beginning of one."""

from __future__ import annotations

import pytest

from bundler.rewrite.whole_paths import occurrences


@pytest.mark.parametrize(
    "text",
    [
        *("/venv", "/venv/bin", "'/venv'", '"/venv/x"', "prefix=/venv", "a:/venv:b", "#!/venv/bin/python"),
        *("# made in /venv", "in /venv.", "(/venv)", "-L/venv/lib", "file:///venv/x", "${x:-/venv}", "${x+/venv/y}"),
        r"one\n/venv",
        *("<dir>/venv</dir>", "`/venv`", "[/venv,", "/venv\\", "C=/venv;", "/venv..."),
    ],
)  # fmt: skip
def test_a_whole_path_is_found(text: str) -> None:
    (match,) = occurrences(text, ["/venv"])
    assert match[0] == "/venv"


@pytest.mark.parametrize(
    "text",
    [
        *("https://host/venv", "https://host/venv/bin", "https://docs.example.org/3/library/venv.html", "see doc/venv"),
        *("/srv/venv", "./venv", "../venv/bin", "~/venv", "~user/venv", "$HOME/venv", "${HOME}/venv", "$(pwd)/venv", "*/venv"),
        *("/venv2", "/venvother", "/venv.d/x", "/venv-3.12", "/venv_old", "C++/venv", "dir.d/venv", "é/venv", "/venvé"),
        "//host/venv",
    ],
)  # fmt: skip
def test_a_part_of_something_longer_is_not(text: str) -> None:
    assert list(occurrences(text, ["/venv"])) == []


def test_of_paths_that_begin_alike_the_longest_is_found() -> None:
    found = [match[0] for match in occurrences("/opt/app/venv:/opt/app:/opt/apps", ["/opt/app", "/opt/app/venv", ""])]
    assert found == ["/opt/app/venv", "/opt/app"]
    assert list(occurrences("/opt", [])) == []

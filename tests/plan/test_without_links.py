"""Without links a bundle holds, under every name, what the name meant."""

from __future__ import annotations

import pytest

from bundler.entries import Directory, Link, Literal
from bundler.plan.without_links import without_links
from tests.plan.made_up import entries, entry


def forest(**links: str) -> dict[str, str]:
    """The files of a small tree and what is in each; a link's name is a word, `__` a slash."""
    tree = entries(
        entry("d", Directory()), entry("d/f", "f"), entry("d/e", Directory()), entry("d/e/g", "g"), entry("top", "t")
    )
    for name, target in links.items():
        path = name.replace("__", "/")
        tree[path] = entry(path, Link(target))
    found = without_links(tree)
    assert not any(isinstance(item.content, Link) for item in found.values())
    assert all(path == item.path for path, item in found.items())
    files = {path: item.content.data.decode() for path, item in found.items() if isinstance(item.content, Literal)}
    return {path: text for path, text in files.items() if path not in ("d/f", "d/e/g", "top")}


@pytest.mark.parametrize(
    ("links", "brought"),
    [
        pytest.param({}, {}, id="no link"),
        pytest.param({"a": "top"}, {"a": "t"}, id="to a file"),
        pytest.param({"d__a": "../top"}, {"d/a": "t"}, id="to a file above"),
        pytest.param({"a": "b", "b": "top"}, {"a": "t", "b": "t"}, id="to a link"),
        pytest.param({"a": "d"}, {"a/f": "f", "a/e/g": "g"}, id="to a folder"),
        pytest.param({"a": "d/e"}, {"a/g": "g"}, id="to a folder in a folder"),
        pytest.param({"a": "d/e", "b": "a/../f"}, {"a/g": "g", "b": "f"}, id="through a link, up from where it leads"),
        pytest.param(
            {"d__l": "f", "a": "d"}, {"d/l": "f", "a/f": "f", "a/l": "f", "a/e/g": "g"}, id="a link in a folder"
        ),
        pytest.param({"a": "nowhere"}, {}, id="nowhere"),
        pytest.param({"a": "/top"}, {}, id="out, by a whole path"),
        pytest.param({"a": "../top"}, {}, id="out, upward"),
        pytest.param({"a": "b", "b": "a"}, {}, id="in a circle"),
    ],
)
def test_a_link_becomes_what_it_means(links: dict[str, str], brought: dict[str, str]) -> None:
    assert forest(**links) == brought


def test_a_link_to_a_folder_around_it_ends() -> None:
    assert forest(d__a="../d") == {}

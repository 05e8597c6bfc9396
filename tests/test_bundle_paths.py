"""Links of a bundle are followed as the kernel follows them, and never out of it."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundler.bundle_paths import follow

LINKS = {
    "lib64": "lib",
    "bin/python": "python3",
    "bin/python3": "../lib64/./python3.12",
    "lib/here": ".",
    "lib/out": "../../etc",
    "lib/absolute": "/etc",
    "a": "b",
    "b": "a",
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("bin/python", "lib/python3.12"),
        ("lib64/x/../y", "lib/y"),
        ("lib/here/here/x", "lib/x"),
        ("nowhere/x", "nowhere/x"),
        ("", ""),
        ("lib/..", ""),
        ("..", None),
        ("lib/out/passwd", None),
        ("lib/absolute", None),
        ("a/x", None),
    ],
)
def test_a_path_leads_where_its_links_say(path: str, found: str | None) -> None:
    assert follow(path, LINKS) == found


NAMES = st.sampled_from(["a", "b", "c", "a/b", "a/c", "b/a"])


@given(
    links=st.dictionaries(NAMES, st.sampled_from(["a", "b", "../a", "c", "./b", "../c/../a", "a/b"]), max_size=4),
    path=NAMES,
)
def test_it_is_where_the_kernel_arrives(
    links: dict[str, str], path: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("outer") / "root"
    root.mkdir()
    made = {}
    for name, target in sorted(links.items()):
        place = root / name
        if not place.parent.is_symlink() and not os.path.lexists(place):
            place.parent.mkdir(exist_ok=True)
            place.symlink_to(target)
            made[name] = target
    try:
        real = os.path.realpath(root / path, strict=True)
    except OSError:
        return  # a circle, or nothing there
    inside = real == str(root) or real.startswith(f"{root}/")
    assert follow(path, made) == (real[len(str(root)) + 1 :] if inside else None)

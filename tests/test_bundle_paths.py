"""Paths of a bundle: their algebra, and links that are followed as the kernel follows them, never out of it."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundler.bundle_paths import BundleRoot, directories_of, follow, lies_in, normal, parents, relative

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


PATHS = st.lists(st.sampled_from(["a", "b", "lib", "lib64", "x.y"]), max_size=4).map("/".join)


@given(target=PATHS, folder=PATHS)
def test_a_relative_path_leads_from_the_folder_to_the_target(target: str, folder: str) -> None:
    assert relative(target, folder) == os.path.relpath("/" + target, "/" + folder)
    assert normal(f"{folder}/{relative(target, folder)}" if folder else relative(target, folder)) == target


@given(path=PATHS, folder=PATHS)
def test_what_lies_in_a_folder_has_it_among_its_parents(path: str, folder: str) -> None:
    assert lies_in(path, folder) == (folder in ("", path, *parents(path)))
    assert lies_in("/" + path, "/" + folder) == lies_in(path, folder)


@pytest.mark.parametrize(
    ("path", "found"),
    [("", ""), (".", ""), ("a/./b//c", "a/b/c"), ("a/../b", "b"), ("a/..", ""), ("..", None), ("a/../../b", None)],
)
def test_dots_vanish_and_never_lead_out(path: str, found: str | None) -> None:
    assert normal(path) == found


def test_directories_of_files_are_all_that_they_lie_in() -> None:
    assert directories_of(["bin/python", "lib/a/b/c", "x"]) == {"bin", "lib", "lib/a", "lib/a/b"}


def test_a_root_knows_what_is_inside_by_the_text_of_the_path() -> None:
    root = BundleRoot("/srv/app")
    assert [root.inside(path) for path in ("/srv/app", "/srv/app/lib/x", "/srv/app2/lib", "/srv")] == [
        "",
        "lib/x",
        None,
        None,
    ]
    assert root.place("") == "/srv/app" and root.place("lib") == "/srv/app/lib"
    assert root.holds("/srv/app/x") and not root.holds("/srv/application")

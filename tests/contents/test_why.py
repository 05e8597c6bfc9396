"""Why something is in a bundle: who needs it, up to what a person installed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bundler.companions import CompanionFact
from bundler.contents import Binary, Contents, Need, Place, read_contents
from bundler.contents.why import Cause, why
from bundler.errors import UnknownName
from bundler.manifest import LibraryFact, OpenedFact
from tests.contents.made_up import EXTENSION, INNER, SITE, WHICH, distribution, entries, files_of, program, write_folder

UP = ("wheels 1.0", "middle 1.5", "app 2.0")
"""From the extension module's distribution to what a person installed."""


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> Contents:
    return read_contents(str(write_folder(tmp_path_factory.mktemp("made-up") / "app", entries(files_of()))))


def ways(cause: Cause) -> Iterator[tuple[str, ...]]:
    """Every way from a cause up, by names."""
    if not cause.causes:
        yield (cause.name,)
    for each in cause.causes:
        for way in ways(each):
            yield (cause.name, *way)


def found(contents: Contents, name: str) -> list[tuple[str, ...]]:
    return [way for cause in why(contents, name) for way in ways(cause)]


@pytest.mark.parametrize("name", ["libwhich.so", "libwhich", "which", WHICH, "./" + WHICH, "lib/bundled/libother.so"])
def test_a_library_is_followed_up_to_what_a_person_installed(contents: Contents, name: str) -> None:
    assert found(contents, name) == [(WHICH, "bin/python3.12", "interpreter"), (WHICH, EXTENSION, *UP)]


def test_a_library_in_a_wheel_is_there_for_who_needs_it_else_for_its_distribution(tmp_path: Path) -> None:
    files = files_of()
    files |= {f"{SITE}/wheels/libwhich.so": files[WHICH], f"{SITE}/wheels/libalone.so": files[INNER]}
    files[EXTENSION] = program("pie", "$ORIGIN")
    contents = read_contents(str(write_folder(tmp_path / "app", entries(files))))
    assert found(contents, f"{SITE}/wheels/libwhich.so") == [(f"{SITE}/wheels/libwhich.so", EXTENSION, *UP)]
    (cause,) = why(contents, f"{SITE}/wheels/libwhich.so")
    assert cause.facts[1] == "of wheels"
    assert found(contents, "libalone") == [(f"{SITE}/wheels/libalone.so", *UP)]


def test_a_library_that_another_one_needs(contents: Contents) -> None:
    assert (INNER, WHICH, EXTENSION, *UP) in found(contents, "libinner.so")
    (cause,) = why(contents, "libinner")
    assert cause.causes[0].how == "needs libinner.so"
    assert cause.facts == ("1.8 kB", "host:/usr/lib/libinner.so")


def test_a_file_and_a_distribution(contents: Contents) -> None:
    assert found(contents, "data.bin") == [(f"{SITE}/wheels/data.bin", *UP)]
    assert found(contents, "Wheels") == [UP]
    (cause,) = why(contents, "app")
    assert cause.is_requested and cause.causes == ()
    assert found(contents, "Python.h") == [("include/python3.12/Python.h", "headers")]


def test_requirements_count_as_the_bundle_s_python_reads_them(contents: Contents) -> None:
    """`middle` asks for `zebra` by an extra that `app` asks for; for `app` on Windows alone; for nothing by the extra `slow`."""
    (cause,) = why(contents, "zebra")
    assert [(each.name, each.how) for each in cause.causes] == [("middle 1.5", "requires zebra, by its extra fast")]
    (cause,) = why(contents, "wheels")
    assert [each.how for each in cause.causes] == ["requires wheels>=1"]
    assert cause.causes[0].causes[0].how == "requires middle[fast]>=1"


def test_an_extra_that_nobody_in_the_bundle_asks_for_is_told_as_what_it_is(tmp_path: Path) -> None:
    """A person may have asked for it when the distribution was installed: nothing tells."""
    more = {
        **distribution("asked", "1", {"asked.py": b""}),
        **distribution("asker", "1", {}, "Provides-Extra: more", "Requires-Dist: asked>1; extra == 'more'"),
    }
    files = {**files_of(), **{f"{SITE}/{path}": data for path, data in more.items()}}
    contents = read_contents(str(write_folder(tmp_path / "app", entries(files))))
    (cause,) = why(contents, "asked")
    assert cause.causes == ()
    assert cause.facts[2:] == ("extras that nothing in the bundle asks for would require it: asker[more]",)


def test_headers_may_have_lines_of_blanks(tmp_path: Path) -> None:
    """A licence in a header has them, and what follows is still a header."""
    lines = ("License: some", "        words", "        ", "        more words", "Requires-Dist: zebra")
    more = distribution("wordy", "1", {}, *lines)
    files = {**files_of(), **{f"{SITE}/{path}": data for path, data in more.items()}}
    (cause,) = why(read_contents(str(write_folder(tmp_path / "app", entries(files)))), "zebra")
    assert "wordy 1" in [each.name for each in cause.causes]


@pytest.mark.parametrize(("installer", "tells"), [(b"pip\n", True), (b"uv", False)])
def test_what_uv_says_of_everything_says_nothing(tmp_path: Path, installer: bytes, tells: bool) -> None:
    """findings/uv_requested.sh"""
    files = {**files_of(), f"{SITE}/app-2.0.dist-info/INSTALLER": installer}
    (cause,) = why(read_contents(str(write_folder(tmp_path / "app", entries(files)))), "app")
    assert cause.is_requested is tells


def test_a_library_that_is_left_to_the_host_or_found_nowhere(contents: Contents) -> None:
    (cause,) = why(contents, "libextra")
    assert (cause.name, cause.facts) == ("libextra.so", ("left to the host",))
    assert ("libextra.so", EXTENSION, *UP) in found(contents, "libextra.so")


def test_what_was_opened_or_came_with_a_library_says_so(contents: Contents) -> None:
    opened = OpenedFact(EXTENSION, ("libdata.so.1",), "required", "", "bundled", f"{SITE}/wheels/data.bin")
    companion = CompanionFact(WHICH, f"{SITE}/app", "host:/usr/lib/x", 1, "its plugins", "", "")
    bundled = LibraryFact(f"{SITE}/zebra.py", "host:/x", ("bin/python3.12",))
    changed = replace(contents.manifest, opened=(opened,), companions=(companion,), bundled=(bundled,))
    told = replace(contents, manifest=changed)
    assert why(told, "data.bin")[0].causes[0].how == "opens libdata.so.1 at run time"
    assert why(told, f"{SITE}/app/__init__.py")[0].causes[0].how == "opens its plugins"
    assert why(told, "zebra.py")[0].causes[0].how.startswith("opens it at run time")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("libwich.so", "libwhich.so"),
        ("midle", "middle"),
        ("libxtra", "libextra"),
        ("q", "name a distribution, a library"),
    ],
)
def test_an_unknown_name_is_an_error_with_near_names(contents: Contents, name: str, hint: str) -> None:
    with pytest.raises(UnknownName, match=f"nothing in app is called {name}") as caught:
        why(contents, name)
    assert hint in caught.value.hint


def test_circles_end_and_nothing_is_told_twice(tmp_path: Path) -> None:
    rounds = {
        **distribution("one", "1", {"one.py": b""}, "Requires-Dist: two"),
        **distribution("two", "1", {"two.py": b""}, "Requires-Dist: one", "Requires-Dist: three"),
        **distribution("three", "1", {"three.py": b""}, "Requires-Dist: one", "Requires-Dist: (broken"),
    }
    files = {**files_of(), **{f"{SITE}/{path}": data for path, data in rounds.items()}}
    contents = read_contents(str(write_folder(tmp_path / "app", entries(files))))
    (cause,) = why(contents, "one")
    told = list(ways(cause))
    assert told == [("one 1", "three 1", "two 1", "one 1"), ("one 1", "two 1")]
    assert last(cause, told[0]).is_told and last(cause, told[1]).is_told


def last(cause: Cause, way: Sequence[str]) -> Cause:
    for name in way[1:]:
        cause = next(each for each in cause.causes if each.name == name)
    return cause


def test_a_chain_that_somebody_made_very_long_has_an_end(tmp_path: Path) -> None:
    files = files_of()
    for number in range(3000):
        name = f"link{number}"
        info = f"{SITE}/{name}-1.dist-info/METADATA"
        files[info] = f"Name: {name}\nVersion: 1\nRequires-Dist: link{number + 1}\n".encode()
    contents = read_contents(str(write_folder(tmp_path / "app", entries(files))))
    (way,) = found(contents, "link2999")
    assert 50 < len(way) < 100


def test_so_has_a_chain_of_libraries(contents: Contents) -> None:
    paths = [f"lib/{number}.so" for number in range(3000)]
    needs = [Need(path, Place.BUNDLE, path) for path in paths[1:]]
    binaries = {path: Binary(path, (need,)) for path, need in zip(paths, needs, strict=False)}
    items = tuple(contents.items[0]._replace(path=path) for path in paths)
    (way,) = found(replace(contents, items=items, binaries=binaries), paths[-1])
    assert 50 < len(way) < 100

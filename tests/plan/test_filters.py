"""What profiles and patterns leave out: the last pattern that fits decides, and packages are the profile's never."""

from __future__ import annotations

import pytest

from bundler.entries import Layer
from bundler.errors import BundlerError
from bundler.options import ContentOptions, Profile
from bundler.plan.filters import filtered, unmatched
from tests.material.schemes import POSIX_312
from tests.plan.made_up import SITE, STDLIB, entries, entry

TREE = (
    *("bin/", "bin/app", "lib/", "lib/python3.12/", f"{SITE}/", f"{SITE}/pkg/", f"{SITE}/pkg/core.py"),
    *(
        f"{SITE}/pkg/tests/",
        f"{SITE}/pkg/tests/test_core.py",
        f"{SITE}/pkg/tests/data/",
        f"{SITE}/pkg/tests/data/a.txt",
    ),
    *("share/", "share/doc/", "share/doc/pkg.md"),
)


def left_out(*patterns: str, tree: tuple[str, ...] = TREE) -> set[str]:
    """The paths that patterns leave out of a tree."""
    whole = entries(*tree)
    return set(whole) - set(filtered(whole, POSIX_312, ContentOptions(patterns=patterns)))


FOR_BUILDING = {Profile.FULL, Profile.STANDARD}
ALL_BUT_SLIM = {*Profile} - {Profile.SLIM}
TESTS = {
    f"{SITE}/pkg/tests",
    f"{SITE}/pkg/tests/test_core.py",
    f"{SITE}/pkg/tests/data",
    f"{SITE}/pkg/tests/data/a.txt",
}


@pytest.mark.parametrize(
    ("patterns", "gone"),
    [
        pytest.param((), set(), id="none"),
        pytest.param(("nothing",), set(), id="one that fits nothing"),
        pytest.param(("tests/",), TESTS, id="a folder at any depth"),
        pytest.param(("/tests/",), set(), id="a folder at the top"),
        pytest.param(
            ("*.py",), {f"{SITE}/pkg/core.py", f"{SITE}/pkg/tests/test_core.py"}, id="files leave their folders"
        ),
        pytest.param(("*.md",), {"share/doc/pkg.md", "share/doc", "share"}, id="folders that are emptied go, too"),
        pytest.param(("*.py", "!core.py"), {f"{SITE}/pkg/tests/test_core.py"}, id="the last one decides"),
        pytest.param(
            ("!core.py", "*.py"), {f"{SITE}/pkg/core.py", f"{SITE}/pkg/tests/test_core.py"}, id="in either order"
        ),
        pytest.param(("tests/", "!a.txt"), {f"{SITE}/pkg/tests/test_core.py"}, id="a file out of a folder that goes"),
        pytest.param(("bin/**",), {"bin/app", "bin"}, id="all below a folder"),
    ],
)
def test_patterns_leave_out(patterns: tuple[str, ...], gone: set[str]) -> None:
    assert left_out(*patterns) == gone


@pytest.mark.parametrize("pattern", ["tests/", "*.py", "/bin/app", "bin/**", "core.py", "a.txt"])
def test_a_pattern_that_fits_a_path_gets_no_warning(pattern: str) -> None:
    assert unmatched(entries(*TREE), (pattern, "!" + pattern)) == []


def test_a_pattern_that_fits_no_path_gets_one() -> None:
    first, second = unmatched(entries(*TREE), ("nothing-like-this/", "tests/", "!core.pyi", "nothing-like-this/"))
    assert "--exclude nothing-like-this/ fits no path" in first
    assert "--include core.pyi fits no path" in second
    assert len(unmatched(entries(*TREE), ("app/",))) == 1, "there is a file of that name, and no folder"
    assert unmatched(entries("empty/"), ("empty/",)) == []


def test_a_folder_that_was_empty_stays() -> None:
    tree = (f"{SITE}/empty/", f"{SITE}/core.py")
    assert left_out("core.py", tree=tree) == {f"{SITE}/core.py"}
    assert left_out("empty/", "core.py/", tree=tree) == {f"{SITE}/empty"}, "unless it is meant itself"


def test_a_compiled_module_goes_with_its_source() -> None:
    pyc = f"{SITE}/pkg/__pycache__/core.cpython-312.pyc"
    kept = f"{SITE}/pkg/__pycache__/other.cpython-312.pyc"
    tree = (f"{SITE}/pkg/core.py", f"{SITE}/pkg/other.py", pyc, kept)
    assert left_out("core.py", tree=tree) == {f"{SITE}/pkg/core.py", pyc}


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("python3*", "bin/python3.12"),
        ("os.py", f"{STDLIB}/os.py"),
        ("*.cfg", "pyvenv.cfg"),
        ("lib/", f"{STDLIB}/os.py"),
    ],
)
def test_python_itself_cannot_be_left_out(pattern: str, path: str) -> None:
    whole = entries(*TREE, "bin/python3.12", f"{STDLIB}/os.py", "pyvenv.cfg")
    with pytest.raises(BundlerError, match=f"leaves {path} out"):
        filtered(whole, POSIX_312, ContentOptions(patterns=(pattern,)))


@pytest.mark.parametrize(
    ("path", "stays_in"),
    [
        (f"{STDLIB}/json/decoder.py", set(Profile)),
        (f"{STDLIB}/lib-dynload/_json.so", set(Profile)),
        (f"{STDLIB}/lib-dynload/_xxsubinterpreters.so", set(Profile)),
        ("lib/libpython3.12.so.1.0", set(Profile)),
        (f"{STDLIB}/unittest/case.py", set(Profile)),
        ("include/python3.12/Python.h", FOR_BUILDING),
        ("lib/pkgconfig/python-3.12.pc", FOR_BUILDING),
        ("share/man/man1/python3.12.1", FOR_BUILDING),
        ("bin/python3.12-config", FOR_BUILDING),
        (f"{STDLIB}/config-3.12-x86_64-linux-gnu/Makefile", FOR_BUILDING),
        (f"{STDLIB}/turtledemo/clock.py", FOR_BUILDING),
        (f"{STDLIB}/config-3.12-x86_64-linux-gnu/libpython3.12.a", {Profile.FULL}),
        ("lib/libpython3.12.a", {Profile.FULL}),
        (f"{STDLIB}/test/test_json.py", {Profile.FULL}),
        (f"{STDLIB}/unittest/test/test_case.py", {Profile.FULL}),
        (f"{STDLIB}/lib-dynload/_testcapi.so", {Profile.FULL}),
        (f"{STDLIB}/lib-dynload/_xxtestfuzz.so", {Profile.FULL}),
        ("bin/pydoc3.12", {Profile.FULL}),
        ("bin/idle3", {Profile.FULL}),
        ("lib/tcl8.6/init.tcl", ALL_BUT_SLIM),
        (f"{STDLIB}/tkinter/__init__.py", ALL_BUT_SLIM),
        (f"{STDLIB}/ensurepip/__init__.py", ALL_BUT_SLIM),
    ],
)
def test_a_profile_has_a_part_of_python_or_has_not(path: str, stays_in: set[Profile]) -> None:
    whole = entries(entry(path, layer=Layer.RUNTIME))
    assert {profile for profile in Profile if filtered(whole, POSIX_312, ContentOptions(profile=profile))} == stays_in


def test_packages_are_whole_in_every_profile() -> None:
    whole = entries("include/python3.12/Python.h", "bin/app-config", f"{SITE}/pkg/test/data.a", "share/man/man1/app.1")
    assert filtered(whole, POSIX_312, ContentOptions(profile=Profile.SLIM)) == whole


def test_a_pattern_brings_back_what_a_profile_leaves_out() -> None:
    whole = entries(entry(f"{STDLIB}/tkinter/__init__.py", layer=Layer.RUNTIME))
    options = ContentOptions(profile=Profile.SLIM, patterns=("!tkinter/",))
    assert filtered(whole, POSIX_312, options) == whole

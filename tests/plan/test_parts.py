"""The parts of a bundle, and what smaller profiles would save: what they do leave out, and libraries that nothing else needs."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from bundler.entries import Entry, Layer
from bundler.manifest import FileFact, Manifest, PythonFacts
from bundler.options import ContentOptions, Profile
from bundler.plan.filters import filtered, left_out_by
from bundler.plan.parts import Part, Saving, parts_of, savings
from bundler.systems.libraries import BundledLibrary
from tests.material.schemes import POSIX_312
from tests.plan.made_up import SITE, STDLIB, entry

PATHS = (
    *(f"{STDLIB}/os.py", f"{STDLIB}/test/test_os.py", f"{STDLIB}/tkinter/__init__.py", f"{STDLIB}/turtle.py"),
    *(
        f"{STDLIB}/__pycache__/turtle.cpython-312.pyc",
        f"{STDLIB}/__pycache__/os.cpython-312.pyc",
        "lib/libpython3.12.a",
    ),
    *("include/python3.12/Python.h", f"{STDLIB}/lib-dynload/_tkinter.so", f"{STDLIB}/lib-dynload/_ssl.so", "bin/idle3"),
    *("lib/bundled/libtk.so", "lib/bundled/libX11.so", "lib/bundled/libz.so", f"{STDLIB}/config-3.12/libpython3.12.a"),
)


def runtime(*paths: str) -> list[Entry]:
    return [entry(path, layer=Layer.RUNTIME) for path in paths]


@pytest.mark.parametrize("patterns", [(), ("!tkinter/",), ("turtle.py",)])
@pytest.mark.parametrize("chosen", list(Profile))
def test_a_profile_saves_what_it_leaves_out(chosen: Profile, patterns: tuple[str, ...]) -> None:
    options = ContentOptions(profile=chosen, patterns=patterns)
    plan = filtered({made.path: made for made in runtime(*PATHS)} | required(), POSIX_312, options)
    found = left_out_by(runtime_of(plan.values()), POSIX_312, options)
    order = list(Profile)
    for profile in order[order.index(chosen) + 1 :]:
        kept = filtered(plan, POSIX_312, ContentOptions(profile=profile, patterns=patterns))
        gone = {path for path, first in found.items() if order.index(first) <= order.index(profile)}
        assert gone == set(plan) - set(kept)
    assert {order.index(first) for first in found.values()} <= set(range(order.index(chosen) + 1, len(order)))


def runtime_of(plan: Iterable[Entry]) -> list[str]:
    return [made.path for made in plan if made.layer is Layer.RUNTIME]


def required() -> dict[str, Entry]:
    """What no pattern may leave out."""
    return {path: entry(path, layer=Layer.PACKAGES) for path in ("bin/python3.12", "pyvenv.cfg")}


def test_packages_are_no_profile_s() -> None:
    plan = [entry("include/python3.12/Python.h"), entry(f"{STDLIB}/tkinter/__init__.py")]
    assert left_out_by(runtime_of(plan), POSIX_312, ContentOptions()) == {}


def test_a_library_that_nothing_else_needs_is_saved_with_what_needs_it() -> None:
    plan = runtime(*PATHS)
    sizes = {made.path: FileFact("00", 1) for made in plan}
    tkinter, tk = f"{STDLIB}/lib-dynload/_tkinter.so", "lib/bundled/libtk.so"
    libraries = [
        BundledLibrary("lib/bundled/libX11.so", "", (), (tk,)),
        BundledLibrary(tk, "", (), (tkinter,)),
        BundledLibrary("lib/bundled/libz.so", "", (), (tkinter, f"{STDLIB}/lib-dynload/_ssl.so")),
    ]

    def slim(libraries: list[BundledLibrary]) -> int:
        found = savings(plan, sizes, POSIX_312, ContentOptions(profile=Profile.RUNTIME), libraries)
        assert [saving.profile for saving in found] == [Profile.SLIM]
        return found[0].size

    assert slim(libraries) == slim([]) + 2
    assert slim([BundledLibrary(tk, "", (), ())]) == slim([]), "what the user asked for stays"


def test_savings_add_up_from_profile_to_profile() -> None:
    plan = runtime("lib/libpython3.12.a", "include/python3.12/Python.h", f"{STDLIB}/turtle.py")
    sizes = {made.path: FileFact("00", 10**number) for number, made in enumerate(plan)}
    found = savings(plan, sizes, POSIX_312, ContentOptions(profile=Profile.FULL), [])
    assert found == (Saving(Profile.STANDARD, 1), Saving(Profile.RUNTIME, 11), Saving(Profile.SLIM, 111))
    assert savings(plan, sizes, POSIX_312, ContentOptions(profile=Profile.SLIM), []) == ()


def test_every_file_is_of_one_part() -> None:
    files = {
        f"{SITE}/numpy/core.so": 5, f"{SITE}/numpy.libs/blas.so": 4, f"{SITE}/numpy-2.1.dist-info/RECORD": 1, f"{SITE}/six.py": 3,
        f"{STDLIB}/os.py": 9, "lib/bundled/libz.so": 2, "lib/libpython3.12.so.1.0": 8, "bin/python3.12": 7, "bin/app": 1,
        "lib/tcl8.6/init.tcl": 1, "README.txt": 1, f"{SITE}/.hidden": 1,
    }  # fmt: skip
    python = PythonFacts("3.12.1", POSIX_312, "lib/libpython3.12.so.1.0", (SITE,), (".so",))
    made = Manifest("1", python, "x86_64", None, (), {path: FileFact("00", size) for path, size in files.items()})
    parts = parts_of(made)
    assert sum(part.size for part in parts) == sum(files.values())
    assert parts[:5] == (
        Part("numpy", 10), Part("standard library", 9), Part("libpython", 8), Part("interpreter", 7), Part("six", 3),
    )  # fmt: skip
    assert {part.name for part in parts[5:]} == {"host libraries", "README.txt", "bin", "lib/tcl8.6", "packages"}

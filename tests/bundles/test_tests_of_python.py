"""CPython's own tests give in a bundle what they give in its source, test by test."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.material.environments import empty_environment, pack
from tests.material.interpreters import Python, every_python, main_python
from tests.material.isolation import hidden

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/nonexistent"}
TESTS = (
    (
        "test_ctypes",
        "test_faulthandler",
        "test_signal",
        "test_threading",
        "test_thread",
        "test_getpath",
        "test_embed",
        "test_multiprocessing_main_handling",
    ),
    ("test_subprocess", "test_os", "test_posix", "test_pwd", "test_grp", "test_locale", "test_mmap"),
    ("test_socket", "test_select", "test_selectors", "test_ssl"),
    ("test_multiprocessing_fork",),
    ("test_multiprocessing_forkserver",),
    ("test_multiprocessing_spawn",),
)
"""Each group is one process. Those of multiprocessing take minutes."""
WITHOUT = ("*VSOCK*",)
"""In a virtual machine that has the device, and no host behind it, the client waits without end, in the source, too."""
LONGEST = 1500  # seconds, of one group


def outcomes(python: Path, tests: Iterable[str], folder: Path, hide: Sequence[str] = ()) -> dict[str, str]:
    """What each test gave: `passed`, `skipped`, or `failed`. Nothing is asked for that a machine may not have (`-u none`)."""
    folder.mkdir()
    report = folder / "report.xml"
    leave = [word for name in WITHOUT for word in ("-i", name)]
    command: list[str | Path] = [python, "-m", "test", "--junit-xml", report, "--tempdir", folder, *leave, *tests]
    log = folder / "log"
    shell = 'log=$1; shift; exec "$@" >"$log" 2>&1 </dev/null'
    bounded: list[str | Path] = ["timeout", "-k", "10", str(LONGEST), "sh", "-c", shell, "sh", log]
    done = hidden(hide, [*bounded, *command], env=ENVIRONMENT, cwd=folder)
    assert report.exists(), f"{python} {tests}: status {done.returncode}: {done.stderr}{log.read_text()[-3000:]}"
    return dict(_outcomes_in(report))


def _outcomes_in(report: Path) -> Iterable[tuple[str, str]]:
    for case in ElementTree.parse(report).iter("testcase"):
        tags = {child.tag for child in case}
        failed = tags & {"failure", "error"}
        yield case.attrib["name"], "failed" if failed else "skipped" if "skipped" in tags else "passed"


def differences(source: Python, bundle: Path, tests: Sequence[str], folder: Path) -> dict[str, tuple[str, str]]:
    """The tests that give something else in the bundle, with what they give in the source and there.

    One that fails in the source and passes in the bundle says nothing of the bundle.
    """
    folder.mkdir()
    one = outcomes(Path(source.executable), tests, folder / "source")
    other = outcomes(bundle / "bin/python3", tests, folder / "bundle", source.places)
    assert sum(outcome == "passed" for outcome in one.values()) > 10, one
    names = sorted(one.keys() | other.keys())
    return {
        name: (one.get(name, "not run"), other.get(name, "not run"))
        for name in names
        if one.get(name) != other.get(name) and (one.get(name), other.get(name)) != ("failed", "passed")
    }


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Python, str], Path]:
    """The bundle of a whole Python, tests and all, for a kind of libc."""

    @functools.cache
    def bundle_of(python: Python, libc: str) -> Path:
        folder = tmp_path_factory.mktemp("tested")
        pack(empty_environment(folder / "env", python), folder / "bundle", "--libc", libc, "--profile", "full")
        return folder / "bundle"

    return bundle_of


def python_with(tests: Iterable[str]) -> Python:
    """The main Python, else another one, that was installed with these tests: 3.11.7 and 3.12.1 lack those of multiprocessing."""
    for python in (main_python(), *every_python()):
        folder = Path(python.prefix, f"lib/python{python.version}/test")
        if all((folder / f"{name}.py").exists() or (folder / name).is_dir() for name in tests):
            return python
    pytest.skip(f"no Python here was installed with {' '.join(tests)} (Debian: libpython3-testsuite)")


@pytest.mark.everything
@pytest.mark.parametrize("tests", TESTS, ids=lambda tests: tests[0])
@pytest.mark.parametrize("libc", ["host", "bundle"])
def test_every_test_gives_what_it_gives_in_the_source(
    bundles: Callable[[Python, str], Path], tests: Sequence[str], libc: str, tmp_path: Path
) -> None:
    python = python_with(tests)
    bundle = bundles(python, libc)
    found = differences(python, bundle, tests, tmp_path / "first")
    if found:  # what waits for other processes may be late once
        again = differences(python, bundle, tests, tmp_path / "again")
        found = {name: pair for name, pair in again.items() if name in found}
    assert found == {}

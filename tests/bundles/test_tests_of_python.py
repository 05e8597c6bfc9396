"""CPython's own tests give in a bundle what they give in its source, test by test."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.material.environments import empty_environment, pack
from tests.material.interpreters import Python, main_python
from tests.material.isolation import hidden

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/nonexistent"}
TESTS = (
    ("test_ctypes", "test_faulthandler", "test_signal", "test_threading", "test_thread", "test_getpath", "test_embed"),
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
    """The tests that give something else in the bundle, with what they give in the source and there."""
    folder.mkdir()
    one = outcomes(Path(source.executable), tests, folder / "source")
    other = outcomes(bundle / "bin/python3", tests, folder / "bundle", source.places)
    assert sum(outcome == "passed" for outcome in one.values()) > 10, one
    names = sorted(one.keys() | other.keys())
    return {
        name: (one.get(name, "not run"), other.get(name, "not run"))
        for name in names
        if one.get(name) != other.get(name)
    }


@pytest.fixture(scope="module", params=["host", "bundle"])
def tested(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of a whole Python, tests and all."""
    folder = tmp_path_factory.mktemp("tested")
    environment = empty_environment(folder / "env")
    if not list(Path(main_python().prefix).glob("lib/python3*/test/test_socket.py")):
        pytest.skip("this Python has no tests of its own (Debian: they are in libpython3-testsuite)")
    pack(environment, folder / "bundle", "--libc", request.param)
    return folder / "bundle"


@pytest.mark.everything
@pytest.mark.parametrize("tests", TESTS, ids=lambda tests: tests[0])
def test_every_test_gives_what_it_gives_in_the_source(tested: Path, tests: Sequence[str], tmp_path: Path) -> None:
    found = differences(main_python(), tested, tests, tmp_path / "first")
    if found:  # what waits for other processes may be late once
        found = {
            name: pair
            for name, pair in differences(main_python(), tested, tests, tmp_path / "again").items()
            if name in found
        }
    assert found == {}

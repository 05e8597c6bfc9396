"""What was imported once is not imported again as long as nothing has changed that it depends on; and is, where anything has."""

from __future__ import annotations

import os
import shutil
import sys
import tarfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

import bundler
from bundler.audit import missing
from bundler.audit.cage import CageKind
from bundler.audit.observation import Batch, Observation
from bundler.audit.observing import Subject, observe
from bundler.audit.reports import RunReport
from bundler.faults import Fault
from bundler.keywords import PackKeywords
from tests.material.environments import empty_environment

if sys.version_info >= (3, 11):
    from typing import Unpack
else:
    from typing_extensions import Unpack

STANDARD = "standard library"
PACKAGES = {
    "asks": "try:\n    import comes_later\nexcept ImportError:\n    pass\n",
    "reads": "import importlib.metadata\nversion = importlib.metadata.version('told')\n",
    "points": "import importlib.metadata\npoints = list(importlib.metadata.entry_points())\n",
    "lists": "import os\nbeside = os.listdir(os.path.dirname(os.path.dirname(__file__)))\n",
    "opens": "import os\nopen(os.path.join(os.path.dirname(os.path.dirname(__file__)), 'beside/data.txt')).close()\n",
    "stands": "",
}


class Packs:
    """Packs one environment again and again, with a cache of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = empty_environment(folder / "env")
        self.site = next(self.environment.glob("lib/python3*/site-packages"))
        self.tried: list[str] = []
        """The names of the batches that were imported in the source since."""
        self.run = RunReport(0, {}, (), CageKind.NOT_RUN)
        """What the last pack told."""
        self.faults: Sequence[Fault] = ()
        self.notes: Sequence[str] = ()

    def observe(self, subject: Subject, batches: Sequence[Batch]) -> list[Observation]:
        self.tried += [batch.name for batch in batches]
        return observe(subject, batches)

    def add(self, name: str, text: str) -> None:
        """A package with this text, and with an extension module, so that it is imported in a process of its own."""
        python = Path(os.path.realpath(self.environment / "bin/python"))
        extension = next(python.parent.parent.glob("lib/python3*/lib-dynload/_bisect.*.so"))
        (self.site / name).mkdir()
        (self.site / name / "__init__.py").write_text(text)
        shutil.copy(extension, self.site / name)

    def tell(self, name: str, version: str, entry_points: str = "") -> None:
        """The metadata of a distribution."""
        for old in self.site.glob(f"{name}-*.dist-info"):
            shutil.rmtree(old)
        folder = self.site / f"{name}-{version}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        if entry_points:
            (folder / "entry_points.txt").write_text(entry_points)

    def pack(self, **keywords: Unpack[PackKeywords]) -> set[str]:
        """The names of the batches that a pack tried."""
        self.tried.clear()
        options: PackKeywords = {"profile": "slim", "force": True, **keywords}
        report = bundler.pack(self.environment, self.folder / f"app{keywords.get('format', '')}", **options)
        assert report.audit is not None and report.audit.run is not None
        self.run = report.audit.run
        self.faults, self.notes = report.audit.faults, report.notes
        return set(self.tried)


@pytest.fixture
def packs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Packs:
    """An environment that was not packed yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = Packs(tmp_path)
    monkeypatch.setattr(missing, "observe", made.observe)
    return made


def test_nothing_is_imported_twice(packs: Packs) -> None:
    packs.add("stands", "")
    packs.tell("told", "1.0")
    everything = packs.pack()
    assert everything == {STANDARD, "stands"} and packs.run.known == 0
    libraries = packs.run.bundled
    assert packs.pack() == set()
    assert packs.run.known == packs.run.tried > 0 and packs.run.bundled == libraries
    assert packs.pack(cache=False) == everything
    assert packs.pack(format="tar", pyc="keep") == set()  # what is proved is what lies in it
    assert packs.pack(pyc="none") == everything and packs.pack() == set()
    (cache,) = (packs.folder / "cache/bundler/imports").iterdir()
    cache.write_bytes(cache.read_bytes()[:-1])
    assert packs.pack() == everything


def change_data(packs: Packs) -> None:
    (packs.site / "stands/data.txt").write_text("read in ways that nobody sees\n")


def change_mode(packs: Packs) -> None:
    (packs.site / "stands/data.txt").chmod(0o755)


def add_folder(packs: Packs) -> None:
    (packs.site / "stands/plugins").mkdir()


def change_data_beside(packs: Packs) -> None:
    (packs.site / "beside/data.txt").write_text("of nobody\n")


def add_what_was_asked_for(packs: Packs) -> None:
    (packs.site / "comes_later.py").write_text("")


def add_version(packs: Packs) -> None:
    packs.tell("told", "2.0")


def add_entry_points(packs: Packs) -> None:
    packs.tell("told", "1.0", "[a.group]\nname = stands\n")


def add_startup_file(packs: Packs) -> None:
    (packs.site / "paths.pth").write_text("# nothing\n")


EVERYTHING = {STANDARD, *PACKAGES}
CHANGES: Mapping[Callable[[Packs], None], set[str]] = {
    change_data: {"stands"},
    change_mode: {"stands"},
    add_folder: {"stands"},
    change_data_beside: {"opens"},
    add_what_was_asked_for: {"asks", "lists", "comes_later"},
    add_version: {STANDARD, "reads", "lists"},
    add_entry_points: {STANDARD, "points"},
    add_startup_file: {*EVERYTHING, "comes_later"},
}


def test_what_changes_is_tried_again_with_all_that_depends_on_it(packs: Packs) -> None:
    for name, text in PACKAGES.items():
        packs.add(name, text)
    (packs.site / "beside").mkdir()
    (packs.site / "beside/data.txt").write_text("")
    packs.tell("told", "1.0")
    assert packs.pack() == EVERYTHING
    for change, tried in CHANGES.items():
        change(packs)
        assert packs.pack() == tried, change.__name__
    assert packs.pack() == set()


def test_what_nobody_can_know_is_tried_each_time(packs: Packs) -> None:
    packs.add("begins", "import subprocess, sys\nsubprocess.run([sys.executable, '-c', ''])\n")
    packs.add("calls", "import subprocess\nsubprocess.run(['true'])\n")
    packs.add("leads", "import subprocess, sys\nsubprocess.run(['timeout', '9', sys.executable, '-c', ''])\n")
    packs.add(
        "hides",
        "import multiprocessing.util, os, sys\nname = os.fsencode(sys.executable)\n"
        "os.waitpid(multiprocessing.util.spawnv_passfds(name, [name, b'-c', b''], []), 0)\n",
    )
    packs.pack()
    assert packs.pack() == {"begins", "leads", "hides"}  # what this Python would import in that process


def test_what_python_runs_at_its_start_is_depended_on_by_all(packs: Packs) -> None:
    (packs.site / "hook.py").write_text(
        "import importlib.metadata\nimportlib.metadata.version('told')\n"
        "try:\n    import comes_later\nexcept ImportError:\n    pass\n"
    )
    (packs.site / "hook.pth").write_text("import hook\n")
    packs.add("stands", "")
    packs.tell("told", "1.0")
    packs.pack()
    packs.tell("told", "2.0")
    assert "stands" in packs.pack()
    add_what_was_asked_for(packs)
    assert "stands" in packs.pack() and packs.pack() == set()


def test_what_is_found_on_a_search_path_before_is_seen(packs: Packs, monkeypatch: pytest.MonkeyPatch) -> None:
    places = [packs.folder / "programs", packs.folder / "libraries"]
    for place in places:
        place.mkdir()
    monkeypatch.setenv("PATH", f"{places[0]}:{os.environ['PATH']}")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(places[1]))
    packs.add("calls", "import subprocess\nsubprocess.run(['true'])\n")
    packs.pack()
    shutil.copy("/bin/true", places[0])
    assert packs.pack() == {"calls"}
    (places[1] / "libc.so.6.old").write_text("")
    assert packs.pack() == {STANDARD, "calls"}


def test_a_library_that_comes_along_by_now_is_no_longer_the_hosts(
    packs: Packs, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not any(Path("/usr/lib").glob("*/libexpat.so.1")):
        pytest.skip("no libexpat here (apt-get install libexpat1)")
    packs.add("opens", "import ctypes\nctypes.CDLL('libexpat.so.1')\n")
    packs.pack(exclude_lib=["libexpat.so.1"])
    assert "opens" in packs.pack() and not packs.faults
    other = packs.folder / "libraries"
    other.mkdir()
    shutil.copy(next(Path("/usr/lib").glob("*/libexpat.so.1")), other)
    monkeypatch.setenv("LD_LIBRARY_PATH", str(other))
    packs.pack()
    assert any(str(other) in note for note in packs.notes)  # as in a pack that knows of no other


def test_a_fault_is_no_proof(packs: Packs) -> None:
    packs.add("at_home", "assert '/env/' in __file__\n")
    assert "at_home" in packs.pack() and "at_home" in packs.run.failed
    assert packs.pack() == {"at_home"} and "at_home" in packs.run.failed


def test_what_fails_in_both_is_known_to_fail(packs: Packs) -> None:
    packs.add("fails", "import tempfile\nraise ValueError(tempfile.gettempdir())\n")
    packs.pack()
    assert packs.pack() == set() and packs.run.failed == {
        "fails": "ValueError: ~"
    }  # its place has another name each time


def test_an_archive_has_what_a_module_changes_beside_itself_as_it_was_before(packs: Packs) -> None:
    packs.add("writes", "import os\nopen(os.path.join(os.path.dirname(__file__), 'log'), 'a').write('line\\n')\n")
    log = packs.site / "writes/log"
    log.write_text("")
    assert "writes" in packs.pack(format="tar")
    with tarfile.open(packs.folder / "apptar") as archive:
        (member,) = [member for member in archive if member.name.endswith("/writes/log")]
    assert 0 < member.size < log.stat().st_size


def test_who_leaves_out_what_a_module_looks_for_is_seen(packs: Packs) -> None:
    """What the user leaves out is told, and what the profile does may be at fault: the outcome is another one."""
    packs.add("draws", "try:\n    import tkinter\nexcept ImportError:\n    pass\n")
    packs.add("stands", "")
    packs.pack()
    assert packs.pack() == set()
    assert packs.pack(exclude=("**/tkinter/**",)) == {"draws"}

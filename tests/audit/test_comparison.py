"""What differs between a source and its bundle is told; what is alike by content, though not by path, is not."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from bundler.audit.comparison import Comparison, Sides, compare, outside_of
from bundler.audit.observation import EntryPoint, Finder, InstalledDistribution, Observation
from bundler.audit.origins import Origins
from bundler.bundle_paths import BundleRoot
from bundler.entries import Entry, Layer, Source
from bundler.faults import FaultKind
from bundler.platforms import OperatingSystem
from bundler.systems import system_of

ROOT = "/srv/app"
PATHS = {
    "lib/bundled/libz.so.1": "/usr/lib/libz.so.1.2",
    "lib/pkg/mod.py": "/env/pkg/mod.py",
    "lib/a/x.py": "/env/a/x.py",
}


LIBC = "/lib/x86_64-linux-gnu/libc.so.6"


def sides(*left: str, everywhere: frozenset[str] = frozenset()) -> Sides:
    entries = [Entry(path, Source(source, 1), 0o644, 0, Layer.PACKAGES, "env:x") for path, source in PATHS.items()]
    return Sides(
        BundleRoot(ROOT),
        Origins(entries),
        system_of(OperatingSystem.LINUX),
        ("libc.so.6", *left),
        everywhere=everywhere,
    )


def seen(*libraries: str, **more: object) -> Observation:
    return Observation("batch", libraries=frozenset((LIBC, *libraries)), **more)  # type: ignore[arg-type]


def messages(found: Comparison) -> list[str]:
    return [fault.message for fault in found.faults]


def test_a_library_that_came_along_is_the_same_one() -> None:
    found = compare([seen("/usr/lib/libz.so.1.2")], [seen(f"{ROOT}/lib/bundled/libz.so.1")], sides())
    assert (found.faults, found.lacking) == ([], {})


def test_a_library_that_came_along_in_vain_is_a_fault_where_the_source_loads_it() -> None:
    """A plugin that is opened by its whole path: it lies in the bundle, and nobody finds it there."""
    taken = replace(sides(), taken={"lib/bundled/libz.so.1": ()})
    before, after = seen("/usr/lib/libz.so.1.2"), seen()
    (fault,) = compare([before, before], [after, after], taken).faults
    assert (fault.path, fault.message) == (
        "lib/bundled/libz.so.1",
        "is not loaded, and the source loads /usr/lib/libz.so.1.2",
    )
    assert "--exclude-lib" in fault.hint
    assert compare([before], [seen(failed={"pkg": "why"})], taken).faults == [], "the import that failed is told"
    left = replace(sides("libz.so*"), taken=taken.taken)
    assert compare([before], [after], left).faults == []


def test_a_library_that_another_one_needs_is_not_in_vain_where_the_source_alone_loads_both() -> None:
    """The source imports more modules than the bundle does: an editable's hook is gone there."""
    paths = {**PATHS, "lib/dynload/zlib.so": "/base/zlib.so"}
    entries = [Entry(path, Source(source, 1), 0o644, 0, Layer.PACKAGES, "x") for path, source in paths.items()]
    origins = Origins(entries)
    both = replace(sides(), origins=origins, taken={"lib/bundled/libz.so.1": ("lib/dynload/zlib.so", "lib/other.so")})
    before = seen("/usr/lib/libz.so.1.2", "/base/zlib.so")
    assert compare([before], [seen()], both).faults == []
    (fault,) = compare([before], [seen(f"{ROOT}/lib/dynload/zlib.so")], both).faults
    assert fault.path == "lib/bundled/libz.so.1", "its module is there, and it is not"


def test_another_library_under_the_same_name_is_a_fault() -> None:
    both = {**PATHS, "lib/other/libz.so.1.2": "/opt/libz.so.1.2"}
    entries = [Entry(path, Source(source, 1), 0o644, 0, Layer.PACKAGES, "x") for path, source in both.items()]
    two = Sides(BundleRoot(ROOT), Origins(entries), system_of(OperatingSystem.LINUX), ())
    found = compare([seen("/usr/lib/libz.so.1.2")], [seen(f"{ROOT}/lib/other/libz.so.1.2")], two)
    assert messages(found) == ["the source loads /usr/lib/libz.so.1.2 here, the bundle lib/other/libz.so.1.2"]


def test_a_library_that_only_the_source_has_is_lacking() -> None:
    found = compare([seen("/opt/libvendor.so.1")], [seen()], sides())
    assert found.lacking == {"/opt/libvendor.so.1": "batch"}


@pytest.mark.parametrize("path", ["/lib/x86_64-linux-gnu/libc.so.6", "/usr/lib/libGL.so.1", "/usr/lib/gconv/X.so"])
def test_the_hosts_own_libraries_are_nobodys_lack(path: str) -> None:
    assert compare([seen(path)], [seen()], sides()).lacking == {}


def test_what_every_process_of_the_machine_has_counts_for_nothing() -> None:
    agent = "/opt/agent/libagent.so"
    around = sides(everywhere=frozenset({agent}))
    assert compare([seen(agent)], [seen(agent)], around).lacking == {}
    assert list(outside_of([seen(agent)], around)) == []
    assert [fault.path for fault in outside_of([seen(agent)], sides())] == [agent]


def test_what_is_left_to_the_host_and_what_that_opens_is_the_hosts() -> None:
    mpi, plugin = "/usr/lib/libmpi.so.40.30", "/usr/lib/openmpi/mca_btl_self.so"
    around = sides("libmpi.so.*")
    assert list(outside_of([seen(mpi, plugin)], around)) == []
    assert compare([seen(mpi, plugin)], [seen(mpi, plugin)], around).lacking == {}
    assert [fault.path for fault in outside_of([seen(plugin)], around)] == [plugin]


def test_a_module_from_another_file_is_a_fault(tmp_path: Path) -> None:
    before = seen(modules={"mod": "/env/pkg/mod.py", "os": "/usr/lib/os.py"})
    assert messages(compare([before], [seen(modules={"mod": f"{ROOT}/lib/pkg/mod.py"})], sides())) == []
    found = compare([before], [seen(modules={"mod": f"{ROOT}/lib/a/x.py"})], sides())
    assert messages(found) == [f"the source imports it from /env/pkg/mod.py, the bundle from {ROOT}/lib/a/x.py"]


def test_distributions_and_entry_points_that_are_gone_are_faults() -> None:
    before = seen(
        distributions=frozenset({InstalledDistribution("a", "1"), InstalledDistribution("b", "2")}),
        entry_points=frozenset({EntryPoint("console_scripts", "run", "b:main")}),
    )
    after = seen(distributions=frozenset({InstalledDistribution("a", "1")}))
    assert messages(compare([before], [after], sides())) == [
        "the source has distributions that the bundle lacks: b 2",
        "the source has entry points that the bundle lacks: run (console_scripts)",
    ]


def test_another_order_of_the_search_path_is_a_fault() -> None:
    before = seen(search_path=("/env/pkg", "/env/a", "/nowhere"))
    assert compare([before], [seen(search_path=(f"{ROOT}/lib/pkg", f"{ROOT}/lib/a"))], sides()).faults == []
    (fault,) = compare([before], [seen(search_path=(f"{ROOT}/lib/a", f"{ROOT}/lib/pkg"))], sides()).faults
    assert fault.kind is FaultKind.DIFFERENCE and "another order" in fault.message


def test_where_nobody_tells_what_is_mapped_nothing_is_said_of_libraries() -> None:
    blind = Observation("batch")
    assert compare([seen("/opt/libvendor.so.1")], [blind], sides()).lacking == {}
    assert list(outside_of([blind], sides())) == []


def test_a_finder_that_leads_to_modules_outside_is_told(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project/mod.py").touch()
    (tmp_path / "data").mkdir()
    finder = Finder("hook.Finder", (str(tmp_path / "project"), str(tmp_path / "data"), f"{ROOT}/lib", "/gone"))
    (fault,) = outside_of([seen(finders=(finder,))], sides())
    assert (fault.kind, fault.path) == (FaultKind.OUTSIDE, "hook.Finder")
    assert str(tmp_path / "project") in fault.message


def test_a_file_is_known_by_each_of_its_names(tmp_path: Path) -> None:
    real = tmp_path / "real.so"
    real.write_bytes(b"x")
    os.symlink(real, tmp_path / "link.so")
    os.link(real, tmp_path / "hard.so")
    facts = os.stat(real)
    from bundler.entries import stamp_of

    origins = Origins([Entry("lib/real.so", Source(str(real), 1, stamp_of(facts)), 0o644, 0, Layer.RUNTIME, "x")])
    for name in ("real.so", "link.so", "hard.so"):
        assert origins.bundle_paths(str(tmp_path / name)) == {"lib/real.so"}
    assert origins.bundle_paths(str(tmp_path / "gone.so")) == frozenset()
    assert origins.folder(str(tmp_path)) == "lib"

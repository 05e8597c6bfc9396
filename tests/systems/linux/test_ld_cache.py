"""`/etc/ld.so.cache` and `ld.so.conf`, read as ldconfig itself reads and writes them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundler.platforms import MACHINES, X86_64
from bundler.sysroot import Sysroot
from bundler.systems.linux.glibc import system_libraries
from bundler.systems.linux.glibc_machines import glibc_machine
from bundler.systems.linux.ld_cache import read_cache, read_configured_directories
from tests.binaries.elf.programs import compile_c
from tests.material.foreign import ARMV7L, I686, S390X, Foreign, root_of, write_cache
from tests.material.programs import need

HERE = glibc_machine(X86_64)

LIBRARY = "libbundlertest.so.1"


def ldconfig(*arguments: str | Path) -> str:
    path = need("ldconfig")
    done = subprocess.run([path, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def told_by_ldconfig(*arguments: str | Path) -> dict[str, tuple[str, ...]]:
    """`ldconfig -p`: paths by name, for plain x86-64 libraries."""
    found: dict[str, list[str]] = {}
    for line in ldconfig("-p", *arguments).splitlines():
        match = re.fullmatch(r"\t(.+) \((libc6,x86-64[^)]*)\) => (.+)", line)
        if match and "hwcap" not in match[2]:
            found.setdefault(match[1], []).append(match[3])
    return {name: tuple(paths) for name, paths in found.items()}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root directory with copies of one library, one of them for newer processors, and a cache of ldconfig's."""
    flags = ("-shared", "-nostdlib", f"-Wl,-soname,{LIBRARY}")
    first = compile_c("", tmp_path / "opt/one" / LIBRARY, *flags)
    for folder in ("opt/two", "opt/two/glibc-hwcaps/x86-64-v2", "opt/not-configured"):
        (tmp_path / folder).mkdir(parents=True)
        os.link(first, tmp_path / folder / LIBRARY)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/ld.so.conf").write_text("/opt/two\n/opt/one\n")
    (tmp_path / "var/cache/ldconfig").mkdir(parents=True)
    ldconfig("-X", "-r", tmp_path)
    return tmp_path


def test_the_cache_of_this_machine_says_what_ldconfig_says() -> None:
    told = told_by_ldconfig()
    assert "libc.so.6" in told
    assert read_cache("/etc/ld.so.cache", HERE) == told


def test_the_first_configured_folder_comes_first_and_copies_for_newer_processors_are_left_out(root: Path) -> None:
    cache = read_cache(str(root / "etc/ld.so.cache"), HERE)
    assert cache == {LIBRARY: (f"/opt/two/{LIBRARY}", f"/opt/one/{LIBRARY}")}
    assert cache == told_by_ldconfig("-C", root / "etc/ld.so.cache")


def test_the_new_format_is_found_behind_an_old_one(root: Path) -> None:
    new = read_cache(str(root / "etc/ld.so.cache"), HERE)
    ldconfig("-X", "-r", root, "-c", "compat")
    data = (root / "etc/ld.so.cache").read_bytes()
    assert data.startswith(b"ld.so-1.7.0")
    assert read_cache(str(root / "etc/ld.so.cache"), HERE) == new


def test_no_cache_and_no_cache_at_all_are_told_from_an_empty_one(root: Path, tmp_path: Path) -> None:
    assert read_cache(str(tmp_path / "nothing"), HERE) is None
    assert read_cache(str(tmp_path), HERE) is None
    (tmp_path / "noise").write_bytes(b"noise" * 100)
    assert read_cache(str(tmp_path / "noise"), HERE) is None
    (root / "etc/ld.so.conf").write_text("")
    ldconfig("-X", "-r", root)
    assert read_cache(str(root / "etc/ld.so.cache"), HERE) == {}


@pytest.mark.everything
@pytest.mark.parametrize("machine", [S390X, ARMV7L, I686], ids=str)
def test_caches_of_other_machines_say_what_their_ldconfig_says(machine: Foreign, tmp_path: Path) -> None:
    root = root_of(machine, tmp_path / "root")
    (root / "opt/more").mkdir(parents=True)
    shutil.copy(root / f"usr/lib/{machine.multiarch}/libz.so.1", root / "opt/more")
    (root / "etc/ld.so.conf").write_text("/opt/more\ninclude /etc/ld.so.conf.d/*.conf\n")
    told: dict[str, list[str]] = {}
    for line in write_cache(machine, root).splitlines():
        match = re.fullmatch(r"\t(.+) \((libc6[^)]*)\) => (.+)", line)
        if match and "hwcap" not in match[2]:
            told.setdefault(match[1], []).append(match[3])
    sysroot = Sysroot(str(root))
    word = next(item for item in MACHINES if item.name == machine.name)
    assert "/opt/more/libz.so.1" in told["libz.so.1"] and "libc.so.6" in told
    system = system_libraries(word, sysroot)
    assert system.cache == {name: tuple(paths) for name, paths in told.items()}
    assert read_cache(str(root / "etc/ld.so.cache"), HERE) in (None, {})
    (root / "etc/ld.so.cache").unlink()
    assert system_libraries(word, sysroot).default_directories[0] == "/opt/more"


@given(data=st.data())
def test_a_damaged_cache_is_no_reason_to_stop(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    good = Path("/etc/ld.so.cache")
    if not good.exists():
        pytest.skip("this machine has no /etc/ld.so.cache: run ldconfig")
    sound = good.read_bytes()[:4096]
    noise = data.draw(st.binary(min_size=1, max_size=40))
    at = data.draw(st.integers(0, len(sound)))
    length = data.draw(st.integers(0, len(sound)))
    path = tmp_path_factory.mktemp("damaged") / "cache"
    path.write_bytes((sound[:at] + noise + sound[at + len(noise) :])[:length])
    cache = read_cache(str(path), HERE)
    assert cache is None or all(isinstance(place, str) for places in cache.values() for place in places)


def test_a_string_that_the_end_of_the_cache_cuts_off_is_empty(root: Path) -> None:
    path = root / "etc/ld.so.cache"
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"/opt/one/") + 12])
    cut = read_cache(str(path), HERE)
    assert cut is not None
    texts = {*cut, *(place for places in cut.values() for place in places)}
    assert "" in texts
    assert texts <= {"", LIBRARY, f"/opt/one/{LIBRARY}", f"/opt/two/{LIBRARY}"}


def test_configured_directories_follow_includes_in_their_order(tmp_path: Path) -> None:
    more = tmp_path / "ld.so.conf.d"
    more.mkdir()
    (more / "b.conf").write_text("/from/b\n/first/\n")
    (more / "a.conf").write_text("# a comment\n  /from/a   # and another\n\n")
    (more / "ignored.txt").write_text("/ignored\n")
    (tmp_path / "absolute.conf").write_text("/from/absolute\n")
    (tmp_path / "ld.so.conf").write_text(
        f"/first\ninclude ld.so.conf.d/*.conf\n/last\nrelative/folder\nhwcap 0 nosegneg\ninclude {tmp_path}/absolute.conf\n"
    )
    assert read_configured_directories(str(tmp_path / "ld.so.conf")) == (
        "/first", "/from/a", "/from/b", "/last", "/from/absolute",
    )  # fmt: skip


def test_several_patterns_and_a_tab_behind_include(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        (tmp_path / f"{name}.conf").write_text(f"/{name}\n")
    (tmp_path / "ld.so.conf").write_text("include two.conf one.conf\ninclude\tthree.conf\n")
    assert read_configured_directories(str(tmp_path / "ld.so.conf")) == ("/two", "/one", "/three")


def test_configuration_that_is_missing_or_includes_itself_comes_to_an_end(tmp_path: Path) -> None:
    assert read_configured_directories(str(tmp_path / "nothing")) == ()
    (tmp_path / "ld.so.conf").write_text("/one\ninclude *.conf\ninclude nothing.d/*.conf\n/two\n")
    assert read_configured_directories(str(tmp_path / "ld.so.conf")) == ("/one", "/two")


def test_names_that_are_not_utf_8_survive(tmp_path: Path) -> None:
    (tmp_path / "ld.so.conf").write_bytes(b"/opt/caf\xe9\n")
    assert read_configured_directories(str(tmp_path / "ld.so.conf")) == (os.fsdecode(b"/opt/caf\xe9"),)

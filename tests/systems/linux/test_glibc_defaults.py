"""Where glibc looks at last: its cache, and its own directories."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bundler.sysroot import Sysroot
from bundler.systems.linux.glibc import resolve, system_libraries
from bundler.systems.linux.loader import Around, LoadedObject, SystemLibraries, Via
from tests.material.isolation import namespace
from tests.material.programs import need
from tests.systems.linux.real_loader import (
    MACHINE,
    NO_DEFAULT,
    found_in,
    image_of,
    library,
    loaded,
    program,
    program_of_this_machine,
)


def test_the_default_directories_hold_the_loaders_own_in_their_order() -> None:
    loader = image_of(program_of_this_machine()).interpreter or ""
    done = subprocess.run([loader, "--list-diagnostics"], capture_output=True, text=True, check=False)
    real = [path.rstrip("/") for path in re.findall(r'^path\.system_dirs\[\w+\]="(.*)"$', done.stdout, re.MULTILINE)]
    if not real:
        pytest.skip("this loader has no --list-diagnostics: glibc 2.33 or later")
    ours = system_libraries(MACHINE).default_directories
    assert [directory for directory in ours if directory in real] == real


def test_without_a_cache_the_configured_directories_come_before_the_default_ones(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/ld.so.conf").write_text("/opt/lib\n/usr/lib\n")
    system = system_libraries(MACHINE, Sysroot(str(tmp_path)))
    assert system.cache == {}
    assert system.default_directories[:2] == ("/opt/lib", "/usr/lib")
    assert system.default_directories.count("/usr/lib") == 1


class Existing:
    """Files that exist because they are listed."""

    def __init__(self, *paths: str) -> None:
        self._paths = paths

    def is_library(self, path: str) -> bool:
        return path in self._paths

    def is_there(self, path: str) -> bool:
        return path in self._paths

    def normal(self, path: str) -> str:
        return os.path.normpath(path)


def test_the_first_entry_of_the_cache_that_exists_wins_before_a_default_directory() -> None:
    system = SystemLibraries({"libx.so": ("/gone/libx.so", "/opt/libx.so", "/usr/lib/libx.so")}, ("/usr/lib",))
    app = LoadedObject("/app")
    found = resolve("libx.so", app, Around(), Existing("/opt/libx.so", "/usr/lib/libx.so"), system)
    assert found is not None
    assert (found.path, found.via) == ("/opt/libx.so", Via.CACHE)
    found = resolve("libx.so", app, Around(), Existing("/usr/lib/libx.so"), SystemLibraries({}, ("/lib", "/usr/lib")))
    assert found is not None
    assert (found.path, found.via) == ("/usr/lib/libx.so", Via.DEFAULT)


COVERED = "/usr/lib/x86_64-linux-gnu/gconv"  # a folder of every glibc, two steps below a default directory


@pytest.mark.parametrize("flags", [(), (NO_DEFAULT,)])
@pytest.mark.parametrize("place", ["opt", "below a default directory"])
def test_the_cache_is_obeyed_as_the_loader_does(tmp_path: Path, flags: tuple[str, ...], place: str) -> None:
    """With a cache of our own, which needs a mount namespace; the loader's is compiled in."""
    if not os.path.isdir(COVERED):
        pytest.skip(f"there is no {COVERED}: this is no Debian")
    need("ldconfig")
    name = "libbundlertest.so.1"
    source = library(tmp_path / "made" / name, soname=name)
    folder = tmp_path / "opt"
    folder.mkdir()
    shutil.copy(source, folder)
    seen = COVERED if place != "opt" else str(folder)
    (tmp_path / "conf").write_text(f"{seen}\n")
    app = program(tmp_path / "app", str(source), *flags)
    cover = f'mount --bind "{folder}" {COVERED} && ' if place != "opt" else ""
    script = (
        f'{cover}mount -t tmpfs none /var/cache && ldconfig -X -f "{tmp_path}/conf" -C "{tmp_path}/cache" && '
        f'mount --bind "{tmp_path}/cache" /etc/ld.so.cache && LD_TRACE_LOADED_OBJECTS=1 exec "{app}"'
    )
    done = subprocess.run([*namespace(), "sh", "-c", script], capture_output=True, text=True, check=False)
    real = found_in(done.stdout + done.stderr, name)
    (tmp_path / "root/etc").mkdir(parents=True)
    shutil.copy(tmp_path / "cache", tmp_path / "root/etc/ld.so.cache")
    system = system_libraries(MACHINE, Sysroot(str(tmp_path / "root")))
    found = resolve(name, loaded(app), Around(), Existing(f"{seen}/{name}"), system)
    assert (found.path if found else None) == real
    assert (real is None) == (bool(flags) and place != "opt")

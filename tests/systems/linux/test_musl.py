"""musl's search, played by `resolve`, against the real loader on the same files."""

from __future__ import annotations

import itertools
import os
import shutil
from pathlib import Path

import pytest

from bundler.platforms import X86_64
from bundler.sysroot import Sysroot
from bundler.systems.linux.musl import answers_to, standard_loader, system_libraries
from tests.systems.linux.musl_loader import WANTED, Musl, musl_in, put, search
from tests.systems.linux.real_loader import TAGS

pytestmark = pytest.mark.skipif(os.uname().machine != "x86_64", reason="its programs are for x86-64")


@pytest.fixture
def musl(tmp_path: Path) -> Musl:
    return musl_in(tmp_path)


@pytest.fixture
def wanted(musl: Musl) -> Path:
    return musl.library(f"made/{WANTED}", soname=WANTED)


@pytest.mark.parametrize("library_tag", TAGS)
@pytest.mark.parametrize("program_tag", TAGS)
def test_every_order_of_search_paths_is_the_loaders(
    musl: Musl, wanted: Path, program_tag: str, library_tag: str
) -> None:
    here = musl.folder
    middle = musl.library("liba.so", wanted, paths=search(library_tag, here / "of-library"))
    app = musl.program("app", middle, paths=search(program_tag, here / "of-program"))
    musl.directories_file.parent.mkdir()
    musl.directories_file.write_text(f"{here}/last\n")
    for count in range(5):
        for present in itertools.combinations(("of-program", "of-library", "on-path", "last"), count):
            put(wanted, here, present)
            for library_path in ("", f"{here}/on-path"):
                ours = musl.resolved(middle, app, library_path=filter(None, [library_path]))
                assert ours == musl.traced(app, library_path=library_path), (present, library_path)


@pytest.mark.parametrize("tag", ["DT_RPATH", "DT_RUNPATH"])
def test_both_kinds_of_search_path_reach_what_is_loaded_further_on(musl: Musl, wanted: Path, tag: str) -> None:
    here = musl.folder
    last = musl.library("libb.so", wanted)
    middle = musl.library("liba.so", last, paths=search(tag, here / "of-library"))
    app = musl.program("app", middle, paths=search(tag, here / "of-program"))
    for present in ("of-program", "of-library"):
        put(wanted, here, [present])
        found = musl.traced(app)
        assert found == musl.resolved(last, middle, app) == str(here / present / WANTED)


@pytest.mark.parametrize(
    ("element", "place"),
    [
        ("$ORIGIN", "app"),
        ("${ORIGIN}/x", "app/x"),
        ("$ORIGIN/../x//y/.", "x/y"),
        ("$ORIGINS/x", "appS/x"),
        ("{here}/x:{here}/y", "y"),
        ("$ORIGIN/$ORIGIN", "app{here}/app"),
        (":$ORIGIN/none::$ORIGIN/x:", "app/x"),
        ("$ORIGIN/a b/é", "app/a b/é"),
    ],
)
def test_tokens_and_odd_spellings_lead_where_the_loader_goes(
    musl: Musl, wanted: Path, element: str, place: str
) -> None:
    here = str(musl.folder)
    app = musl.program("app/app", wanted, paths=[f"-Wl,-rpath,{element.replace('{here}', here)}"])
    target = musl.folder / place.replace("{here}", here)
    target.mkdir(parents=True, exist_ok=True)
    shutil.copy(wanted, target)
    assert musl.resolved(app) == musl.traced(app) == str(target / WANTED)


@pytest.mark.parametrize(
    "element", ["$ORIGIN/x:$LIB", "$LIB/y:$ORIGIN/x", "$ORIGIN/x:${PLATFORM}", "$ORIGIN/x:{here}/$"]
)
def test_one_other_token_undoes_the_whole_search_path(musl: Musl, wanted: Path, element: str) -> None:
    app = musl.program("app", wanted, paths=[f"-Wl,-rpath,{element.replace('{here}', str(musl.folder))}"])
    (musl.folder / "x").mkdir()
    shutil.copy(wanted, musl.folder / "x")
    assert musl.resolved(app) is musl.traced(app) is None


def test_tokens_of_ld_library_path_are_no_tokens(musl: Musl, wanted: Path) -> None:
    app = musl.program("app", wanted)
    put(wanted, musl.folder, ["on-path"])
    assert (
        musl.resolved(app, library_path=["$ORIGIN/on-path"]) is musl.traced(app, library_path="$ORIGIN/on-path") is None
    )


def test_the_first_file_that_can_be_opened_is_taken_whatever_it_is(musl: Musl, wanted: Path) -> None:
    here = musl.folder
    app = musl.program("app", wanted, paths=["-Wl,-rpath,$ORIGIN/first:$ORIGIN/second"])
    put(wanted, here, ["second"])
    (here / "first").mkdir()
    place = here / "first" / WANTED
    place.symlink_to("nothing")
    assert musl.resolved(app) == musl.traced(app) == str(here / "second" / WANTED)
    place.unlink()
    place.write_text("no library\n" * 200)
    assert musl.resolved(app) is musl.traced(app) is None
    place.unlink()
    place.mkdir()
    assert musl.resolved(app) is musl.traced(app) is None


def test_a_path_of_more_than_511_bytes_is_passed_over(musl: Musl, wanted: Path) -> None:
    here = musl.folder
    found = set()
    for length in range(508, 516):
        name = "x" * 100
        folder = here
        while len(f"{folder}/{name}/{WANTED}") + 101 < length:
            folder = folder / name
        folder = folder / ("y" * (length - len(f"{folder}//{WANTED}")))
        folder.mkdir(parents=True)
        shutil.copy(wanted, folder)
        app = musl.program(f"app{length}", wanted, paths=[f"-Wl,-rpath,{folder}"])
        assert len(f"{folder}/{WANTED}") == length
        assert musl.resolved(app) == musl.traced(app)
        if musl.traced(app):
            found.add(length)
    assert found == set(range(508, 512))


@pytest.mark.parametrize("needed", ["{here}/x/libs.so", "$ORIGIN/x/libs.so"])
def test_a_needed_with_a_slash_is_opened_as_it_is(musl: Musl, needed: str) -> None:
    needed = needed.replace("{here}", str(musl.folder))
    libs = musl.library("libs.so", soname=needed)
    app = musl.program("app", libs)
    (musl.folder / "x").mkdir()
    shutil.copy(libs, musl.folder / "x")
    assert musl.resolved(app, name=needed) == musl.traced(app, needed)
    assert (musl.traced(app, needed) is None) is needed.startswith("$")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("{here}/one:{here}/two", "one"),
        ("{here}/none\n{here}/two\n", "two"),
        ("relative:{here}/two", "two"),
        ("", None),
    ],
)
def test_a_file_beside_the_loaders_folder_names_the_directories_that_are_searched_last(
    musl: Musl, wanted: Path, text: str, place: str | None
) -> None:
    app = musl.program("app", wanted)
    put(wanted, musl.folder, ["one", "two"])
    musl.directories_file.parent.mkdir()
    musl.directories_file.write_text(text.replace("{here}", str(musl.folder)))
    assert musl.directories_file == musl.folder / "etc/ld-musl-x86_64.path"
    expected = None if place is None else str(musl.folder / place / WANTED)
    assert musl.resolved(app) == musl.traced(app, cwd=Path("/")) == expected


def test_without_that_file_the_usual_directories_are_searched(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    assert system_libraries(X86_64, Sysroot(str(tmp_path))).default_directories == (
        "/lib",
        "/usr/local/lib",
        "/usr/lib",
    )
    (tmp_path / "etc/ld-musl-x86_64.path").write_text("/lib/x86_64-linux-musl\n/usr/lib/x86_64-linux-musl\n")
    found = system_libraries(X86_64, Sysroot(str(tmp_path))).default_directories
    assert found == ("/lib/x86_64-linux-musl", "/usr/lib/x86_64-linux-musl")


def test_where_that_file_cannot_be_read_no_directory_is_searched(tmp_path: Path) -> None:
    (tmp_path / "etc/ld-musl-x86_64.path").mkdir(parents=True)
    assert system_libraries(X86_64, Sysroot(str(tmp_path))).default_directories == ()


@pytest.mark.parametrize(
    "name",
    [
        "libc.so",
        "libc.so.6",
        "libc.musl-x86_64.so.1",
        "libpthread.so.0",
        "libm.so.6",
        "librt.so.1",
        "libdl.so.2",
        "libutil.so.1",
    ],
)
def test_the_loader_itself_is_what_names_of_libc_mean(musl: Musl, name: str) -> None:
    other = musl.library(f"x/{name}", soname=name)
    app = musl.program("app", other, paths=["-Wl,-rpath,$ORIGIN/x"])
    assert answers_to(name) and musl.traced(app, name) == str(musl.loader)


@pytest.mark.parametrize(
    "name", ["libresolv.so.2", "libcrypt.so.1", "libmvec.so.1", "libcc.so", "libmagic.so.1", "libutils.so.1"]
)
def test_other_names_are_looked_for(musl: Musl, name: str) -> None:
    other = musl.library(f"x/{name}", soname=name)
    app = musl.program("app", other, paths=["-Wl,-rpath,$ORIGIN/x"])
    assert not answers_to(name) and musl.traced(app, name) == str(other)


@pytest.mark.parametrize(
    ("named", "standard"),
    [
        ("/lib/ld-musl-x86_64.so.1", None),
        ("/srv/musl/lib/ld-musl-x86_64.so.1", "/lib/ld-musl-x86_64.so.1"),
        ("/gnu/store/abc/lib/ld-musl-aarch64.so.1", "/lib/ld-musl-aarch64.so.1"),
        ("/lib64/ld-linux-x86-64.so.2", None),
    ],
)
def test_the_loader_of_every_system_with_musl_is_in_lib(named: str, standard: str | None) -> None:
    assert standard_loader(named) == standard

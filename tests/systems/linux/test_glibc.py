"""glibc's search, played by `resolve`, against the machine's own loader on the same files."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import struct
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bundler.binaries.elf.constants import DT_RUNPATH, PT_DYNAMIC
from tests.systems.linux.real_loader import (
    NO_DEFAULT,
    TAGS,
    WANTED,
    image_of,
    library,
    program,
    program_of_this_machine,
    resolved,
    search,
    traced,
)


@dataclass(frozen=True)
class Kit:
    """Programs that load `liba.so` by its path, which in each of its variants needs WANTED, itself or through `libmid.so`."""

    folder: Path
    wanted: Path

    @property
    def liba(self) -> Path:
        return self.folder / "liba.so"

    @property
    def libmid(self) -> Path:
        return self.folder / "libmid.so"

    def program(self, tag: str) -> Path:
        return self.folder / f"program {tag}"

    def choose(self, variant: str) -> None:
        shutil.copy(self.folder / f"liba {variant}.so", self.liba)

    def put(self, folders: Iterable[str]) -> None:
        """WANTED in these folders and in no other."""
        for name in ("of-program", "of-library", "on-path"):
            copy = self.folder / name / WANTED
            copy.parent.mkdir(exist_ok=True)
            copy.unlink(missing_ok=True)
        for name in folders:
            os.link(self.wanted, self.folder / name / WANTED)


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return library(tmp_path_factory.mktemp("wanted") / WANTED, soname=WANTED)


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory, wanted: Path) -> Kit:
    folder = tmp_path_factory.mktemp("kit")
    made = Kit(folder, wanted)
    library(made.libmid, str(wanted))
    for tag in TAGS:
        paths = search(tag, folder / "of-library")
        library(folder / f"liba {tag}.so", str(wanted), *paths)
        library(folder / f"liba {tag} no default.so", str(wanted), NO_DEFAULT, *paths)
        library(folder / f"liba {tag} through.so", str(made.libmid), *paths)
    made.choose("nothing")
    for tag in TAGS:
        program(made.program(tag), str(made.liba), *search(tag, folder / "of-program"))
    return made


@pytest.mark.parametrize("default", ["", " no default"])
@pytest.mark.parametrize("library_tag", TAGS)
@pytest.mark.parametrize("program_tag", TAGS)
def test_every_order_of_search_paths_is_the_loaders(kit: Kit, program_tag: str, library_tag: str, default: str) -> None:
    kit.choose(library_tag + default)
    folders = ("of-program", "of-library", "on-path")
    for count in range(4):
        for present in itertools.combinations(folders, count):
            kit.put(present)
            for library_path in ("", str(kit.folder / "on-path")):
                real = traced(kit.program(program_tag), LD_LIBRARY_PATH=library_path)
                ours = resolved(kit.liba, kit.program(program_tag), library_path=filter(None, [library_path]))
                assert ours == real, (present, library_path)


@pytest.mark.parametrize("library_tag", TAGS)
@pytest.mark.parametrize("program_tag", TAGS)
def test_only_dt_rpath_reaches_what_is_loaded_further_on(kit: Kit, program_tag: str, library_tag: str) -> None:
    kit.choose(f"{library_tag} through")
    for present in ((), ("of-program",), ("of-library",), ("of-program", "of-library")):
        kit.put(present)
        real = traced(kit.program(program_tag))
        assert resolved(kit.libmid, kit.liba, kit.program(program_tag)) == real, present


def test_an_empty_dt_runpath_beside_it_takes_a_dt_rpath_away(kit: Kit, tmp_path: Path) -> None:
    kit.choose("nothing")
    kit.put(["of-program"])
    app = Path(shutil.copy(kit.program("DT_RPATH"), tmp_path))
    assert resolved(kit.liba, app) == traced(app) == str(kit.folder / "of-program" / WANTED)
    image = image_of(app)
    assert image.dynamic is not None
    place = next(segment.offset for segment in image.segments if segment.type == PT_DYNAMIC)
    with open(app, "r+b") as file:
        file.seek(place + 16 * len(image.dynamic))
        file.write(struct.pack("<QQ", DT_RUNPATH, 0))
    assert image_of(app).runpath == ""
    real = traced(app)
    assert resolved(kit.liba, app) == real != str(kit.folder / "of-program" / WANTED)


def test_the_programs_own_search_path_and_its_flag_are_obeyed(tmp_path: Path, wanted: Path) -> None:
    app = program(tmp_path / "app", str(wanted), NO_DEFAULT, "-Wl,-rpath,$ORIGIN/one:$ORIGIN/two")
    assert resolved(app) == traced(app) is None
    for folder in ("two", "one"):
        (tmp_path / folder).mkdir()
        shutil.copy(wanted, tmp_path / folder)
        assert resolved(app) == traced(app) == str(tmp_path / folder / WANTED)


def platform_of_this_processor() -> str:
    """What the loader puts in place of $PLATFORM: its own word for the processor."""
    loader = image_of(program_of_this_machine()).interpreter or ""
    done = subprocess.run([loader, "--list-diagnostics"], capture_output=True, text=True, check=False)
    match = re.search(r'^dl_platform="(.*)"$', done.stdout, re.MULTILINE)
    return match[1] if match else "x86_64"


@pytest.mark.parametrize(
    ("element", "place"),
    [
        ("$ORIGIN", "app"),
        ("${ORIGIN}", "app"),
        ("$ORIGIN/x", "app/x"),
        ("${ORIGIN}/x", "app/x"),
        ("${ORIGIN}x", "appx"),
        ("$ORIGIN-x", "app-x"),
        ("$ORIGIN/../x//y/.", "x/y"),
        ("$ORIGIN/$PLATFORM", "app/{platform}"),
        ("$ORIGIN/${PLATFORM}/x", "app/{platform}/x"),
        ("{here}/x:{here}/y", "y"),
        ("$ORIGINS/x:$ORIGIN/y", "app/y"),
        ("$ORIGIN/$LIBRARY", "app/$LIBRARY"),
        ("$ORIGIN/$LIB_", "app/$LIB_"),
        ("$ORIGIN/${LIB", "app/${LIB"),
        ("$ORIGIN/$NOTHING", "app/$NOTHING"),
        ("$ORIGIN/$", "app/$"),
        ("$ORIGIN/$ORIGIN", "app{here}/app"),
    ],
)
def test_tokens_and_odd_spellings_lead_where_the_loader_goes(
    tmp_path: Path, wanted: Path, element: str, place: str
) -> None:
    app = program(
        tmp_path / "app/app", str(wanted), NO_DEFAULT, f"-Wl,-rpath,{element.replace('{here}', str(tmp_path))}"
    )
    target = tmp_path / place.replace("{here}", str(tmp_path)).replace("{platform}", platform_of_this_processor())
    target.mkdir(parents=True, exist_ok=True)
    shutil.copy(wanted, target)
    assert resolved(app) == traced(app) == str(target / WANTED)


@pytest.mark.parametrize("token", ["$LIB", "${LIB}"])
def test_lib_is_the_folder_of_the_machines_libraries(tmp_path: Path, wanted: Path, token: str) -> None:
    app = program(tmp_path / "app", str(wanted), NO_DEFAULT, f"-Wl,-rpath,$ORIGIN/{token}/x")
    found = []
    for folder in ("lib/x86_64-linux-gnu", "lib64"):
        copy = tmp_path / folder / "x" / WANTED
        copy.parent.mkdir(parents=True)
        shutil.copy(wanted, copy)
        if traced(app) is not None:
            found.append(folder)
            assert resolved(app) == traced(app) == str(copy)
        copy.unlink()
    assert len(found) == 1


@pytest.mark.parametrize("folder", ["$LIB", "$PLATFORM", "${LIB}", "a $ORIGIN b"])
def test_a_folder_that_is_named_like_a_token_is_no_token(tmp_path: Path, wanted: Path, folder: str) -> None:
    app = program(tmp_path / "app", str(wanted), NO_DEFAULT, "-Wl,-rpath,$ORIGIN/x")
    moved = tmp_path / folder / "app"
    (moved.parent / "x").mkdir(parents=True)
    app.rename(moved)
    shutil.copy(wanted, moved.parent / "x")
    assert resolved(moved) == traced(moved) == str(moved.parent / "x" / WANTED)


def test_tokens_of_ld_library_path_are_the_programs(kit: Kit) -> None:
    kit.choose("nothing")
    kit.put(["on-path"])
    app = kit.folder / "elsewhere/app"
    app.parent.mkdir()
    shutil.copy(kit.program("nothing"), app)
    shutil.copytree(kit.folder / "on-path", app.parent / "on-path")
    real = traced(app, LD_LIBRARY_PATH="$ORIGIN/on-path")
    assert resolved(kit.liba, app, library_path=["$ORIGIN/on-path"]) == real == str(app.parent / "on-path" / WANTED)


def test_origin_is_the_real_folder_of_a_program_and_the_named_one_of_a_library(tmp_path: Path, wanted: Path) -> None:
    liba = library(tmp_path / "real/liba.so", str(wanted), "-Wl,-rpath,$ORIGIN/x", soname="liba.so")
    app = program(tmp_path / "real/app", str(liba), "-Wl,-rpath,$ORIGIN/linked")
    for folder in ("real/x", "linked/x", "real/linked"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "real/linked/liba.so").symlink_to("../liba.so")
    (tmp_path / "real/linked/x").mkdir()
    for folder in ("real/x", "real/linked/x"):
        shutil.copy(wanted, tmp_path / folder)
    (tmp_path / "linked/app").symlink_to(app)
    assert resolved(app, name="liba.so") == traced(tmp_path / "linked/app", "liba.so")
    found = traced(tmp_path / "linked/app")
    assert resolved(tmp_path / "real/linked/liba.so", app) == found == str(tmp_path / "real/linked/x" / WANTED)


def test_empty_and_relative_elements_mean_the_working_directory_which_is_never_ours(
    tmp_path: Path, wanted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = program(tmp_path / "app", str(wanted), NO_DEFAULT, "-Wl,-rpath,:relative:./also::$ORIGIN/x:")
    (tmp_path / "x").mkdir()
    shutil.copy(wanted, tmp_path / "x")
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()
    library_path = ["", "relative"]
    real = traced(app, cwd=nowhere, LD_LIBRARY_PATH=":".join(library_path))
    assert resolved(app, library_path=library_path) == real == str(tmp_path / "x" / WANTED)
    shutil.copy(wanted, nowhere)
    shutil.copytree(tmp_path / "x", nowhere / "relative")
    assert traced(app, cwd=nowhere) == WANTED
    monkeypatch.chdir(nowhere)
    assert resolved(app, library_path=library_path) == str(tmp_path / "x" / WANTED)


@pytest.mark.parametrize("needed", ["{here}/x/libs.so", "$ORIGIN/x/libs.so", "${ORIGIN}/../{name}/x/libs.so"])
def test_a_needed_with_a_slash_is_looked_for_there_and_nowhere_else(tmp_path: Path, needed: str) -> None:
    needed = needed.replace("{here}", str(tmp_path)).replace("{name}", tmp_path.name)
    libs = library(tmp_path / "libs.so", soname=needed)
    app = program(tmp_path / "app", str(libs), f"-Wl,-rpath,{tmp_path}")
    assert image_of(app).needed[0] == needed
    assert resolved(app, name=needed) == traced(app, needed) is None
    (tmp_path / "x").mkdir()
    shutil.copy(libs, tmp_path / "x")
    assert resolved(app, name=needed) == traced(app, needed) == str(tmp_path / "x/libs.so")


def test_a_relative_needed_depends_on_the_working_directory_and_is_not_found(tmp_path: Path) -> None:
    libs = library(tmp_path / "libs.so", soname="x/libs.so")
    app = program(tmp_path / "app", str(libs), f"-Wl,-rpath,{tmp_path}")
    assert resolved(app, name="x/libs.so") == traced(app, "x/libs.so") is None


def spoil(path: Path, offset: int, value: int) -> None:
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(bytes([value]))


@pytest.mark.parametrize(
    ("offset", "value"), [pytest.param(4, 1, id="class"), pytest.param(18, 183, id="machine"), (None, 0)]
)
def test_a_library_for_another_machine_and_a_dangling_link_are_passed_over(
    tmp_path: Path, wanted: Path, offset: int | None, value: int
) -> None:
    app = program(tmp_path / "app", str(wanted), "-Wl,-rpath,$ORIGIN/wrong:$ORIGIN/right")
    for folder in ("wrong", "right"):
        (tmp_path / folder).mkdir()
        shutil.copy(wanted, tmp_path / folder)
    assert resolved(app) == traced(app) == str(tmp_path / "wrong" / WANTED)
    if offset is None:
        (tmp_path / "wrong" / WANTED).unlink()
        (tmp_path / "wrong" / WANTED).symlink_to("nothing")
    else:
        spoil(tmp_path / "wrong" / WANTED, offset, value)
    assert resolved(app) == traced(app) == str(tmp_path / "right" / WANTED)


def test_dots_behind_a_linked_folder_go_up_from_its_target(tmp_path: Path, wanted: Path) -> None:
    app = program(tmp_path / "app", str(wanted), NO_DEFAULT, "-Wl,-rpath,$ORIGIN/link/../x:$ORIGIN/nothing/../x")
    for folder in ("x", "far/x", "far/away"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "link").symlink_to("far/away")
    shutil.copy(wanted, tmp_path / "x")
    assert resolved(app) == traced(app) is None
    shutil.copy(wanted, tmp_path / "far/x")
    assert resolved(app) == traced(app) == str(tmp_path / "far/x" / WANTED)

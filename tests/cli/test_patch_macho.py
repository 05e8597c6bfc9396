"""`bundler patch` on Mach-O files that LLVM's linker made."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bundler.binaries.macho import Image, read_image, signature_fault
from tests.binaries.macho.linked import link_all
from tests.binaries.macho.patching import judge
from tests.binaries.macho.samples import make_fat


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return link_all(tmp_path_factory.mktemp("linked"), "arm64", "-headerpad", "0x200")


@pytest.fixture
def library(made: dict[str, Path], tmp_path: Path) -> Path:
    """A library that asks for another one."""
    found = next(path for path in made.values() if any("inner" in name for name in names_of(path)))
    return Path(shutil.copy(found, tmp_path / found.name))


def image_of(path: Path) -> Image:
    with path.open("rb") as file:
        return read_image(file)


def names_of(path: Path) -> list[str]:
    return [dylib.name for part in image_of(path).slices for dylib in part.dylibs]


def patch(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bundler", "patch", *words], capture_output=True, text=True, check=False
    )


def test_names_and_search_paths_change_in_one_step_and_the_file_is_signed(library: Path) -> None:
    old = next(name for name in names_of(library) if "inner" in name)
    words = ("--set-id", "@rpath/libnew.dylib", "--change", old, "@rpath/x.dylib", "--add-rpath", "@loader_path/y")
    done = patch(*words, library)
    assert done.returncode == 0, done.stderr
    part = image_of(library).slices[0]
    assert (part.install_name, part.rpaths[-1]) == ("@rpath/libnew.dylib", "@loader_path/y")
    assert "@rpath/x.dylib" in names_of(library)
    assert old not in names_of(library)
    with library.open("rb") as file:
        assert signature_fault(file, part) is None
    judge(library)
    inode = library.stat().st_ino
    assert "nothing to change" in patch(*words, library).stderr
    assert library.stat().st_ino == inode


def test_search_paths_go_one_by_one_or_all(library: Path) -> None:
    assert patch("--add-rpath", "@loader_path/a", "--add-rpath", "@loader_path/b", library).returncode == 0
    assert patch("--delete-rpath", "@loader_path/a", library).returncode == 0
    assert "@loader_path/a" not in image_of(library).slices[0].rpaths
    assert "@loader_path/b" in image_of(library).slices[0].rpaths
    assert patch("--remove-rpath", library).returncode == 0
    assert image_of(library).slices[0].rpaths == ()


def test_a_universal_file_is_thinned(library: Path, tmp_path: Path) -> None:
    intel = link_all(tmp_path / "intel", "x86_64")
    other = next(path for path in intel.values() if path.name == library.name)
    fat = tmp_path / "fat.dylib"
    fat.write_bytes(make_fat([other.read_bytes(), library.read_bytes()], align=14))
    assert image_of(fat).architectures == ("x86_64", "arm64")
    assert patch("--thin", "arm64", fat).returncode == 0
    assert image_of(fat).architectures == ("arm64",)
    assert image_of(fat).fat_magic is None


def test_what_macho_does_not_know_is_refused_by_name(library: Path) -> None:
    before = library.read_bytes()
    done = patch("--set-soname", "x", library)
    assert done.returncode == 1
    assert "--set-soname" in done.stderr
    assert "Mach-O" in done.stderr
    assert patch("--overwrite", "--set-id", "@rpath/other", library).returncode == 1
    assert library.read_bytes() == before


def test_a_header_without_room_is_told_with_the_numbers(tmp_path: Path) -> None:
    tight = link_all(tmp_path, "arm64")["libouter"]
    before = tight.read_bytes()
    done = patch("--add-rpath", "@loader_path/" + "a" * 3000, tight)
    assert done.returncode == 1
    assert str(tight) in done.stderr
    assert re.search(r"\d+ bytes", done.stderr)
    assert tight.read_bytes() == before


def test_what_dyld_reads_is_printed(library: Path) -> None:
    done = patch("--print-soname", "--print-needed", library)
    assert done.stdout.splitlines()[0] in {image_of(library).slices[0].install_name, *names_of(library)}

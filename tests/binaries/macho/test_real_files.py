"""What real wheels for macOS hold can be changed: every file is read back by everybody at hand, every signature is true."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bundler.binaries.macho import Edits, Image, is_macho, plan_patch, read_image, signature_fault
from bundler.errors import NoHeaderRoom
from tests.binaries.macho.linked import run
from tests.binaries.macho.patching import judge
from tests.material.wheels import unpack

WHEELS = [
    ("freeze-core==0.8.1", "macosx_10_13_universal2"),
    ("psycopg2-binary==2.9.13", "macosx_11_0_arm64"),
    ("orjson==3.13.0", "macosx_10_15_universal2"),
]
ARM64 = """
    aiohttp==3.14.5 cffi==2.1.1 contourpy==1.4.0 coverage==7.17.4 cryptography==50.0.2 h5py==3.16.0 kiwisolver==1.5.1
    markupsafe==3.0.4 msgpack==1.2.4 numpy==2.5.5 pillow==13.0.0 pydantic-core==2.50.5 pyyaml==6.0.4 regex==2026.11.19
    rpds-py==2026.9.1 shapely==2.2.0 sqlalchemy==2.1.9
"""
X86_64 = "cffi==2.0.0 contourpy==1.4.0 markupsafe==3.0.4 pyyaml==6.0.3 psycopg2-binary==2.9.13 shapely==2.2.0"
UNIVERSAL = "bcrypt==5.0.0 charset-normalizer==3.5.2 greenlet==3.5.6 pynacl==1.6.2 pyzmq==27.3.0"
MORE_WHEELS = [
    (requirement, platform)
    for platform, requirements in (
        ("macosx_11_0_arm64", ARM64),
        ("macosx_10_13_x86_64", X86_64),
        ("macosx_11_0_universal2", UNIVERSAL),
    )
    for requirement in requirements.split()
]
MOST_FILES = 6
"""Of one wheel."""


def binaries_in(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                if is_macho(file.read(8)):
                    yield path


def is_system(name: str) -> bool:
    return name.startswith(("/usr/lib/", "/System/"))


def moved(image: Image) -> Edits:
    """Edits as a bundle makes them: every library that comes along is asked for from the file's own folder."""
    names = {dylib.name for part in image.slices for dylib in part.dylibs if not is_system(dylib.name)}
    paths = {path for part in image.slices for path in part.rpaths if path.startswith("/")}
    return Edits(
        install_name="@rpath/renamed.dylib",
        dylibs={name: "@loader_path/" + os.path.basename(name) for name in names},
        remove_rpaths=frozenset(paths),
        add_rpaths=() if names else ("@loader_path/..",),
    )


def check_folder(folder: Path, where: Path) -> tuple[int, int]:
    """Change some of the files in a folder; how many were changed, and how many have no room."""
    changed = tight = 0
    for path in list(binaries_in(folder))[:MOST_FILES]:
        data = path.read_bytes()
        image = read_image(io.BytesIO(data))
        for part in image.slices:
            assert signature_fault(io.BytesIO(data), part) is None, path
        try:
            plan = plan_patch(io.BytesIO(data), image, moved(image))
        except NoHeaderRoom:
            tight += 1
            continue
        if plan is None:
            continue
        new = where / f"{changed}-{path.name}"
        new.write_bytes(b"".join(plan.patch.read(io.BytesIO(data))))
        judge(new)
        with new.open("rb") as file:
            for part in read_image(file).slices:
                assert signature_fault(file, part) is None, path
        changed += 1
    return changed, tight


@pytest.mark.parametrize(("requirement", "platform"), WHEELS)
def test_files_of_a_wheel_are_changed(requirement: str, platform: str, tmp_path: Path) -> None:
    changed, _ = check_folder(unpack(requirement, platform, tmp_path / "wheel"), tmp_path)
    assert changed


@pytest.mark.everything
@pytest.mark.parametrize(("requirement", "platform"), MORE_WHEELS)
def test_files_of_more_wheels_are_changed(requirement: str, platform: str, tmp_path: Path) -> None:
    changed, tight = check_folder(unpack(requirement, platform, tmp_path / "wheel"), tmp_path)
    assert changed + tight


@pytest.mark.everything
@pytest.mark.parametrize("architecture", ["aarch64", "x86_64"])
def test_what_zig_links_is_changed(architecture: str, tmp_path: Path) -> None:
    pytest.importorskip("ziglang", reason="needs ziglang (pip install ziglang)")
    source = tmp_path / "library.c"
    source.write_text('#include <stdio.h>\nint number = 3;\nint *place = &number;\nvoid say(void) { puts("said"); }\n')
    library = tmp_path / "wheel" / "liblibrary.dylib"
    library.parent.mkdir()
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "ziglang",
        "cc",
        "-target",
        f"{architecture}-macos",
        "-shared",
        source,
    ]
    run([*command, "-Wl,-rpath,/opt/lib", "-o", library])
    assert check_folder(library.parent, tmp_path) == (1, 0)

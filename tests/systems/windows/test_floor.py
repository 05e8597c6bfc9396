"""The oldest Windows for a set of files, what says so, and what a hardened one refuses."""

from __future__ import annotations

import dataclasses

import pytest

from bundler.binaries.pe.image import Image, LoadConfig
from bundler.floor import Release
from bundler.systems.windows.ceiling import find_ceiling
from bundler.systems.windows.floor import find_floor
from tests.binaries.pe.samples import make_pe
from tests.systems.windows.made_up import PYTHON, image_of

PROGRAM = make_pe(dll=False)


@pytest.mark.parametrize(
    ("python", "release"),
    [((3, 8), (7, 0)), ((3, 9), (8, 1)), ((3, 12), (8, 1)), ((3, 13), (10, 0)), ((3, 15), (10, 0))],
)
def test_python_itself_asks_for_what_its_release_supports(python: tuple[int, int], release: Release) -> None:
    floor = find_floor({PYTHON: image_of(PROGRAM)}, PYTHON, python)
    assert floor is not None
    assert (floor.system, floor.release, floor.file) == ("Windows", release, PYTHON)
    assert floor.reason == f"Python 3.{python[1]}"


@pytest.mark.parametrize(
    ("data", "release", "reason"),
    [
        pytest.param(make_pe(version=(6, 0)), (7, 0), "Python 3.8", id="the linker's own"),
        pytest.param(make_pe(version=(6, 2)), (8, 0), "the header's minimum version", id="8"),
        pytest.param(make_pe(version=(6, 3)), (8, 1), "the header's minimum version", id="8.1"),
        pytest.param(make_pe(version=(10, 0)), (10, 0), "the header's minimum version", id="10"),
        pytest.param(make_pe(["D3D12.dll"]), (10, 0), "the import of D3D12.dll", id="an import"),
        pytest.param(make_pe([], ["d3d12.dll"]), (7, 0), "Python 3.8", id="a delayed one"),
    ],
)
def test_a_file_asks_for_more_by_its_header_or_its_imports(data: bytes, release: Release, reason: str) -> None:
    floor = find_floor({PYTHON: image_of(PROGRAM), "x.dll": image_of(data)}, PYTHON, (3, 8))
    assert floor is not None
    assert (floor.release, floor.reason) == (release, reason)
    assert floor.file == (PYTHON if release == (7, 0) else "x.dll")


def hybrid(image: Image) -> Image:
    """With a second view for another machine."""
    return dataclasses.replace(image, load_config=LoadConfig(280, 0, 0x1000))


def test_arm64ec_code_asks_for_windows_11_and_arm64x_does_not() -> None:
    """The former says AMD64 in its header; the latter is a plain ARM64 file for a Windows that knows no better."""
    amd64, arm64 = hybrid(image_of(make_pe())), hybrid(image_of(make_pe(machine=0xAA64)))
    floors = [find_floor({PYTHON: image_of(PROGRAM), "x.dll": each}, PYTHON, (3, 13)) for each in (amd64, arm64)]
    assert [(floor.release, floor.file) for floor in floors if floor is not None] == [
        ((11, 0), "x.dll"),
        ((10, 0), PYTHON),
    ]


def test_code_that_can_be_written_to_is_told() -> None:
    images = {"b.dll": image_of(make_pe(writable_code=True)), "a.dll": image_of(make_pe())}
    assert find_ceiling(images).writable_code == ("b.dll",)

"""The oldest macOS for a set of files: a table of what each of their architectures says."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import replace

import pytest

from bundler.binaries.macho import Image
from bundler.binaries.macho import constants as c
from bundler.faults import FaultKind
from bundler.systems.macos.check import check_macho_files
from bundler.systems.macos.floor import find_floor
from bundler.systems.targets import target_named
from tests.binaries.macho.patching import image_of
from tests.binaries.macho.samples import make_fat, make_sample
from tests.material.schemes import POSIX_312
from tests.systems.views import View

PROGRAM = "bin/python3.13"
CPUS = {"arm64": (0x0100000C, 0), "x86_64": (0x01000007, 3)}
"""cputype and cpusubtype."""
Minimums = Mapping[str, tuple[int, int, int] | None]


def image(minimums: Minimums) -> Image:
    """A file with these architectures, and the minimum version that each of them names."""
    return image_of(make_fat([make_sample(cpu=CPUS[name], extra=_command(said)) for name, said in minimums.items()]))


def _command(said: tuple[int, int, int] | None) -> list[bytes]:
    if said is None:
        return []
    version = said[0] << 16 | said[1] << 8 | said[2]
    return [struct.pack("<6I", c.LC_BUILD_VERSION, 24, c.PLATFORM_MACOS, version, 0, 0)]


@pytest.mark.parametrize(
    ("files", "release", "file"),
    [
        pytest.param({PROGRAM: {"arm64": (11, 0, 0)}}, (11, 0), PROGRAM, id="the program alone"),
        pytest.param(
            {PROGRAM: {"arm64": (11, 0, 0)}, "lib/b.so": {"arm64": (13, 3, 0)}, "lib/a.so": {"arm64": (12, 0, 0)}},
            (13, 3),
            "lib/b.so",
            id="the most demanding file",
        ),
        pytest.param(
            {PROGRAM: {"arm64": (11, 0, 0)}, "lib/b.so": {"arm64": (12, 0, 9)}, "lib/a.so": {"arm64": (12, 0, 1)}},
            (12, 0),
            "lib/a.so",
            id="of equals the first by path, whatever the third number",
        ),
        pytest.param(
            {PROGRAM: {"arm64": (11, 0, 0), "x86_64": (10, 13, 0)}, "lib/a.so": {"arm64": (11, 0, 0), "x86_64": (10, 15, 0)}},
            (10, 15),
            "lib/a.so",
            id="of several architectures the least demanding",
        ),
        pytest.param(
            {PROGRAM: {"arm64": (11, 0, 0)}, "lib/a.so": {"x86_64": (14, 0, 0)}},
            (11, 0),
            PROGRAM,
            id="what the program's architecture never loads says nothing",
        ),
        pytest.param(
            {PROGRAM: {"arm64": None, "x86_64": (10, 9, 0)}}, (10, 9), PROGRAM, id="an architecture that names none"
        ),
    ],
)  # fmt: skip
def test_the_floor_is(files: Mapping[str, Minimums], release: tuple[int, int], file: str) -> None:
    floor = find_floor({path: image(minimums) for path, minimums in files.items()}, PROGRAM)
    assert floor is not None
    assert (floor.system, floor.release, floor.file) == ("macOS", release, file)
    assert floor.reason.startswith("its ")


def test_one_file_alone_may_raise_the_floor() -> None:
    files: dict[str, Minimums] = {PROGRAM: {"arm64": (11, 0, 0)}, "lib/a.so": {"arm64": (12, 0, 0)}}
    floor = find_floor({path: image(minimums) for path, minimums in files.items()}, PROGRAM)
    assert floor is not None
    assert (floor.file, floor.without, floor.text_without) == ("lib/a.so", (11, 0), "11.0")
    files["lib/b.so"] = {"arm64": (12, 0, 0)}
    floor = find_floor({path: image(minimums) for path, minimums in files.items()}, PROGRAM)
    assert floor is not None
    assert (floor.file, floor.without, floor.text_without) == ("lib/a.so", None, None)


def test_files_that_name_no_version_have_no_floor() -> None:
    assert find_floor({PROGRAM: image({"arm64": None})}, PROGRAM) is None


@pytest.mark.parametrize(("name", "paths"), [("macos11", ["lib/b.so"]), ("macos13.3", []), ("macos14", [])])
def test_what_is_too_new_for_the_target_is_a_fault_of_the_file(name: str, paths: list[str]) -> None:
    """Of two architectures the one counts that asks for less."""
    both = {"arm64": (14, 0, 0), "x86_64": (13, 3, 0)}
    images = {PROGRAM: image({"arm64": (11, 0, 0), "x86_64": (10, 13, 0)}), "lib/b.so": image(both)}
    scheme = replace(POSIX_312, executable=PROGRAM)
    found = check_macho_files(View(images, scheme), target_named(name)).faults
    told = [fault for fault in found if fault.kind is FaultKind.TARGET]
    assert [fault.path for fault in told] == paths
    for fault in told:
        assert fault.message.startswith("needs macOS 13.3 or later (its x86_64 code's minimum version)")

"""Constant strings are overwritten by ones of their length, wherever they stand whole, and nowhere else."""

from __future__ import annotations

import ctypes
import io
from pathlib import Path

import pytest

from bundler.audit.readers.asked import asked_of
from bundler.audit.readers.comparison import PACKED, unasked
from bundler.binaries.elf import Edits, Tier, plan_patch, read_image
from bundler.binaries.elf.constant_strings import constant_paths
from bundler.errors import UnwritableString
from tests.binaries.elf.patching import edit, image_of
from tests.binaries.elf.programs import compile_c

OLD = "/usr/lib/somewhere/plugins"
NEW = "$ORIGIN////////////plugins"
SOURCE = f"""
const char *place(void) {{ return "{OLD}"; }}
const char *sentence(void) {{ return "it opens {OLD}"; }}
const char *longer(void) {{ return "{OLD}/two"; }}
const char *tail(void) {{ return "plugins"; }}
char written[] = "{OLD}";
"""
EDITS = Edits(constants={OLD: NEW})
LONG = "$ORIGIN/" + "long/" * 2000


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return compile_c(SOURCE, tmp_path / "libit.so", "-shared", "-fPIC", "-O2")


def texts(library: Path) -> list[str]:
    loaded = ctypes.CDLL(str(library))
    found = []
    for name in ("place", "sentence", "longer", "tail"):
        function = getattr(loaded, name)
        function.restype = ctypes.c_char_p
        found.append(function().decode())
    return [*found, ctypes.c_char.in_dll(loaded, "written").value.decode()]


@pytest.mark.parametrize("path", [None, "$ORIGIN", LONG], ids=["alone", "with a path", "with much else"])
def test_a_whole_constant_changes_and_what_holds_it_does_not(library: Path, path: str | None) -> None:
    before = library.read_bytes()
    edits = EDITS if path is None else Edits(rpath=path, constants=EDITS.constants)
    plan = edit(library, edits)
    assert (plan.tier is Tier.T0) == (path is None)
    assert texts(library) == [NEW, f"it opens {OLD}", f"{OLD}/two", "plugins", "/"]
    with open(library, "rb") as after:
        assert not list(unasked(io.BytesIO(before), after, asked_of(edits)))
        assert not list(unasked(io.BytesIO(before), after, PACKED))
        if path is None:
            differences = list(unasked(io.BytesIO(before), after, asked_of(Edits(constants={OLD: OLD.upper()}))))
            assert [difference.what for difference in differences] and OLD.encode()[:4].hex() in differences[0].message
        assert plan_patch(after, read_image(after), edits) is None


@pytest.mark.parametrize(
    "new", ["$ORIGIN////////////plugin2", "/opt/lib/somewhere/plugins", "$ORIGIN/\x01//////////plugins"]
)
def test_of_its_own_accord_a_pack_writes_only_the_same_end_below_origin(library: Path, new: str) -> None:
    before = library.read_bytes()
    edits = Edits(constants={OLD: new})
    edit(library, edits)
    with open(library, "rb") as after:
        assert not list(unasked(io.BytesIO(before), after, asked_of(edits)))
        assert list(unasked(io.BytesIO(before), after, PACKED))


def test_one_of_another_length_is_refused(library: Path) -> None:
    with pytest.raises(UnwritableString, match="keeps its length of 26 bytes"):
        edit(library, Edits(constants={OLD: NEW + "/"}))


def test_one_that_is_not_there_changes_nothing(library: Path) -> None:
    with open(library, "rb") as file:
        assert plan_patch(file, read_image(file), Edits(constants={"/usr/lib/elsewhere": "/usr/lib/elsewher2"})) is None


def test_the_paths_of_a_file_are_whole_ones(library: Path) -> None:
    with open(library, "rb") as file:
        found = list(constant_paths(file, image_of(library), (b"/usr/", b"/etc/")))
    assert sorted(found) == [OLD.encode(), f"{OLD}/two".encode()]

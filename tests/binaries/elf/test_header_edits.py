"""What is changed in front of the dynamic section, or without one: an executable stack, a note of absolute paths."""

from __future__ import annotations

import io
import json
import subprocess
from pathlib import Path

import pytest

from bundler.binaries.elf import Edits, ElfClass, Tier, plan_patch, read_image
from bundler.binaries.elf import constants as c
from bundler.binaries.elf.stack import Stack, stack_of
from bundler.binaries.elf.structs import ByteOrder
from bundler.errors import CannotPatch
from tests.binaries.elf.notes import resolution_cache_note
from tests.binaries.elf.patching import edit, image_of
from tests.binaries.elf.programs import LAYOUTS, compile_c, make_library, make_program, run
from tests.binaries.elf.readers import faults, readelf
from tests.binaries.elf.samples import make_sample
from tests.material.environments import bundler

CLEAR = Edits(clear_execstack=True)
LONG = "$ORIGIN/two/libs:$ORIGIN/" + "long/" * 200


def differing(one: bytes, other: bytes) -> list[int]:
    """The offsets at which two files of one size differ."""
    assert len(one) == len(other)
    return [at for at, (left, right) in enumerate(zip(one, other, strict=True)) if left != right]


@pytest.mark.parametrize("layout", ["pie", "fixed", "gold", "lld", "mold"])
def test_one_byte_makes_a_stack_plain_and_the_program_runs(tmp_path: Path, layout: str) -> None:
    make_program(tmp_path, *LAYOUTS[layout], "-Wl,-z,execstack")
    app = tmp_path / "app"
    before, said = app.read_bytes(), faults(app)
    assert stack_of(image_of(app)) is Stack.EXECUTABLE
    found = edit(app, CLEAR)
    assert (found.tier, found.reasons) == (Tier.T0, ())
    (at,) = differing(before, app.read_bytes())
    assert before[at] ^ app.read_bytes()[at] == c.PF_X
    assert "RWE" not in readelf(app, "-l")
    assert not faults(app) - said
    assert run(app) == "1 5 1 0 7\n"


def test_it_goes_with_other_edits_in_every_tier(tmp_path: Path) -> None:
    make_program(tmp_path, "-Wl,-z,execstack")
    original = (tmp_path / "app").read_bytes()
    tiers = set()
    for rpath in (None, LONG, LONG * 20):
        app = tmp_path / "app"
        app.write_bytes(original)
        tiers.add(edit(app, Edits(rpath, clear_execstack=True)).tier)
        assert stack_of(image_of(app)) is Stack.PLAIN
        assert image_of(app).rpath == rpath
    assert len(tiers) == 3
    assert run(app) == "2 5 1 0 7\n"


def test_a_static_program_has_a_stack_as_well(tmp_path: Path) -> None:
    app = compile_c("int main(void) { return 0; }", tmp_path / "app", "-static", "-Wl,-z,execstack")
    edit(app, CLEAR)
    assert stack_of(image_of(app)) is Stack.PLAIN
    assert run(app) == ""


def test_the_command_says_when_there_is_nothing_to_change(tmp_path: Path) -> None:
    library = make_library(tmp_path / "libwhich.so", 1, "-Wl,-z,execstack")
    for changes in (True, False):
        before = library.read_bytes()
        done = bundler(["patch", "--clear-execstack", library])
        assert done.returncode == 0, done.stderr
        assert ("nothing to change" in done.stderr) != changes
        assert (library.read_bytes() != before) == changes
    done = bundler(["patch", "--clear-execstack", "--json", library])
    assert json.loads(done.stdout)["changed"] is False


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("elf_class", ElfClass)
def test_a_file_that_says_nothing_of_its_stack_is_told_by_its_machine(elf_class: ElfClass, order: ByteOrder) -> None:
    for machine, stack in ((c.EM_X86_64, Stack.UNMARKED), (c.EM_S390, Stack.UNMARKED), (c.EM_AARCH64, Stack.PLAIN)):
        file = io.BytesIO(make_sample(elf_class, order, machine))
        assert stack_of(read_image(file)) is stack
        if stack is Stack.PLAIN:
            assert plan_patch(file, read_image(file), CLEAR) is None
            continue
        with pytest.raises(CannotPatch, match="no PT_GNU_STACK among its 3 program headers") as caught:
            plan_patch(file, read_image(file), CLEAR)
        assert caught.value.hint


def test_other_formats_know_no_such_word(tmp_path: Path) -> None:
    (tmp_path / "lib.dylib").write_bytes(bytes.fromhex("cffaedfe0700000103000000060000000000000000000000") + bytes(64))
    done = bundler(["patch", "--clear-execstack", tmp_path / "lib.dylib"])
    assert done.returncode == 1
    assert "--clear-execstack: no such thing" in done.stderr


@pytest.mark.parametrize("rpath", [None, "$ORIGIN/two/libs"])
def test_a_note_of_absolute_paths_is_emptied_where_it_is(tmp_path: Path, rpath: str | None) -> None:
    make_program(tmp_path)
    secret = "=/nix/store/abc/lib/libwhich.so"
    text = resolution_cache_note(f"libwhich.so {secret}") + "int main(void) { return 0; }"
    app = compile_c(text, tmp_path / "app", "-Wl,-rpath,$ORIGIN/one", str(tmp_path / "one/libwhich.so"))
    before = app.read_bytes()
    assert secret.encode() in before
    assert b"NixOS" in [note.owner for note in image_of(app).notes]
    edit(app, Edits(rpath or "$ORIGIN/one", without_resolution_cache=True))
    after = app.read_bytes()
    assert secret.encode() not in after
    assert 0x63A86CB6 not in [note.type for note in image_of(app).notes]
    assert "NT_GNU_BUILD_ID" in readelf(app, "-n")
    assert [note[2] for note in image_of(app).notes if note.owner == b"GNU"] != []
    with app.open("rb") as file:
        edits = Edits(without_resolution_cache=True)
        assert plan_patch(file, image_of(app), edits) is None
    assert run(app) == ""


def test_damaged_notes_are_no_error(tmp_path: Path) -> None:
    text = resolution_cache_note("x") + "int main(void) { return 0; }"
    app = compile_c(text, tmp_path / "app")
    whole = image_of(app)
    place = next(note for note in whole.notes if note.owner == b"NixOS")
    data = bytearray(app.read_bytes())
    data[place.offset + 4 : place.offset + 8] = b"\xff" * 4
    found = read_image(io.BytesIO(bytes(data)))
    assert found.needed == whole.needed
    assert b"NixOS" not in [note.owner for note in found.notes]


def test_the_compilers_own_program_reads_the_same_notes(tmp_path: Path) -> None:
    library = make_library(tmp_path / "lib.so", 1, "-Wl,-z,x86-64-v3")
    listed = subprocess.run(["readelf", "-nW", library], capture_output=True, text=True, check=True).stdout
    owners = [line.split()[0] for line in listed.splitlines() if line.startswith(("  GNU", "  FDO"))]
    assert owners == [note.owner.decode() for note in image_of(library).notes]

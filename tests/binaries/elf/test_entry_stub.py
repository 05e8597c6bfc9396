"""Entry stubs put into programs and taken out again: in every layout, with other edits, and as two readers see it."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundler.audit.readers.comparison import Asked, asked_of, disagreements, unasked
from bundler.binaries.elf import Edits, PatchPlan, Tier, plan_patch, read_image
from bundler.binaries.elf import constants as c
from bundler.binaries.elf.stub_layout import without_stub
from bundler.binaries.elf.stubs import stub_for
from bundler.binaries.patch import Literal, Patch, Piece, Range, Zeros, compose, join
from bundler.errors import CannotPatch, NotDynamic, UnwritableString
from tests.binaries.elf.patching import edit, image_of
from tests.binaries.elf.programs import EXPECTED, LAYOUTS, compile_c, make_library, make_program, run
from tests.binaries.elf.strips import STRIPS, commands
from tests.material.elf_fixtures import SETS, Set
from tests.material.own_libc import libraries_of
from tests.material.programs import need

LOADER = "../lib/ld.so"
MANY = Edits(
    own_loader=LOADER, rpath="$ORIGIN/one:" + "$ORIGIN/" + "x" * 300, added=["libm.so.6"], clear_execstack=False
)


def planned(data: bytes, edits: Edits) -> PatchPlan | None:
    file = io.BytesIO(data)
    return plan_patch(file, read_image(file), edits)


def patched(data: bytes, edits: Edits) -> bytes:
    plan = planned(data, edits)
    assert plan is not None
    return plan.patch.apply(data)


def with_loader(folder: Path) -> None:
    """Put this machine's loader where the stub of `app` looks for it."""
    loader = next(path for name, path in libraries_of(folder / "app").items() if name.startswith("ld"))
    (folder / "lib").mkdir(exist_ok=True)
    shutil.copy(loader, folder / "lib/ld.so")


@pytest.fixture(scope="module", params=LAYOUTS)
def app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a program in one layout, and a loader for it."""
    folder = tmp_path_factory.mktemp("app")
    make_program(folder, *LAYOUTS[request.param])
    with_loader(folder)
    return folder


@pytest.fixture
def copy(app: Path, tmp_path: Path) -> Path:
    shutil.copytree(app, tmp_path / "copy")
    return tmp_path / "copy/app"


def test_a_program_of_any_layout_runs_with_a_stub(copy: Path) -> None:
    edit(copy, Edits(own_loader="lib/ld.so"))
    assert run(copy) == EXPECTED.format(1)
    assert image_of(copy).own_loader == "lib/ld.so"
    (copy.parent / "lib/ld.so").unlink()
    assert "cannot start with its loader" in run(copy)


def test_a_program_of_any_layout_runs_with_a_stub_and_other_edits(copy: Path) -> None:
    edit(copy, replace(MANY, own_loader="lib/ld.so", rpath="$ORIGIN/two/libs:" + "$ORIGIN/" + "x" * 3000))
    image = image_of(copy)
    assert run(copy) == EXPECTED.format(2)
    assert image.needed[-1] == "libm.so.6" and (image.rpath or "").startswith("$ORIGIN/two/libs:")


def test_a_stub_in_a_segment_of_its_own_runs(copy: Path) -> None:
    found = edit(copy, Edits(own_loader="lib/" + "./" * 1900 + "ld.so"))
    assert found.tier is Tier.T3 or image_of(copy).page_size > 0x1000
    assert run(copy) == EXPECTED.format(1)


def test_a_stub_taken_out_leaves_the_file_as_it_was(app: Path) -> None:
    data = (app / "app").read_bytes()
    for loader in (LOADER, "./" * 1900 + "ld.so"):
        assert patched(patched(data, Edits(own_loader=loader)), Edits(own_loader=None)) == data
    several = patched(data, MANY)
    assert patched(several, Edits(own_loader=None)) == patched(data, replace(MANY, own_loader=None))


def test_doing_it_twice_is_doing_it_once(app: Path) -> None:
    data = (app / "app").read_bytes()
    assert planned(data, Edits(own_loader=None)) is None
    for edits in (Edits(own_loader=LOADER), MANY, Edits(own_loader="./" * 1900 + "ld.so")):
        once = patched(data, edits)
        assert planned(once, edits) is None
        assert planned(once, Edits()) is None


def test_edits_one_after_the_other_are_edits_at_once(app: Path) -> None:
    data = (app / "app").read_bytes()
    stub, rest = Edits(own_loader=LOADER), replace(MANY, own_loader=Edits().own_loader)
    assert patched(patched(data, stub), rest) == patched(data, MANY) == patched(patched(data, rest), stub)
    other = patched(patched(data, stub), Edits(own_loader="../other"))
    assert other == patched(data, Edits(own_loader="../other"))


def test_two_readers_agree_that_nothing_else_changed(app: Path) -> None:
    data = (app / "app").read_bytes()
    for edits in (Edits(own_loader=LOADER), MANY, Edits(own_loader="./" * 1900 + "ld.so")):
        new = patched(data, edits)
        file = io.BytesIO(new)
        assert disagreements(read_image(file), file) == ()
        assert unasked(io.BytesIO(data), io.BytesIO(new), asked_of(edits)) == ()
        back = patched(new, Edits(own_loader=None))
        assert unasked(io.BytesIO(new), io.BytesIO(back), asked_of(Edits(own_loader=None))) == ()
        assert unasked(io.BytesIO(new), io.BytesIO(new), Asked()) == ()
        assert unasked(io.BytesIO(data), io.BytesIO(new), replace(asked_of(edits), own_loader=False)) != ()
        assert unasked(io.BytesIO(data), io.BytesIO(new), replace(asked_of(edits), own_loader="../else")) != ()


@pytest.mark.parametrize("strip", STRIPS)
def test_a_program_with_a_stub_in_page_slack_can_be_stripped(copy: Path, strip: str) -> None:
    found = edit(copy, Edits(own_loader="lib/ld.so"))
    if found.tier is Tier.T3:
        assert "must not be stripped" in found.explanation
        return
    subprocess.run([*commands("x86_64")[strip], str(copy)], check=True, capture_output=True)
    assert run(copy) == EXPECTED.format(1)


@pytest.mark.parametrize("tool", ["readelf", "objdump"])
def test_tools_read_a_program_with_a_stub(copy: Path, tool: str) -> None:
    words = {"readelf": ["-aW"], "objdump": ["-xd"]}[tool]
    before = subprocess.run([need(tool), *words, str(copy)], capture_output=True, text=True, check=True)
    edit(copy, Edits(own_loader="lib/ld.so"))
    after = subprocess.run([need(tool), *words, str(copy)], capture_output=True, text=True, check=True)
    assert after.stderr == before.stderr


def damaged_code(data: bytearray, image_offset: int) -> None:
    data[image_offset + 100] ^= 1


def damaged_entry(data: bytearray, image_offset: int) -> None:
    data[image_offset + 16] ^= 1


def damaged_size(data: bytearray, image_offset: int) -> None:
    data[image_offset + 24] ^= 1


def damaged_path(data: bytearray, image_offset: int) -> None:
    data[data.index(LOADER.encode(), image_offset)] ^= 1


@pytest.mark.parametrize("damage", [damaged_code, damaged_entry, damaged_size, damaged_path])
def test_the_second_reader_sees_each_change_of_the_stub(app: Path, damage: Callable[[bytearray, int], None]) -> None:
    source = (app / "app").read_bytes()
    edits = Edits(own_loader=LOADER)
    data = bytearray(patched(source, edits))
    stub = read_image(io.BytesIO(data)).stub
    assert stub is not None
    damage(data, stub.offset)
    assert unasked(io.BytesIO(source), io.BytesIO(bytes(data)), asked_of(edits)) != ()


def test_the_kernel_sees_no_interpreter_and_we_still_know_it(app: Path) -> None:
    data = (app / "app").read_bytes()
    before, after = read_image(io.BytesIO(data)), read_image(io.BytesIO(patched(data, Edits(own_loader=LOADER))))
    assert c.PT_INTERP not in {segment.type for segment in after.segments}
    assert after.interpreter == before.interpreter is not None
    assert (before.own_loader, after.own_loader) == (None, LOADER)


def test_what_another_program_changed_is_not_taken_out_blindly(app: Path) -> None:
    data = patched((app / "app").read_bytes(), Edits(own_loader="./" * 1900 + "ld.so"))
    stub = read_image(io.BytesIO(data)).stub
    assert stub is not None
    if stub.parameters.headers == 0:
        pytest.skip("a large page has room for such a path")
    file = io.BytesIO(data + b"payload")
    with pytest.raises(CannotPatch, match="another program has changed the file"):
        without_stub(file, read_image(file))


STATIC = "int main(void) { return 0; }"


@pytest.mark.parametrize("flags", [("-static",), ("-static-pie",)])
def test_a_static_program_is_refused(tmp_path: Path, flags: tuple[str, ...]) -> None:
    data = compile_c(STATIC, tmp_path / "static", *flags).read_bytes()
    with pytest.raises(NotDynamic, match="no PT_INTERP"):
        planned(data, Edits(own_loader=LOADER))
    assert planned(data, Edits(own_loader=None)) is None


def test_a_library_is_refused(tmp_path: Path) -> None:
    data = make_library(tmp_path / "lib.so", 1).read_bytes()
    with pytest.raises(NotDynamic, match="it is a library, or a static program"):
        planned(data, Edits(own_loader=LOADER))


def test_a_payload_is_not_moved(tmp_path: Path) -> None:
    data = make_program(tmp_path).read_bytes() + b"payload" * 100
    assert patched(data, Edits(own_loader=LOADER)).endswith(b"payload" * 100)
    with pytest.raises(CannotPatch, match="bytes follow the ELF image"):
        planned(data, Edits(own_loader="./" * 1900 + "ld.so"))


def test_a_program_far_apart_in_memory_does_not_grow_beyond_all_measure(tmp_path: Path) -> None:
    data = bytearray(make_program(tmp_path).read_bytes())
    image = read_image(io.BytesIO(data))
    layout = image.structures.segment
    number = max(n for n, segment in enumerate(image.segments) if segment.type == c.PT_LOAD)
    far = image.segments[number]._replace(memsz=1 << 40)
    start = image.structures.header.size + 16 + number * layout.size
    data[start : start + layout.size] = layout.pack(far)
    assert patched(bytes(data), Edits(own_loader=LOADER))
    with pytest.raises(CannotPatch, match=r"10995\d+ zero bytes would have to be stored"):
        planned(bytes(data), Edits(own_loader="./" * 1900 + "ld.so"))


def test_paths_that_cannot_be_are_refused(tmp_path: Path) -> None:
    data = make_program(tmp_path).read_bytes()
    for path in ("", "a\0b", "x" * 4096, "/lib/ld.so"):
        with pytest.raises(UnwritableString):
            planned(data, Edits(own_loader=path))


@pytest.mark.parametrize("machine", SETS, ids=str)
def test_programs_of_other_machines_get_a_stub_or_a_reason(machine: Set) -> None:
    for path in machine.programs():
        data = path.read_bytes()
        image = read_image(io.BytesIO(data))
        if stub_for(image.machine, image.elf_class, image.byteorder) is not None:
            new = patched(data, Edits(own_loader=LOADER))
            assert unasked(io.BytesIO(data), io.BytesIO(new), Asked(own_loader=LOADER)) == ()
            assert patched(new, Edits(own_loader=None)) == data
        else:
            with pytest.raises(CannotPatch, match="there is no entry stub for"):
                planned(data, Edits(own_loader=LOADER))


def test_the_command_gives_and_takes_a_loader(tmp_path: Path) -> None:
    from tests.cli.patched_program import bundler

    program = make_program(tmp_path)
    before = program.read_bytes()
    done = bundler("--own-loader", LOADER, program)
    assert done.returncode == 0 and "an entry stub" in done.stderr
    assert f"own ({LOADER})" in bundler_inspect(program)
    assert bundler("--own-loader", LOADER, "--host-loader", program).returncode == 2
    assert bundler("--host-loader", program).returncode == 0
    assert program.read_bytes() == before


def bundler_inspect(program: Path) -> str:
    command = [sys.executable, "-m", "bundler", "inspect", str(program)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


PIECES = st.lists(
    st.one_of(
        st.builds(Range, st.integers(0, 60), st.integers(1, 40)),
        st.builds(Literal, st.binary(min_size=1, max_size=20)),
        st.builds(Zeros, st.integers(1, 20)),
    ),
    max_size=6,
)


@given(PIECES, st.data())
def test_composed_patches_do_one_after_the_other(first: list[Piece], data: st.DataObject) -> None:
    source = bytes(range(100))
    one = join(first)
    size = one.size
    ranges = st.integers(0, size).flatmap(lambda start: st.builds(Range, st.just(start), st.integers(0, size - start)))
    more = st.one_of(ranges, st.builds(Literal, st.binary(max_size=9)), st.builds(Zeros, st.integers(0, 9)))
    two = join(data.draw(st.lists(more, max_size=6)))
    assert compose(one, two).apply(source) == two.apply(one.apply(source))


def test_a_composed_patch_takes_no_more_than_there_is() -> None:
    with pytest.raises(ValueError, match="behind the file of 3 bytes"):
        compose(Patch((Literal(b"abc"),)), Patch((Range(0, 4),)))

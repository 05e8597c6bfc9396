"""Name stubs: a program's `argv[0]` leads to the program itself, whoever started it, and is left alone where it does."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bundler.audit.readers.comparison import Asked, asked_of, disagreements, unasked
from bundler.binaries.elf import UNCHANGED, Edits, ElfClass, Image, Tier, plan_patch, read_image, stubs
from bundler.binaries.elf import constants as c
from bundler.binaries.patch import Literal
from bundler.errors import CannotPatch, NotDynamic
from tests.binaries.elf.patching import edit, image_of
from tests.binaries.elf.programs import EXPECTED, LAYOUTS, compile_c, make_library, make_program, run
from tests.material.elf_fixtures import SETS, Set
from tests.material.entry_stubs import MACHINES, build_name, digests_that_fit, need_compiler
from tests.material.isolation import namespace
from tests.material.own_libc import libraries_of, start

FOLDER = Path(stubs.__file__).parents[1] / "names"
LOADER = "lib/ld.so"
NAMED = Edits(finds_itself=True)
BOTH = Edits(finds_itself=True, own_loader=LOADER)
SAYS = '#include <stdio.h>\nint main(int count, char **words) { return puts(count ? words[0] : "none") < 0; }\n'


def patched(data: bytes, edits: Edits) -> bytes:
    file = io.BytesIO(data)
    plan = plan_patch(file, read_image(file), edits)
    return data if plan is None else plan.patch.apply(data)


@pytest.mark.parametrize("name", MACHINES)
def test_a_stub_is_what_its_source_gives(name: str) -> None:
    need_compiler()
    assert build_name(name) == (FOLDER / f"{name}.bin").read_bytes()


def test_digests_are_those_of_the_stubs() -> None:
    assert digests_that_fit(FOLDER) == {f"{name}.bin" for name in MACHINES}


@pytest.mark.parametrize("name", MACHINES)
def test_a_stub_is_small(name: str) -> None:
    assert len((FOLDER / f"{name}.bin").read_bytes()) < 1280


@pytest.fixture(scope="module", params=LAYOUTS)
def app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a program in one layout, and a loader for it."""
    folder = tmp_path_factory.mktemp("app")
    make_program(folder, *LAYOUTS[request.param])
    (folder / "lib").mkdir()
    loader = next(path for name, path in libraries_of(folder / "app").items() if name.startswith("ld"))
    shutil.copy(loader, folder / "lib/ld.so")
    return folder


def plan_or_skip(data: bytes) -> bytes:
    """The file with a name stub; some layouts have no room."""
    try:
        return patched(data, NAMED)
    except CannotPatch as error:
        pytest.skip(f"this layout has no room: {error}")


def test_a_program_of_any_layout_runs_with_a_name_stub(app: Path, tmp_path: Path) -> None:
    shutil.copytree(app, tmp_path / "copy")
    program = tmp_path / "copy/app"
    program.write_bytes(plan_or_skip(program.read_bytes()))
    assert run(program) == EXPECTED.format(1)
    assert image_of(program).finds_itself and image_of(program).own_loader is None


def test_a_program_of_any_layout_runs_with_both_stubs(app: Path, tmp_path: Path) -> None:
    shutil.copytree(app, tmp_path / "copy")
    program = tmp_path / "copy/app"
    edit(program, BOTH)
    assert run(program) == EXPECTED.format(1)
    image = image_of(program)
    assert (image.finds_itself, image.own_loader) == (True, LOADER)
    (tmp_path / "copy/lib/ld.so").unlink()
    assert "cannot start with its loader" in run(program)


def test_each_is_taken_out_by_itself(app: Path) -> None:
    data = (app / "app").read_bytes()
    named, both, loader = plan_or_skip(data), patched(data, BOTH), patched(data, Edits(own_loader=LOADER))
    assert patched(both, Edits(own_loader=None)) == named
    assert patched(both, Edits(finds_itself=False)) == loader
    assert patched(both, Edits(own_loader=None, finds_itself=False)) == data
    assert patched(named, Edits(finds_itself=False)) == data
    assert patched(named, Edits(own_loader=LOADER)) == both == patched(loader, NAMED)
    for done, edits in (
        (named, NAMED),
        (both, BOTH),
        (both, NAMED),
        (named, Edits()),
        (data, Edits(finds_itself=False)),
    ):
        assert patched(done, edits) is done


def test_two_readers_agree_that_nothing_else_changed(app: Path) -> None:
    data = (app / "app").read_bytes()
    many = replace(BOTH, rpath="$ORIGIN/one:" + "$ORIGIN/" + "x" * 300, added=["libm.so.6"])
    for edits in (NAMED, BOTH, many, replace(many, own_loader=Edits().own_loader)):
        try:
            new = patched(data, edits)
        except CannotPatch:
            assert edits.own_loader is UNCHANGED, "there is always room for both"
            continue
        file = io.BytesIO(new)
        assert disagreements(read_image(file), file) == ()
        assert unasked(io.BytesIO(data), io.BytesIO(new), asked_of(edits)) == ()
        assert unasked(io.BytesIO(new), io.BytesIO(new), Asked()) == ()
        assert unasked(io.BytesIO(data), io.BytesIO(new), replace(asked_of(edits), finds_itself=False)) != ()
        assert unasked(io.BytesIO(new), io.BytesIO(data), asked_of(edits)) != ()


def _code(image: Image) -> int:
    assert image.stub is not None
    return image.stub.offset + image.stub.size - 50


def _entry(image: Image) -> int:
    assert image.stub is not None
    size = len(stubs.WantedStub(_stub(image), None, True).filled(0, 0, 0, 0))
    return image.stub.offset + image.stub.size - size + 16


def _size(image: Image) -> int:
    return _entry(image) + 8


def _stub(image: Image) -> stubs.Stub:
    found = stubs.stub_for(image.machine, image.elf_class, image.byteorder)
    assert found is not None
    return found


@pytest.mark.parametrize("edits", [NAMED, BOTH], ids=["named", "both"])
@pytest.mark.parametrize("place", [_code, _entry, _size])
def test_the_second_reader_sees_each_change_of_the_stub(
    tmp_path: Path, edits: Edits, place: Callable[[Image], int]
) -> None:
    source = make_program(tmp_path).read_bytes()
    data = bytearray(patched(source, edits))
    data[place(read_image(io.BytesIO(data)))] ^= 1
    assert unasked(io.BytesIO(source), io.BytesIO(bytes(data)), asked_of(edits)) != ()


def test_where_there_is_no_room_it_is_refused_and_no_segment_made(tmp_path: Path) -> None:
    data = bytearray(make_program(tmp_path).read_bytes())
    image = read_image(io.BytesIO(data))
    code = next(s for s in image.segments if s.type == c.PT_LOAD and s.flags == c.PF_R | c.PF_X)
    data[code.offset + code.filesz + 300] = 1  # somebody's
    with pytest.raises(CannotPatch, match="T1: the entry stub needs"):
        patched(bytes(data), NAMED)
    file = io.BytesIO(data)
    plan = plan_patch(file, read_image(file), BOTH)
    assert plan is not None and plan.tier is Tier.T3 and any(isinstance(piece, Literal) for piece in plan.patch.pieces)


def test_libraries_and_static_programs_are_refused(tmp_path: Path) -> None:
    for data in (
        make_library(tmp_path / "lib.so", 1).read_bytes(),
        compile_c(SAYS, tmp_path / "static", "-static").read_bytes(),
    ):
        with pytest.raises(NotDynamic):
            patched(data, NAMED)


@pytest.mark.parametrize("machine", SETS, ids=str)
def test_programs_of_other_machines_get_a_stub_or_a_reason(machine: Set) -> None:
    for path in machine.programs():
        data = path.read_bytes()
        image = read_image(io.BytesIO(data))
        if stubs.stub_for(image.machine, image.elf_class, image.byteorder) is not None:
            assert image.elf_class in ElfClass
            new = patched(data, BOTH)
            assert unasked(io.BytesIO(data), io.BytesIO(new), asked_of(BOTH)) == ()
            assert patched(new, Edits(own_loader=None, finds_itself=False)) == data
        else:
            with pytest.raises(CannotPatch, match="there is no entry stub for"):
                patched(data, NAMED)


@pytest.fixture(scope="module", params=[NAMED, BOTH], ids=["named", "both"])
def says(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that prints its `argv[0]`, as bin/says of a folder."""
    folder = tmp_path_factory.mktemp("says")
    (folder / "bin").mkdir()
    program = compile_c(SAYS, folder / "bin/says")
    (folder / "lib").mkdir()
    shutil.copy(
        next(path for name, path in libraries_of(program).items() if name.startswith("ld")), folder / "lib/ld.so"
    )
    edit(program, replace(request.param, own_loader=f"../{LOADER}") if request.param is BOTH else NAMED)
    return program


def said(
    program: Path, name: str, env: dict[str, str] | None = None, told: str | Path = "", cwd: str | Path = "/"
) -> str:
    """The `argv[0]` that the program sees, which was started as `name`, by the kernel's word for it `told`."""
    done = subprocess.run(
        [name], executable=str(told or program), env=env or {}, cwd=cwd, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout[:-1]


def test_a_name_that_leads_elsewhere_becomes_the_way_to_the_program(says: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(says)
    (tmp_path / "says").write_text("no program")
    (tmp_path / "env").mkdir()
    (tmp_path / "env/says").symlink_to("/bin/true")
    for name in (
        "",
        "x",
        "says",
        "-says",
        "/bin/true",
        "bin/says",
        "../x",
        "/",
        "/nonexistent",
        "a" * 5000,
        "/" * 5000,
    ):
        for env in (
            {},
            {"PATH": ""},
            {"PATH": f"{tmp_path}/env:{says.parent}"},
            {"PATH": "x" * 9000},
            {"PATHS": "x", "X": ""},
        ):
            assert said(says, name, env) == str(says), (name, env)
            assert said(says, name, env, told=tmp_path / "link") == str(tmp_path / "link"), (name, env)
    assert said(says, "x", told="bin/says", cwd=says.parents[1]) == "bin/says"
    code = "import os, sys; os.chdir(sys.argv[1]); os.execve('says', ['x'], {})"
    assert start([sys.executable, "-c", code, says.parent]).stdout == "./says\n"


def test_a_name_that_leads_to_the_program_stays(says: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(says)
    (tmp_path / "says").write_text("not to be executed")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/says").mkdir()
    for name in (str(says), str(tmp_path / "link"), f"{says.parent}/../bin//says"):
        assert said(says, name) == name
    assert said(says, "bin/says", cwd=says.parents[1]) == "bin/says"
    for path in (
        f"{says.parent}",
        f"/nonexistent:{says.parent}/:/usr/bin",
        f"{tmp_path}:{tmp_path}/other:{says.parent}",
    ):
        assert said(says, "says", {"X": "1", "PATH": path, "Y": "2"}) == "says"
    for path in (":/usr/bin", "/usr/bin:", "/usr/bin::/bin", "bin:."):  # Python makes nothing of these
        assert said(says, "says", {"PATH": path}, cwd=says.parent) == str(says)


def test_a_file_that_is_gone_or_that_a_loader_was_given_is_left_alone(says: Path, tmp_path: Path) -> None:
    loader = image_of(says).interpreter or ""
    done = start([loader, says])
    assert done.stdout == f"{says}\n", done.stderr
    code = (
        "import os, sys; file = os.open(sys.argv[1], os.O_RDONLY | os.O_CLOEXEC)\n"
        "os.unlink(sys.argv[1]); os.execve(file, ['x'], {})"
    )
    shutil.copytree(says.parents[1], tmp_path / "copy")
    done = start(["python3", "-c", code, tmp_path / "copy/bin/says"], dict(os.environ))
    assert done.stdout == "x\n", done.stderr


def test_without_proc_only_names_without_a_slash_are_changed(says: Path, tmp_path: Path) -> None:
    shutil.copytree(says.parents[1], tmp_path / "app")
    for path in libraries_of(says).values():
        target = tmp_path / str(path)[1:]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
        shutil.copy(path, tmp_path / "app/lib")
    edit(tmp_path / "app/bin/says", Edits(rpath="$ORIGIN/../lib"))
    code = (
        "import os, sys; os.chroot(sys.argv[1]); os.chdir('/app');\n"
        "for name, told in [('x', '/app/bin/says'), ('/x', '/app/bin/says'), ('y', 'bin/says')]:\n"
        "    pid = os.fork()\n    if not pid: os.execve(told, [name], {})\n    os.waitpid(pid, 0)"
    )
    done = subprocess.run([*namespace(), "python3", "-c", code, tmp_path], capture_output=True, text=True, check=False)
    assert done.stdout == "/app/bin/says\n/x\nbin/says\n", done.stderr

"""Programs that choose their loader and find their own place: an entry stub of that kind with a name stub behind it."""

from __future__ import annotations

import io
import itertools
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from bundler.audit.readers.comparison import Asked, asked_of, disagreements, unasked
from bundler.binaries.elf import Edits, Image, plan_patch, read_image
from bundler.errors import CannotPatch
from tests.binaries.elf.patching import edit
from tests.binaries.elf.test_choosing_loader import KINDS, LIBC, choosing, release
from tests.material.elf_fixtures import SETS, Set
from tests.material.isolation import namespace
from tests.material.own_libc import ABOUT, RPATH, compile_program

NAMES = ("", "x", "about", "-about", "/bin/true", "../about", "/nonexistent/about")
BOTH = Edits(finds_itself=True, own_loader="../lib/ld.so", host_floor=(2, 36))


@pytest.fixture(scope="module", params=KINDS)
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that takes the loader of this machine, and has its own beside it."""
    made = choosing(tmp_path_factory.mktemp("both"), release(), *KINDS[request.param])
    edit(made, Edits(finds_itself=True))
    return made


def patched(data: bytes, edits: Edits) -> bytes:
    file = io.BytesIO(data)
    plan = plan_patch(file, read_image(file), edits)
    return data if plan is None else plan.patch.apply(data)


def told(lines: str) -> tuple[str, str]:
    """The name and the libc that a program tells of."""
    facts = dict(line.split(" ", 1) for line in lines.splitlines())
    return facts["name"], facts["libc"]


def check_names(program: Path, libc: str) -> None:
    for name in NAMES:
        done = subprocess.run([name], executable=program, env={}, cwd="/", capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (42, ""), name
        found, loaded = told(done.stdout)
        assert found == str(program), name
        assert (loaded == f"{program.parent}/{LIBC}/libc.so.6") is (libc == "own"), (name, loaded)
        assert "open 0" in done.stdout and "variable" not in done.stdout


def test_under_any_name_either_libc_is_chosen_and_the_place_found(program: Path, tmp_path: Path) -> None:
    check_names(program, "host")
    folder = Path(shutil.copytree(program.parents[1], tmp_path / "app"))
    major, minor = release()
    edit(folder / "bin/about", Edits(host_floor=(major, minor + 1)))
    check_names(folder / "bin/about", "own")
    edit(folder / "bin/about", Edits(host_floor=(2, 17)))
    check_names(folder / "bin/about", "host")


@pytest.mark.parametrize("host", [True, False])
def test_without_proc_a_name_without_a_slash_is_led_to_it(tmp_path: Path, host: bool) -> None:
    made = choosing(tmp_path / "app", release(), *KINDS["pie"])
    root = tmp_path / "root"
    shutil.copytree(made.parents[1], root / "app")
    edit(root / "app/bin/about", Edits(interpreter="/lib/ld-host.so", finds_itself=True))
    (root / "lib").mkdir()
    if host:
        for path in (root / "app/lib/libc").iterdir():
            shutil.copy(path, root / "lib")
        shutil.copy(root / "app/host/ld-host.so", root / "lib/ld-host.so")
    code = "import os, sys; os.chroot(sys.argv[1]); os.execve('/app/bin/about', ['x'], {})"
    done = subprocess.run([*namespace(), "python3", "-c", code, root], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (42, "")
    name, libc = told(done.stdout)
    assert name == "/app/bin/about" and libc.endswith("/app/bin/../lib/libc/libc.so.6") is not host
    assert "variable" not in done.stdout


def test_each_is_taken_out_and_put_in_again_in_any_order(tmp_path: Path) -> None:
    data = compile_program(ABOUT, tmp_path / "about", *KINDS["pie"]).read_bytes()
    parts = (Edits(finds_itself=True), Edits(own_loader="../lib/ld.so"), Edits(host_floor=(2, 36)))
    out = (Edits(finds_itself=False), Edits(host_floor=None), Edits(own_loader=None))
    both = patched(data, BOTH)
    for order in itertools.permutations(parts):
        if order.index(parts[1]) > order.index(parts[2]):
            continue  # there is nothing to choose from
        made = data
        for edits in order:
            made = patched(made, edits)
        assert made == both, order
    for order in itertools.permutations(out):
        made = both
        for edits in order:
            made = patched(made, edits)
        assert made == data, order
    named, plain = patched(data, parts[0]), patched(data, replace(BOTH, host_floor=None))
    assert patched(both, out[2]) == named and patched(both, out[1]) == plain
    assert patched(both, out[0]) == patched(data, replace(BOTH, finds_itself=False))
    for same in (Edits(), BOTH, *parts):
        assert patched(both, same) is both


def test_a_name_stub_alone_has_nothing_to_choose_from(tmp_path: Path) -> None:
    data = compile_program(ABOUT, tmp_path / "about", *KINDS["pie"]).read_bytes()
    for edits in (Edits(host_floor=(2, 36)), Edits(own_rpath="$ORIGIN/x")):
        for source in (data, patched(data, Edits(finds_itself=True))):
            with pytest.raises(CannotPatch, match="no loader of its own"):
                patched(source, edits)
        with pytest.raises(CannotPatch, match="no loader of its own"):
            patched(data, replace(edits, finds_itself=True))


def test_two_readers_agree_on_what_was_asked_for(program: Path) -> None:
    data = program.read_bytes()
    file = io.BytesIO(data)
    assert disagreements(read_image(file), file) == ()
    assert unasked(io.BytesIO(data), io.BytesIO(data), Asked()) == ()
    for edits in (
        Edits(host_floor=(2, 99)),
        Edits(host_floor=None),
        Edits(own_loader=None),
        Edits(own_rpath="$ORIGIN/else:" + "x" * 3000),
        Edits(own_loader="../lib/ld.so", rpath=f"{RPATH}:$ORIGIN/more"),
        Edits(finds_itself=False),
        Edits(added=["libm.so.6"], soname="libabout.so"),
    ):
        try:
            new = patched(data, edits)
        except CannotPatch as error:
            assert edits.own_loader is None and "page slack" in error.message, "there is always room for both"
            continue
        assert unasked(io.BytesIO(data), io.BytesIO(new), asked_of(edits)) == ()
        assert disagreements(read_image(io.BytesIO(new)), io.BytesIO(new)) == ()
        assert patched(new, edits) is new
        assert unasked(io.BytesIO(data), io.BytesIO(new), Asked()) != ()


def _places(image: Image) -> dict[str, int]:
    """Offsets of bytes of both stubs that must be what they are, by what they are."""
    stub = image.stub
    assert stub is not None
    naming = stub.offset + stub.parameters.entry - 40
    return {
        "the release": stub.offset + 14,
        "where the first one goes on to": stub.offset + 16,
        "code that chooses": stub.offset + stub.parameters.path - 50,
        "the loader's path": stub.offset + stub.parameters.path + 1,
        "magic of the name stub": naming,
        "a path of the name stub": naming + 12,
        "a release of the name stub": naming + 14,
        "the entry": naming + 16,
        "a size of the name stub": naming + 24,
        "code that finds its place": stub.offset + stub.size - 50,
    }


@pytest.mark.parametrize("machine", SETS, ids=str)
def test_the_second_reader_sees_each_change_of_either_stub(machine: Set) -> None:
    for path in machine.programs():
        data = path.read_bytes()
        try:
            both = patched(data, BOTH)
        except CannotPatch as error:
            assert "there is no entry stub for" in error.message
            return
        assert unasked(io.BytesIO(data), io.BytesIO(both), asked_of(BOTH)) == ()
        assert patched(both, Edits(own_loader=None, finds_itself=False)) == data
        for what, place in _places(read_image(io.BytesIO(both))).items():
            changed = bytearray(both)
            changed[place] ^= 1
            assert unasked(io.BytesIO(data), io.BytesIO(bytes(changed)), asked_of(BOTH)) != (), what
        kinds = patched(data, replace(BOTH, host_floor=None)), patched(data, replace(BOTH, host_floor=(2, 37)))
        for other in kinds:
            assert unasked(io.BytesIO(data), io.BytesIO(other), asked_of(BOTH)) != ()

"""Each operation on each committed fixture: every reader sees what was wished, and the program runs on its machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bundler.binaries.elf import Edits, PatchPlan, PathTag, Tier, plan_patch, read_image
from bundler.binaries.elf import constants as c
from bundler.errors import NotDynamic, PayloadInTheWay
from tests.binaries.elf.patching import edit, image_of
from tests.binaries.elf.readers import Names, agreed, faults, misplaced, readelf
from tests.binaries.elf.spread import spread
from tests.binaries.elf.strips import commands
from tests.material.elf_fixtures import EXPECTED, RUNPATH, SETS, WITHOUT_EXTRA, Set, lay_out
from tests.material.foreign_libc import LIBCS, Machine, emulated, machine_of

LONG = "$ORIGIN/two/libs:$ORIGIN/" + "/".join(["a long path that is not there"] * 5)
SHORT = "$ORIGIN/t"
ONE, TWO = EXPECTED.format("one"), EXPECTED.format("two")


@dataclass(frozen=True)
class Program:
    """A copy of a fixture (`app` and its folders, see `lay_out`) and what it was."""

    machine: Set
    layout: str
    app: Path
    names: Names

    @property
    def one(self) -> Path:
        """The folder of libraries in which it looks; those in `two/libs` are for another path to find."""
        return self.app.parent / "one"

    def edit(self, edits: Edits, app: Path | None = None) -> PatchPlan:
        """Patch it; nothing that a reader checks may be worse than before."""
        app = app or self.app
        page = c.PAGE_SIZES.get(self.machine.machine, 4096)
        before = faults(app), misplaced(app, page)
        done = edit(app, edits)
        assert faults(app) <= before[0]
        assert misplaced(app, page) == before[1]
        readelf(app, "-lSsrV", "--dyn-syms")
        return done

    def now(self) -> Names:
        """What all readers see."""
        return agreed(self.app)

    def run(self, **environment: str) -> str | None:
        """What it prints on its machine; None for machines of which only the layout is checked."""
        return machine_of(self.machine.name).run(self.app, **environment) if self.machine.name in LIBCS else None

    def prints(self, text: str, **environment: str) -> bool:
        """Whether it prints `text`, where it can be run at all."""
        return self.run(**environment) in (None, text)


def parameters() -> list[object]:
    """Every program; in the quick tier one of each machine."""
    return [
        pytest.param(
            (machine, layout), id=f"{machine}-{layout}", marks=[] if layout == "pie" else pytest.mark.everything
        )
        for machine in SETS
        for layout in machine.layouts
    ]


@pytest.fixture(params=parameters())
def program(request: pytest.FixtureRequest, tmp_path: Path) -> Program:
    machine, layout = request.param
    app = lay_out(machine, layout, tmp_path)
    (tmp_path / "t").symlink_to("two/libs")
    return Program(machine, layout, app, agreed(app))


def growth(program: Program) -> Tier:
    """The tier that has room for more strings."""
    match program.layout:
        case "large":
            return Tier.T3
        case "separate" | "separate-code" if program.machine.page >= c.PAGE_SIZES.get(program.machine.machine, 4096):
            return Tier.T1  # but not where a kernel with larger pages would map the next segment over it
        case _:
            return Tier.T2


def test_as_built_it_finds_its_libraries(program: Program) -> None:
    assert program.prints(ONE)
    shutil.rmtree(program.one)
    assert program.run() != ONE


def test_a_longer_search_path_finds_the_libraries(program: Program) -> None:
    shutil.rmtree(program.one)  # what is found now is found by the new path
    done = program.edit(Edits(LONG))
    assert done.tier is growth(program)
    assert program.now() == replace(program.names, rpath=LONG, runpath=None)
    assert program.prints(TWO)


def test_a_shorter_search_path_is_written_in_place(program: Program) -> None:
    shutil.rmtree(program.one)
    size = program.app.stat().st_size
    assert program.edit(Edits(SHORT)).tier is Tier.T0
    assert program.app.stat().st_size == size
    assert program.now() == replace(program.names, rpath=SHORT, runpath=None)
    assert program.prints(TWO)


def test_without_a_search_path_the_environment_decides(program: Program) -> None:
    assert program.edit(Edits(None)).tier is Tier.T0
    assert program.now() == replace(program.names, rpath=None, runpath=None)
    assert RUNPATH.encode() not in program.app.read_bytes()
    assert program.prints(TWO, LD_LIBRARY_PATH=str(program.app.parent / "two/libs"))


def test_the_tag_decides_over_the_environment(program: Program) -> None:
    libraries = str(program.app.parent / "two/libs")
    for tag, found in ((PathTag.RPATH, ONE), (PathTag.RUNPATH, TWO), (PathTag.RPATH, ONE)):
        before = program.now()
        if (before.rpath is None) is (tag is PathTag.RUNPATH):
            continue
        assert program.edit(Edits(RUNPATH, path_tag=tag)).tier is Tier.T0
        assert program.prints(found, LD_LIBRARY_PATH=libraries)


def test_an_added_library_is_loaded(program: Program) -> None:
    program.edit(Edits(added=["libadded.so"]))
    assert program.now() == replace(program.names, needed=[*program.names.needed, "libadded.so"])
    assert program.prints("added, " + ONE)
    (program.one / "libadded.so").unlink()
    assert not program.prints("added, " + ONE) or program.run() is None


def test_a_removed_library_is_not_asked_for(program: Program) -> None:
    assert program.edit(Edits(removed=["libextra.so"])).tier is Tier.T0
    (program.one / "libextra.so").unlink()
    needed = [name for name in program.names.needed if name != "libextra.so"]
    versions = {name: found for name, found in program.names.versions.items() if name != "libextra.so"}
    assert program.now() == replace(program.names, needed=needed, versions=versions)
    assert program.prints(WITHOUT_EXTRA.format("one"))
    program.edit(Edits(added=["libextra.so"]))
    shutil.copy(program.machine.folder / "libextra.so", program.one)
    assert program.prints(ONE)


@pytest.mark.parametrize("name", ["libw.so", "libwhich-with-a-much-longer-name.so"], ids=["shorter", "longer"])
def test_a_replaced_library_takes_its_versions_along(name: str, program: Program) -> None:
    new = (program.one / "libwhich.so").rename(program.one / name)
    program.edit(Edits(soname=name), new)
    assert agreed(new) == replace(agreed(program.machine.folder / "libwhich.so"), soname=name)
    done = program.edit(Edits(needed={"libwhich.so": name}))
    assert done.tier is (Tier.T0 if len(name) < len("libwhich.so") else growth(program))
    needed = [name if old == "libwhich.so" else old for old in program.names.needed]
    versions = {name if old == "libwhich.so" else old: found for old, found in program.names.versions.items()}
    assert program.now() == replace(program.names, needed=needed, versions=versions)
    assert program.prints(ONE)


def test_a_library_finds_its_own_dependency_by_its_new_path(program: Program) -> None:
    library = program.one / "libwhich.so"
    (program.one / "deep").rename(program.one / "deeper")
    assert not program.prints(ONE) or program.run() is None
    program.edit(Edits("$ORIGIN/" + "deeper/../" * 30 + "deeper"), library)
    assert program.prints(ONE)


@pytest.mark.parametrize("longer", [False, True], ids=["shorter", "longer"])
def test_another_interpreter_starts_the_program(longer: bool, program: Program) -> None:
    folder, _, name = program.machine.interpreter.rpartition("/")
    new = f"{folder}/..{folder}/..{folder}/{name}" if longer else f"/{name}"
    done = program.edit(Edits(interpreter=new))
    assert done.tier is (growth(program) if longer else Tier.T0)
    assert program.now() == replace(program.names, interpreter=new)
    if longer:
        assert program.prints(ONE)
    elif program.machine.name in LIBCS:
        with_loader = emulated(program.machine.name)
        assert "Could not open" in with_loader.run(program.app)
    program.edit(Edits(interpreter=program.machine.interpreter))
    assert program.now() == program.names
    assert program.prints(ONE)


def test_a_symbol_without_its_version_is_bound_by_name(program: Program) -> None:
    program.edit(Edits(unversioned=["extra"]))
    versions = {**program.names.versions, "libextra.so": ["EXTRA_0"]}
    assert program.now() == replace(program.names, versions=versions)
    assert program.prints(ONE)
    program.edit(Edits(unversioned=["extra_old"]))
    del versions["libextra.so"]
    assert program.now() == replace(program.names, versions=versions)
    assert program.prints(ONE)


def everything(program: Program) -> Edits:
    folder, _, name = program.machine.interpreter.rpartition("/")
    return Edits(
        rpath=LONG,
        added=["libadded.so"],
        removed=["libextra.so"],
        needed={"libwhich.so": "libwhich-with-a-much-longer-name.so"},
        soname="app.so.1",
        interpreter=f"{folder}/..{folder}/{name}",
    )


def test_all_operations_are_one_patch_and_the_second_time_none(program: Program) -> None:
    edits = everything(program)
    libraries = program.app.parent / "two/libs"
    shutil.rmtree(program.one)
    (libraries / "libextra.so").unlink()
    new = (libraries / "libwhich.so").rename(libraries / edits.needed["libwhich.so"])
    program.edit(Edits(soname=new.name), new)
    assert program.edit(edits).tier in (Tier.T2, Tier.T3, growth(program))
    image = image_of(program.app)
    assert (image.soname, image.interpreter, image.rpath) == (edits.soname, edits.interpreter, LONG)
    assert program.prints("added, " + WITHOUT_EXTRA.format("two"))
    with program.app.open("rb") as file:
        assert plan_patch(file, image, edits) is None


def test_a_payload_behind_the_program_stays_whole(program: Program) -> None:
    payload = b"PAYLOAD" * 1000
    program.app.write_bytes(program.app.read_bytes() + payload)
    assert program.edit(Edits(SHORT)).tier is Tier.T0
    before = program.app.read_bytes()
    assert before.endswith(payload)
    assert program.prints(TWO)
    if growth(program) is Tier.T1:  # the file keeps its size
        assert program.edit(Edits(LONG)).tier is Tier.T1
        assert program.app.read_bytes().endswith(payload)
    else:
        with pytest.raises(PayloadInTheWay, match=f"{len(payload)} bytes follow"):
            program.edit(Edits(LONG))
        assert program.app.read_bytes() == before
    assert program.prints(TWO)


def test_growth_again_and_again_keeps_working(program: Program) -> None:
    sizes = []
    for number in range(1, 13):
        folder, _, name = program.machine.interpreter.rpartition("/")
        program.edit(Edits(LONG + ":$ORIGIN/again" * number, interpreter=f"{folder}{'/' * number}/{name}"))
        sizes.append(program.app.stat().st_size)
    assert program.prints(TWO)
    # Beyond the first: the text itself twice, and what it is rounded up to, but not a page for each edit.
    assert sizes[-1] - sizes[0] < 2 * 12 * len(":$ORIGIN/again/") + 4096
    agreed(program.app)


@pytest.mark.parametrize("path", [SHORT, LONG], ids=["shorter", "longer"])
def test_a_stripped_program_still_runs(path: str, program: Program) -> None:
    """Where the program as it was built does, after the same command."""
    original = program.app.read_bytes()
    done = program.edit(Edits(path))
    if done.tier is Tier.T3:
        assert "must not be stripped" in done.explanation
        return
    page = c.PAGE_SIZES.get(program.machine.machine, 4096)
    patched, proofs = program.app.read_bytes(), []
    for strip, command in commands(program.machine.name).items():
        program.app.write_bytes(original)
        if subprocess.run([*command, program.app], capture_output=True, check=False).returncode == 0:
            assert program.prints(ONE)
            places = misplaced(program.app, page)
            program.app.write_bytes(patched)
            subprocess.run([*command, program.app], check=True)
            assert agreed(program.app).rpath == path
            assert misplaced(program.app, page) == places
            assert program.prints(TWO)
            proofs.append(strip)
    assert len(proofs) == 5 or program.machine.name == "loongarch64"
    assert {"llvm-strip", "eu-strip"} <= {*proofs}


def test_a_library_has_no_interpreter(program: Program) -> None:
    with (program.one / "libextra.so").open("rb") as file, pytest.raises(NotDynamic, match="PT_INTERP"):
        plan_patch(file, read_image(file), Edits(interpreter="/lib/ld.so"))


@pytest.mark.parametrize("layout", ["pie", "fixed"])
@pytest.mark.parametrize("machine", [each for each in SETS if each.page == 65536], ids=str)
def test_page_slack_of_64_kib_is_used(machine: Set, layout: str, tmp_path: Path) -> None:
    app = lay_out(machine, layout, tmp_path)
    app.write_bytes(spread(app.read_bytes()))
    program = Program(machine, layout, app, agreed(app))
    assert program.prints(ONE)
    assert misplaced(app, 65536) == []
    size = app.stat().st_size
    shutil.rmtree(program.one)
    assert program.edit(Edits(LONG + ":$ORIGIN/" + "x" * 30000)).tier is Tier.T1
    assert program.edit(Edits(LONG)).tier is Tier.T0
    assert program.edit(Edits(LONG + ":$ORIGIN/" + "x" * 40000)).tier is Tier.T1
    assert app.stat().st_size == size
    assert misplaced(app, 65536) == []
    assert program.now() == replace(program.names, rpath=LONG + ":$ORIGIN/" + "x" * 40000, runpath=None)
    assert program.prints(TWO)


@pytest.mark.parametrize("machine", [each for each in SETS if each.name in LIBCS], ids=str)
def test_this_machine_and_qemu_agree(machine: Set, tmp_path: Path) -> None:
    """A program with the new path, started by qemu with Debian's libc, whatever this machine is."""
    app = lay_out(machine, "pie", tmp_path)
    shutil.rmtree(tmp_path / "one")
    edit(app, Edits(LONG))
    assert emulated(machine.name).run(app) == TWO
    if machine.name == os.uname().machine:
        assert Machine(()).run(app) == TWO


def test_a_mips_program_still_names_its_debugger_word(tmp_path: Path) -> None:
    machine = next(each for each in SETS if each.name == "mips")
    for layout in machine.layouts:
        app = lay_out(machine, layout, tmp_path / layout)
        places = []
        for change in (None, Edits(LONG), Edits(added=[f"lib{number}.so" for number in range(9)])):
            if change is not None:
                edit(app, change)
            image = image_of(app)
            place = next(segment.vaddr for segment in image.segments if segment.type == c.PT_DYNAMIC)
            numbers = [number for number, entry in enumerate(image.dynamic or ()) if entry.tag == c.DT_MIPS_RLD_MAP_REL]
            places += [(place + 8 * number + (image.dynamic or ())[number].value) % (1 << 32) for number in numbers]
        assert len(places) == 3
        assert len({*places}) == 1

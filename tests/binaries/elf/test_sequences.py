"""Any program, linked anyhow, edited again and again: after each step every reader sees what was wished, and the program runs."""

from __future__ import annotations

import functools
import re
import subprocess
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bundler.binaries.elf import UNCHANGED, Edits, PathTag, Tier, Unchanged, plan_patch, read_image
from bundler.binaries.elf import constants as c
from tests.binaries.elf.linked import LINKERS, Link, library, native, program
from tests.binaries.elf.patching import edit
from tests.binaries.elf.readers import Names, agreed, faults, misplaced, readelf
from tests.binaries.elf.strips import commands
from tests.material.elf_fixtures import EXPECTED, PLACES, SETS, Set, lay_out, set_of
from tests.material.foreign_libc import LIBCS, Machine, machine_of

WHICH = ("libwhich.so", "libw.so", "libwhich-with-a-much-longer-name.so")
"""Names under which the library can be found in each place."""
VERSIONS = {"which": "VERS_1", "extra": "EXTRA_1", "extra_old": "EXTRA_0"}
"""The version of each symbol that may lose it."""
PATHS = st.lists(
    st.sampled_from(["$ORIGIN/one", "$ORIGIN/two/libs"]) | st.integers(1, 3000).map(lambda n: "$ORIGIN/" + "n" * n),
    max_size=4,
)


@dataclass(frozen=True)
class Step:
    """What one set of edits asks for, before it is known which names the file has. None: nothing."""

    path: tuple[str, ...] | None
    tag: PathTag
    which: str | None
    extra: bool | None
    """Whether libextra.so shall be needed."""
    added: bool | None
    """The same for libadded.so."""
    soname: int | None
    """How long the name is."""
    slashes: int | None
    """How many the interpreter's path has in place of the last."""
    unversioned: frozenset[str]

    def edits(self, names: Names, interpreter: str) -> Edits:
        """The edits of a file with these names."""
        old = next(name for name in names.needed if name in WHICH)
        asked = {"libextra.so": self.extra, "libadded.so": self.added}
        folder, _, loader = interpreter.rpartition("/")
        return Edits(
            rpath=UNCHANGED if self.path is None else ":".join(self.path),
            path_tag=self.tag,
            needed={} if self.which in (None, old) else {old: str(self.which)},
            added=[name for name, wanted in asked.items() if wanted],
            removed=[name for name, wanted in asked.items() if wanted is False],
            soname=UNCHANGED if self.soname is None else "s" * self.soname,
            interpreter=UNCHANGED if self.slashes is None else folder + "/" * self.slashes + loader,
            unversioned=self.unversioned,
        )


STEPS = st.builds(
    Step,
    path=st.none() | PATHS.map(tuple),
    tag=st.sampled_from(PathTag),
    which=st.none() | st.sampled_from(WHICH),
    extra=st.none() | st.booleans(),
    added=st.none() | st.booleans(),
    soname=st.none() | st.integers(1, 300),
    slashes=st.none() | st.integers(1, 300),
    unversioned=st.just(frozenset[str]()) | st.frozensets(st.sampled_from([*VERSIONS])),
)
LINKS = st.builds(
    Link,
    linker=st.sampled_from([*LINKERS]),
    fixed=st.booleans(),
    page=st.sampled_from([4096, 65536, 2 << 20]),
    separate_code=st.booleans(),
    hash_style=st.sampled_from(["sysv", "gnu", "both"]),
    relr=st.booleans(),
    now=st.booleans(),
    old_tags=st.booleans(),
    spare=st.booleans(),
    exported=st.booleans(),
    symbols=st.booleans(),
).filter(Link.possible)
FIXTURES = [(each.name, layout) for each in SETS if each.name in LIBCS for layout in each.layouts]


def wished(names: Names, edits: Edits) -> Names:
    """What `names` become: the specification of the patcher, in a few lines."""
    removed = {*edits.removed} & {*names.needed}
    renamed = edits.needed
    needed = [renamed.get(name, name) for name in names.needed if name not in removed]
    gone = {VERSIONS[symbol] for symbol in edits.unversioned}
    left = {renamed.get(of, of): [v for v in found if v not in gone] for of, found in names.versions.items()}
    changed = Names(
        needed + [name for name in edits.added if name not in needed], names.rpath, names.runpath,
        names.soname if isinstance(edits.soname, Unchanged) else edits.soname,
        names.interpreter if isinstance(edits.interpreter, Unchanged) else edits.interpreter,
        {of: found for of, found in left.items() if found and of not in removed},
    )  # fmt: skip
    if isinstance(edits.rpath, Unchanged):
        return changed
    path = edits.rpath or None
    rpath = edits.path_tag is PathTag.RPATH
    return replace(changed, rpath=path if rpath else None, runpath=None if rpath else path)


def first_place(path: str | None) -> str | None:
    """The first of PLACES on a search path."""
    found = [element.removeprefix("$ORIGIN/") for element in (path or "").split(":")]
    return next((element for element in found if element in PLACES), None)


def expected(names: Names, environment: bool) -> tuple[str | None, str]:
    """The place of the libraries, None where they are not found, and what the program prints."""
    place = first_place(names.rpath) or (environment and "environment") or first_place(names.runpath)
    text = EXPECTED if "libextra.so" in names.needed else EXPECTED.replace("extra 3 4", "extra 0 0")
    added = "added, " if "libadded.so" in names.needed else ""
    return place or None, added + text.format(PLACES[place].decode() if place else "")


def check_run(machine: Machine, app: Path, names: Names) -> None:
    """The program finds its libraries where `names` say, with and without a folder on LD_LIBRARY_PATH."""
    for environment in (False, True):
        variables = {"LD_LIBRARY_PATH": str(app.parent / "environment")} if environment else {}
        place, text = expected(names, environment)
        assert machine.run(app, **variables) == text if place else "cannot open" in machine.run(app, **variables)


def check_loaded(machine: Machine, app: Path, names: Names) -> None:
    """The loader itself lists the libraries that are needed, each where it should lie, and no other of ours."""
    variables = {"LD_LIBRARY_PATH": str(app.parent / "environment"), "LD_TRACE_LOADED_OBJECTS": "1"}
    listed = dict(re.findall(r"^\t(\S+) => (\S+) \(", machine.run(app, **variables), re.MULTILINE))
    place = app.parent / str(expected(names, True)[0])
    ours = {name: f"{place}/{name}" for name in names.needed if name.startswith(("libw", "libextra", "libadded"))}
    found = {name: path for name, path in listed.items() if path.startswith(str(app.parent))}
    assert found == {**ours, "libinner.so": f"{place}/deep/libinner.so"}


def check_stripped(machine: Machine, name: str, app: Path, original: bytes, names: Names) -> None:
    """The program still runs after each of the programs that remove symbols."""
    patched = app.read_bytes()
    for command in commands(name).values():
        app.write_bytes(original)
        done = subprocess.run([*command, app], capture_output=True, check=False)
        # Not each of them knows every machine and linker: what it breaks by itself proves nothing.
        harmless = done.returncode == 0 and machine.run(app) == EXPECTED.format("one")
        app.write_bytes(patched)
        if harmless:
            subprocess.run([*command, app], check=True)
            check_run(machine, app, names)
            app.write_bytes(patched)


def edited(machine: Set, original: bytes, steps: list[Step], strip: bool = True) -> None:
    """Edit a program step by step, and check it after each."""
    runner = machine_of(machine.name)
    with tempfile.TemporaryDirectory(prefix="sequence-") as folder:
        app = lay_out(machine, "pie", Path(folder))
        app.write_bytes(original)
        for place in PLACES:
            for name in WHICH[1:]:
                (app.parent / place / name).symlink_to("libwhich.so")
        page = c.PAGE_SIZES.get(machine.machine, 4096)
        names, before, places, strippable = agreed(app), faults(app), misplaced(app, page), True
        for step in steps:
            edits = step.edits(names, machine.interpreter)
            names = wished(names, edits)
            with app.open("rb") as file:
                changes = plan_patch(file, read_image(file), edits) is not None
            if changes:
                strippable &= edit(app, edits).tier is not Tier.T3
            assert agreed(app) == names
            assert faults(app) <= before
            assert misplaced(app, page) == places
            readelf(app, "-lSsrV", "--dyn-syms")
            check_run(runner, app, names)
            with app.open("rb") as file:
                assert plan_patch(file, read_image(file), edits) is None
        check_loaded(runner, app, names)
        if strip and strippable:
            check_stripped(runner, machine.name, app, original, names)


def suited(link: Link, steps: list[Step]) -> list[Step]:
    """Steps after which the program can run: mold 1.10 makes weak symbols strong ones where a library has them."""
    return [replace(step, extra=step.extra or None) if link.linker == "mold" else step for step in steps]


# Each example takes tens of processes: what fails is shown as it was drawn, and not made smaller for minutes.
profile = functools.partial(
    settings, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate], suppress_health_check=[*HealthCheck]
)


@given(link=LINKS, steps=st.lists(STEPS, min_size=1, max_size=6))
@profile(max_examples=25)
def test_a_program_of_this_machine_stays_whole(link: Link, steps: list[Step]) -> None:
    edited(native(), program(link), suited(link, steps))


@given(fixture=st.sampled_from(FIXTURES), steps=st.lists(STEPS, min_size=1, max_size=6))
@profile(max_examples=25)
def test_a_program_of_another_machine_stays_whole(fixture: tuple[str, str], steps: list[Step]) -> None:
    name, layout = fixture
    edited(set_of(name), (set_of(name).folder / layout).read_bytes(), steps)


@pytest.mark.everything
@given(link=LINKS, steps=st.lists(STEPS, min_size=1, max_size=6))
@profile(max_examples=150)
def test_many_programs_of_this_machine_stay_whole(link: Link, steps: list[Step]) -> None:
    edited(native(), program(link), suited(link, steps))


@pytest.mark.everything
@given(fixture=st.sampled_from(FIXTURES), steps=st.lists(STEPS, min_size=1, max_size=6))
@profile(max_examples=100)
def test_many_programs_of_other_machines_stay_whole(fixture: tuple[str, str], steps: list[Step]) -> None:
    name, layout = fixture
    edited(set_of(name), (set_of(name).folder / layout).read_bytes(), steps)


@given(
    link=LINKS, steps=st.lists(st.tuples(PATHS, st.integers(1, 300), st.sampled_from(PathTag)), min_size=1, max_size=6)
)
@profile(max_examples=25)
def test_a_library_of_this_machine_stays_whole(link: Link, steps: list[tuple[list[str], int, PathTag]]) -> None:
    with tempfile.TemporaryDirectory(prefix="sequence-") as folder:
        app = lay_out(native(), "pie", Path(folder))
        which = app.parent / "one/libwhich.so"
        which.write_bytes(library(replace(link, fixed=False)))
        names, before = agreed(which), faults(which)
        for path, length, tag in steps:
            edits = Edits(":".join([*path, "$ORIGIN/deep"]), soname="s" * length, path_tag=tag, added=["libextra.so"])
            with which.open("rb") as file:
                changes = plan_patch(file, read_image(file), edits) is not None
            if changes:
                edit(which, edits)
            names = wished(names, edits)
            assert agreed(which) == names
            assert faults(which) <= before
            assert machine_of("x86_64").run(app) == EXPECTED.format("one")
        for command in commands("x86_64").values():
            subprocess.run([*command, which], check=True)
            assert machine_of("x86_64").run(app) == EXPECTED.format("one")

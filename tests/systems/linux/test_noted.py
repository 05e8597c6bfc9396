"""What files say that they open at run time comes along, if more than suggested, as its own `dlopen` would find it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from bundler.binaries.elf import read_image
from bundler.binaries.elf.dlopen_notes import DlopenEntry, Priority, dlopen_entries
from bundler.systems.libraries import NotedLibrary, Outcome
from bundler.systems.linux.closure import Closure
from tests.binaries.elf.notes import DLOPEN_TYPE, dlopen_note, note, opens
from tests.binaries.elf.programs import compile_c
from tests.systems.linux.test_closure import MODULE, RPATH, Machine, places


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    made.python()
    return made


def outcomes(closure: Closure) -> dict[str, tuple[Outcome, str | None]]:
    """What became of each entry, by its first name."""
    return {noted.sonames[0]: (noted.outcome, noted.library) for noted in closure.facts.noted}


def test_required_and_recommended_ones_come_along_with_what_they_need_and_suggested_ones_are_told(
    machine: Machine,
) -> None:
    inner = machine.library("host/libinner.so.1")
    for name in ("librequired.so.1", "librecommended.so.1", "libsilent.so.1"):
        machine.library(f"host/{name}", inner)
    machine.library("host/libsuggested.so.1")
    machine.module(
        text=dlopen_note(
            opens(["librequired.so.1"], "required", "core"),
            opens(["librecommended.so.1"], "recommended"),
            opens(["libsilent.so.1"]),
            opens(["libsuggested.so.1"], "suggested"),
            opens(["libabsent.so.1"], "required"),
        )
    )
    closure = machine.closure()
    come = ("libinner.so.1", "librecommended.so.1", "librequired.so.1", "libsilent.so.1")
    assert [*places(closure)] == [f"lib/bundled/{name}" for name in come]
    needed_by = {library.path: library.needed_by for library in closure.facts.bundled}
    assert needed_by["lib/bundled/librequired.so.1"] == (MODULE,)
    assert outcomes(closure) == {
        "librequired.so.1": (Outcome.BUNDLED, "lib/bundled/librequired.so.1"),
        "librecommended.so.1": (Outcome.BUNDLED, "lib/bundled/librecommended.so.1"),
        "libsilent.so.1": (Outcome.BUNDLED, "lib/bundled/libsilent.so.1"),
        "libsuggested.so.1": (Outcome.LEFT_OUT, None),
        "libabsent.so.1": (Outcome.MISSING, None),
    }
    assert closure.facts.noted[0] == NotedLibrary(
        MODULE, ("librequired.so.1",), "required", "core", Outcome.BUNDLED, "lib/bundled/librequired.so.1"
    )
    assert [*closure.facts.missing] == []


@pytest.mark.parametrize("there", [(1, 2), (2,), (3,)])
def test_the_first_that_is_there_is_taken(machine: Machine, there: tuple[int, ...]) -> None:
    for number in there:
        machine.library(f"host/libmany.so.{number}")
    machine.module(text=dlopen_note(opens([f"libmany.so.{number}" for number in (1, 2, 3)], "required")))
    assert [*places(machine.closure())] == [f"lib/bundled/libmany.so.{there[0]}"]


def test_it_is_found_by_the_search_path_of_what_brings_the_file_that_opens_it(machine: Machine) -> None:
    machine.library("side/libaside.so.1")
    text = dlopen_note(opens(["libaside.so.1"]))
    first = machine.library("host/libfirst.so.1", text=text)
    machine.module(first, flags=(f"{RPATH},{machine.folder}/side",))
    closure = machine.closure()
    assert [*places(closure)] == ["lib/bundled/libaside.so.1", "lib/bundled/libfirst.so.1"]


def test_a_library_of_the_environment_stays_where_it_is(machine: Machine) -> None:
    machine.module(path="lib/python3.12/own/libown.so.1", soname="libown.so.1")
    text = dlopen_note(opens(["libown.so.1"], "suggested"))
    machine.module(path="lib/python3.12/own/opener.so", flags=(f"{RPATH},$ORIGIN",), text=text)
    closure = machine.closure()
    assert places(closure) == {}
    assert outcomes(closure) == {"libown.so.1": (Outcome.BUNDLED, "lib/python3.12/own/libown.so.1")}


@pytest.mark.parametrize("excluded", [frozenset(), frozenset({"libmine.so.1"})])
def test_what_belongs_to_the_host_or_is_left_to_it_does_not_come_along(
    machine: Machine, excluded: frozenset[str]
) -> None:
    machine.excluded = excluded
    for name in ("libmine.so.1", "libother.so.1"):  # the driver's is the target's, be it here or not
        machine.library(f"host/{name}")
    machine.module(text=dlopen_note(opens(["libGL.so.1", "libother.so.1"], "required"), opens(["libmine.so.1"])))
    closure = machine.closure()
    assert [*places(closure)] == ([] if excluded else ["lib/bundled/libmine.so.1"])
    assert "libGL.so.1" in closure.facts.host
    assert outcomes(closure)["libGL.so.1"] == (Outcome.HOST, None)


def test_in_a_finished_bundle_nothing_more_is_looked_for(machine: Machine) -> None:
    machine.follows_notes = False
    machine.library("host/liblate.so.1")
    machine.module(text=dlopen_note(opens(["liblate.so.1"], "required")))
    closure = machine.closure()
    assert (places(closure), closure.facts.noted) == ({}, ())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no JSON", ()),
        ("[" * 90000, ()),
        ('{"soname": ["liba.so"]}', ()),
        ('[3, {"soname": "liba.so"}, {"soname": []}, {"soname": [3, "/etc/liba.so", "", "a\\u0007"]}]', ()),
        (
            '[{"soname": ["liba.so"], "priority": "urgent", "feature": 3, "else": 1}]',
            (DlopenEntry(("liba.so",), Priority.RECOMMENDED, ""),),
        ),
    ],
    ids=["no JSON", "deep", "no list", "no names", "other values"],
)
def test_a_text_of_another_form_is_passed_over(tmp_path: Path, text: str, expected: tuple[DlopenEntry, ...]) -> None:
    made = compile_c(note(".note.dlopen", "FDO", DLOPEN_TYPE, text), tmp_path / "a.so", "-shared", "-fPIC", "-nostdlib")
    assert dlopen_entries(read_image(io.BytesIO(made.read_bytes()))) == expected


def test_several_notes_are_as_one(tmp_path: Path) -> None:
    names = [f"lib{number}.so" for number in range(3)]
    text = dlopen_note(opens(names[:1])) + dlopen_note(opens(names[1:2]), opens(names[2:]))
    made = compile_c(text, tmp_path / "a.so", "-shared", "-fPIC", "-nostdlib")
    image = read_image(io.BytesIO(made.read_bytes()))
    assert [entry.sonames[0] for entry in dlopen_entries(image)] == names

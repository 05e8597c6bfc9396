"""Chains of requesters, each a class of faults that somebody met: what the real loader loads in the source, and in the bundle."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bundler.binaries.elf import PathTag
from tests.plan.binaries.linux.comparing import Outcome, compare
from tests.plan.binaries.linux.graphs import SITE, Action, File, Graph, Import, Open, OpenFrom
from tests.plan.binaries.linux.kit import Header, Kit
from tests.plan.binaries.linux.worlds import World

A, B, C, D = "libqa.so.1", "libqb.so.1", "libqc.so.1", "libqd.so.1"
RPATH, RUNPATH = PathTag.RPATH, PathTag.RUNPATH


def library(path: str, *needs: str, soname: str | None = None, rpath: str = "", runpath: str = "") -> File:
    """A library, by default with its file's name as its own."""
    name = path.rpartition("/")[2] if soname is None else soname
    path_of_it = tuple(filter(None, [rpath or runpath]))
    return File(path, Header(name, needs, path_of_it, RUNPATH if runpath else RPATH))


def module(name: str, *needs: str, rpath: str = "", runpath: str = "") -> File:
    """A module of the environment."""
    return library(f"{SITE}/{name}.cpython-3.so", *needs, soname="", rpath=rpath, runpath=runpath)


def graph(*files: File, processes: tuple[tuple[Action, ...], ...], libpython: Header | None = None) -> Graph:
    """A source of these files."""
    modules = tuple(file for file in files if file.path.endswith(".cpython-3.so"))
    libraries = tuple(file for file in files if file not in modules)
    return Graph(Header(), libpython, libraries, modules, processes=processes)


def packed(kit: Kit, source: Graph) -> Outcome:
    """The source and its bundle, which must start."""
    outcome = compare(kit, source)
    assert outcome is not None
    assert outcome.graph == source, "something fails in the source"
    return outcome


@pytest.mark.parametrize("order", [(1,), (0, 1), (1, 0)])
def test_a_runpath_does_not_reach_what_its_library_needs(kit: Kit, order: tuple[int, ...]) -> None:
    """Two modules bring libqb of the host, which needs libqc of the host; beside one of them lies another libqc (cases A2)."""
    source = graph(
        library(f"host/{B}", C),
        library(f"host/{C}"),
        library(f"{SITE}/p/libs/{C}"),
        module("a", B),
        module("p/b", B, runpath="$ORIGIN/libs"),
        processes=(tuple(Import(number) for number in order),),
    )
    outcome = packed(kit, source)
    assert {0, 1} <= {*outcome.source[0][-1]}
    assert outcome.same
    assert not outcome.warned


def test_what_no_requester_needs_anew_is_not_patched(kit: Kit) -> None:
    """The same without the other libqc: only the interpreter and the module with the RUNPATH change."""
    source = graph(
        library(f"host/{B}", C),
        library(f"host/{C}"),
        module("a", B),
        module("p/b", B, runpath="$ORIGIN/libs"),
        processes=((Import(1),), (Import(0), Import(1))),
    )
    outcome = packed(kit, source)
    assert outcome.same
    assert outcome.changed == {"bin/python3", "lib/python3/site-packages/p/b.cpython-3.so"}


@pytest.mark.parametrize("tag", [RPATH, RUNPATH])
def test_what_a_module_opens_from_a_search_path_that_is_gone(kit: Kit, tag: PathTag) -> None:
    """(cases A3)"""
    opener = File(f"{SITE}/a.cpython-3.so", Header("", (), ("{root}/opt/one",), tag))
    source = graph(library(f"opt/one/{A}"), opener, processes=((Import(0), Open(0, A)),))
    outcome = packed(kit, source)
    assert outcome.source == [((), (1,), (1, 0))]
    assert outcome.same


@pytest.mark.parametrize("other", [False, True])
def test_what_a_module_opens_that_keeps_a_runpath_of_its_own(kit: Kit, other: bool) -> None:
    """It needs nothing, so its RUNPATH was left alone; but that cuts it off from the folder where the library is now."""
    files = [library(f"host/{A}"), module("p/a", runpath="$ORIGIN/libs")]
    files += [module("b", A)] if other else []
    source = graph(*files, processes=((Import(0), Open(0, A)),))
    outcome = packed(kit, source)
    assert outcome.source[0][-1][-1] == 0
    assert outcome.same


@pytest.mark.parametrize("needed", [(), (C,)])
def test_what_a_library_of_the_host_opens_from_a_folder_beside_it(kit: Kit, needed: tuple[str, ...]) -> None:
    """(cases A4)"""
    source = graph(
        library(f"host/{A}", *needed, runpath="$ORIGIN/plugins"),
        library(f"host/plugins/{B}"),
        library(f"host/{C}"),
        module("m", A),
        processes=((Import(0), OpenFrom(A, B)),),
    )
    outcome = packed(kit, source)
    assert outcome.source[0][-1][-1] == 1
    assert outcome.same


def test_what_a_library_opens_is_the_right_one_of_two_with_its_name(kit: Kit) -> None:
    source = graph(
        library(f"host/{A}", runpath="$ORIGIN/plugins"),
        library(f"host/plugins/{B}"),
        library(f"host/{B}"),
        module("m", A),
        module("n", B),
        processes=((Import(0), OpenFrom(A, B)), (Import(1), Import(0), OpenFrom(A, B)), (Import(0), Import(1))),
    )
    outcome = packed(kit, source)
    assert outcome.same
    assert not outcome.warned


def test_a_library_that_is_there_for_others_may_be_opened_by_its_name(kit: Kit) -> None:
    """Then nobody before it has what it needs, as its requester had, and its own RUNPATH cuts it off (seed 1052)."""
    source = graph(
        library(f"{SITE}/q/libs/{B}"),
        library(f"host/{B}"),
        library(f"host/{A}", B, runpath="$ORIGIN/libs"),
        module("m", A, B),
        module("n"),
        processes=((Import(1), Open(1, A)),),
    )
    assert packed(kit, source).same


def test_libpython_passes_nothing_on_to_modules(kit: Kit) -> None:
    """dlopen forgets its caller (seeds 111 and 294): the module finds the host's library, not that of libpython's DT_RPATH."""
    source = graph(
        library(f"opt/two/{B}"),
        library(f"host/{B}"),
        module("m", B),
        processes=((Import(0),),),
        libpython=Header("libpython3.so.1.0", (), ("{root}/opt/two",)),
    )
    outcome = packed(kit, source)
    assert outcome.source[0][-1][-1] == 1
    assert outcome.same


@pytest.mark.parametrize("own", [A, ""])
def test_a_whole_path_is_not_answered_by_a_name(kit: Kit, own: str) -> None:
    """A NEEDED that is a path leads to its file, though the requester, or another file, has that name (seeds 49 and 96)."""
    wrapper = library(f"{SITE}/q/libs/{A}", f"{{root}}/opt/one/{A}", soname=own)
    source = graph(
        library(f"opt/one/{A}"),
        wrapper,
        library(f"host/{A}"),
        module("q/m", A, rpath="$ORIGIN/libs"),
        module("n", A),
        processes=((Import(0),), (Import(1), Import(0)), (Import(0), Import(1))),
    )
    outcome = packed(kit, source)
    assert outcome.same
    assert not outcome.warned


def test_a_file_that_needs_a_path_and_its_name(kit: Kit) -> None:
    """The way to one file puts its folder before no other (seed 70)."""
    source = graph(
        library(f"host/{B}"),
        library(f"{SITE}/p/{B}", soname=""),
        module("m", f"{{root}}/{SITE}/p/{B}", B),
        processes=((Import(0),),),
    )
    outcome = packed(kit, source)
    assert len(outcome.source[0][-1]) == 3
    assert outcome.same


@pytest.mark.parametrize("opened", [(), (Open(0, C),)])
def test_what_the_source_has_beside_libpython_hides_nothing_of_the_host(kit: Kit, opened: tuple[Action, ...]) -> None:
    """The interpreter's path holds that folder in the bundle, and did not in the source (seeds 56 and 150)."""
    source = graph(
        library(f"base/lib/{A}", B, rpath="$ORIGIN"),
        library(f"base/lib/{B}", C),
        library(f"base/lib/{C}"),
        library(f"host/{C}"),
        module("m"),
        processes=((Import(0), *opened),),
    )
    outcome = packed(kit, source)
    assert outcome.same
    assert not outcome.warned


def test_what_is_opened_does_not_look_where_its_opener_does(kit: Kit) -> None:
    """The DT_RPATH of the module finds the library that it opens, and nothing that this needs."""
    source = graph(
        library(f"opt/one/{A}", B),
        library(f"opt/one/{B}"),
        library(f"host/{B}"),
        module("m", rpath="{root}/opt/one"),
        processes=((Import(0), Open(0, A)),),
    )
    outcome = packed(kit, source)
    assert outcome.source[0][-1] == (3, 0, 2)
    assert outcome.same
    assert not outcome.warned


def test_a_name_that_is_answered_already_is_not_searched(kit: Kit) -> None:
    """The first module needs libqc itself, so that is there before what libqa needs: no matter where this would look (seed 41)."""
    source = graph(
        library(f"{SITE}/p/libs/{C}"),
        library(f"host/{A}", C),
        library(f"host/{C}"),
        library(f"opt/one/{C}"),
        module("p/m", A, C, runpath="$ORIGIN/libs"),
        module("n", A, rpath="{root}/opt/one"),
        processes=((Import(0),), (Import(1),), (Import(0), Import(1)), (Import(1), Import(0))),
    )
    outcome = packed(kit, source)
    assert outcome.same
    assert not outcome.warned
    assert "lib/bundled/libqa.so.1" not in outcome.changed


def test_a_name_that_may_be_answered_by_another_file_is_searched(kit: Kit) -> None:
    """If libqc is another one already, then what the folder's libqc is called is not there (seed 2455)."""
    source = graph(
        library(f"opt/one/{C}"),
        library(f"{SITE}/q/libs/{B}"),
        library(f"{SITE}/q/libs/{C}", soname=B),
        library(f"path/{B}"),
        module("m", C, rpath="{root}/opt/one"),
        module("q/n", C, B, runpath="$ORIGIN/libs"),
        processes=((Import(0), Import(1)),),
    )
    outcome = packed(kit, replace(source, library_path=True))
    assert outcome.same


def test_a_library_that_only_one_search_path_finds_does_not_stand_in_for_another(kit: Kit) -> None:
    """In a numbered folder it has the names that lead there, and not its own: that is another file's (seed 59)."""
    source = replace(
        graph(
            library(f"host/{A}"),
            library(f"host/{B}"),
            library(f"opt/one/{A}"),
            module("q/m", B, A, rpath="{root}/opt/two"),
            module("p/n", B),
            processes=((Import(1), Import(0)), (Import(0),)),
        ),
        links=((f"opt/two/{B}", f"{{root}}/opt/one/{A}"),),
    )
    outcome = packed(kit, source)
    assert outcome.same
    assert not outcome.warned


def test_libraries_of_two_folders_with_several_meanings_do_not_share_a_folder(kit: Kit) -> None:
    """A search path that leads to one of them leads past the other, as in the source (seed 10827)."""
    source = replace(
        graph(
            library(f"host/{C}", B, A, rpath="{root}/opt/one"),
            library(f"host/{A}"),
            library(f"host/{B}", C),
            library(f"opt/two/{A}"),
            module("q/m", A, runpath="{root}/opt/two"),
            module("n", B),
            processes=((Import(1),), (Import(0),)),
        ),
        links=((f"opt/one/{B}", f"{{root}}/host/{C}"),),
    )
    outcome = packed(kit, source)
    assert outcome.same
    assert not outcome.warned


def test_a_library_does_not_lie_under_its_own_name_where_that_is_another_file(kit: Kit) -> None:
    """Two libraries of the host have one DT_SONAME; only one of them is found by it (seed 10860)."""
    source = graph(
        library(f"host/{B}"),
        library(f"host/{A}", soname=B),
        module("m", B),
        module("n", A),
        processes=((Import(0),), (Import(1),), (Import(0), Import(1)), (Import(1), Import(0))),
    )
    outcome = packed(kit, source)
    assert outcome.same
    assert not outcome.warned


def test_a_program_that_embeds_python_carries_the_path_for_its_modules(kit: Kit) -> None:
    """libpython's own is passed on to none of them."""
    program = File(f"{SITE}/r/prog", Header("", ("libpython3.so.1.0",), ("{root}/base/lib",)))
    source = replace(
        graph(library(f"host/{A}"), module("m", A), processes=((Import(0),),), libpython=Header("libpython3.so.1.0")),
        programs=(program,),
    )
    world = World(kit, source)
    world.source()
    plan = world.pack()
    folders = plan.changes["lib/python3/site-packages/r/prog"].rpath.split(":")
    assert folders == ["$ORIGIN/../../..", "$ORIGIN/../../../bundled"]

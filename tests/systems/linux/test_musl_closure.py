"""The closure by musl's rules, where they differ from glibc's."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundler.systems.libraries import InBundle, OnHost, Outcome
from bundler.systems.linux.musl import MUSL
from tests.binaries.elf.notes import dlopen_note, opens
from tests.systems.linux.test_closure import MODULE, RPATH, RUNPATH, Machine, needs, places
from tests.systems.linux.test_noted import outcomes


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path, loader=MUSL)


@pytest.mark.parametrize("path", [RPATH, RUNPATH])
def test_either_search_path_is_passed_on(machine: Machine, path: str) -> None:
    second = machine.library("side/libsecond.so.1")
    first = machine.library("side/libfirst.so.1", second)
    machine.python()
    machine.module(first, flags=(f"{path},{machine.folder}/side",))
    assert [*places(machine.closure())] == ["lib/bundled/libfirst.so.1", "lib/bundled/libsecond.so.1"]


def test_a_module_opens_what_the_program_finds_and_not_what_it_finds_itself(machine: Machine) -> None:
    for folder, name in (("of-module", "libnever.so.1"), ("of-program", "libfound.so.1")):
        machine.library(f"{folder}/{name}")
    machine.python(flags=(f"{RPATH},{machine.folder}/of-program",))
    text = dlopen_note(opens(["libnever.so.1"]), opens(["libfound.so.1"]))
    machine.module(flags=(f"{RPATH},{machine.folder}/of-module",), text=text)
    closure = machine.closure()
    assert outcomes(closure) == {
        "libnever.so.1": (Outcome.MISSING, None),
        "libfound.so.1": (Outcome.BUNDLED, "lib/bundled/libfound.so.1"),
    }


def test_every_part_of_a_libc_is_the_hosts_and_glibc_s_too(machine: Machine) -> None:
    names = ("libc.so", "libc.musl-x86_64.so.1", "libc.so.6", "libm.so.6")
    libraries = [machine.library(f"host/{name}") for name in names]
    machine.python()
    machine.module(*libraries)
    closure = machine.closure()
    assert places(closure) == {}
    assert needs(closure) == dict.fromkeys(names, OnHost())


def test_a_loader_that_comes_along_is_what_these_names_mean(machine: Machine) -> None:
    names = ("libc.so", "libc.musl-x86_64.so.1", "libm.so.6")
    libraries = [machine.library(f"elsewhere/{name}") for name in names]
    loader = machine.library("host/ld-musl-x86_64.so.1", soname="libc.so")
    machine.included = (str(loader),)
    machine.python()
    machine.module(*libraries)
    closure = machine.closure()
    assert places(closure) == {"lib/bundled/libc.so": ("lib/bundled/ld-musl-x86_64.so.1",)}
    assert needs(closure) == dict.fromkeys(names, InBundle("lib/bundled/libc.so"))
    assert closure.facts.host == ()
    assert MODULE in closure.facts.bundled[0].needed_by


def test_an_included_library_is_found_by_its_name_without_a_cache(machine: Machine) -> None:
    machine.library("host/libwanted.so.1")
    machine.included = ("libwanted.so.1",)
    machine.python()
    machine.module()
    assert [*places(machine.closure())] == ["lib/bundled/libwanted.so.1"]

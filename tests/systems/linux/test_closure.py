"""The closure of a small made-up machine: what comes along and under which names, what stays, what is not found."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bundler.binaries.elf import Image, read_image
from bundler.systems.libraries import InBundle, Location, Missing, OnHost, Preloaded
from bundler.systems.linux.closure import Closure, ClosureContext, ElfFile, find_closure
from bundler.systems.linux.glibc import GLIBC
from bundler.systems.linux.loader import Loader, SystemLibraries
from bundler.systems.linux.sysroot_libraries import SysrootLibraries
from tests.binaries.elf.programs import compile_c

PYTHON = "bin/python3.12"
MODULE = "lib/python3.12/lib-dynload/module.so"
RPATH = "-Wl,--disable-new-dtags,-rpath"
RUNPATH = "-Wl,--enable-new-dtags,-rpath"


def image_of(path: Path) -> Image:
    with open(path, "rb") as file:
        return read_image(file)


@dataclass
class Machine:
    """An environment in `env/`, which is the bundle's layout already, and a host whose only library folder is `host/`."""

    folder: Path
    binaries: list[ElfFile] = field(default_factory=list)
    excluded: frozenset[str] = frozenset()
    included: tuple[str, ...] = ()
    library_path: tuple[str, ...] = ()
    follows_notes: bool = True
    cache: dict[str, tuple[str, ...]] = field(default_factory=dict)
    loader: Loader = GLIBC

    def library(
        self, path: str, *needed: Path, soname: str | None = None, flags: tuple[str, ...] = (), text: str = ""
    ) -> Path:
        """A library that needs others; its SONAME is its file's name unless another is given, none where it is empty."""
        name = os.path.basename(path) if soname is None else soname
        named = (f"-Wl,-soname,{name}",) if name else ()
        needs = [str(library) for library in needed]
        linked = ("-shared", "-nostdlib", "-Wl,--no-as-needed,--allow-shlib-undefined")
        return compile_c(text, self.folder / path, *linked, *named, *flags, *needs)

    def python(self, *needed: Path, flags: tuple[str, ...] = ()) -> ElfFile:
        """The program that every module is loaded by."""
        path = self.folder / "env" / PYTHON
        linked = ("-nostartfiles", "-nodefaultlibs", "-Wl,--no-as-needed,--allow-shlib-undefined")
        compile_c("void _start(void) {}", path, *linked, *flags, *map(str, needed))
        return self._take(path)

    def module(
        self, *needed: Path, path: str = MODULE, flags: tuple[str, ...] = (), soname: str = "", text: str = ""
    ) -> ElfFile:
        return self._take(self.library(f"env/{path}", *needed, soname=soname, flags=flags, text=text))

    def _take(self, path: Path) -> ElfFile:
        binary = ElfFile(str(path.relative_to(self.folder / "env")), str(path), image_of(path))
        self.binaries.append(binary)
        return binary

    def closure(self) -> Closure:
        executable = next(binary for binary in self.binaries if binary.path == PYTHON)
        known = {binary.path for binary in self.binaries}
        environment = f"{self.folder}/env/"

        def bundle_path(path: str) -> str | None:
            inside = os.path.realpath(path).removeprefix(environment)
            return inside if inside in known else None

        system = SystemLibraries(self.cache, (f"{self.folder}/host",))
        files = SysrootLibraries(executable.image)
        context = ClosureContext(
            loader=self.loader,
            files=files,
            system=system,
            bundled_folder="lib/bundled",
            library_path=self.library_path,
            bundle_path=bundle_path,
            excluded=self.excluded,
            included=self.included,
            follows_notes=self.follows_notes,
        )
        return find_closure(self.binaries, executable, context)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def places(closure: Closure) -> dict[str, tuple[str, ...]]:
    """The bundled libraries and their aliases, by bundle path."""
    return {library.path: library.aliases for library in closure.facts.bundled}


def needs(closure: Closure, path: str = MODULE) -> dict[str, Location]:
    return dict(closure.facts.needs[path])


def test_a_library_of_the_host_comes_along_under_its_soname_with_what_it_needs(machine: Machine) -> None:
    second = machine.library("host/libsecond.so.1")
    first = machine.library("host/libfirst.so.1.2.3", second, soname="libfirst.so.1")
    (machine.folder / "host/libfirst.so.1").symlink_to("libfirst.so.1.2.3")
    machine.python()
    machine.module(first)
    closure = machine.closure()
    assert places(closure) == {"lib/bundled/libfirst.so.1": (), "lib/bundled/libsecond.so.1": ()}
    assert needs(closure) == {"libfirst.so.1": InBundle("lib/bundled/libfirst.so.1")}
    assert needs(closure, "lib/bundled/libfirst.so.1") == {"libsecond.so.1": InBundle("lib/bundled/libsecond.so.1")}
    assert [library.source for library in closure.facts.bundled] == [str(first), str(second)]
    assert [library.needed_by for library in closure.facts.bundled] == [(MODULE,), ("lib/bundled/libfirst.so.1",)]
    assert (closure.facts.host, closure.clashes) == ((), ())


def test_a_second_name_of_the_same_file_is_an_alias(machine: Machine) -> None:
    real = machine.library("host/libreal.so.1")
    (machine.folder / "host/libother.so.2").symlink_to("libreal.so.1")
    named = machine.library("linked/libother.so.2")
    machine.python()
    machine.module(real, named)
    closure = machine.closure()
    assert places(closure) == {"lib/bundled/libreal.so.1": ("lib/bundled/libother.so.2",)}
    assert needs(closure) == {
        "libreal.so.1": InBundle("lib/bundled/libreal.so.1"),
        "libother.so.2": InBundle("lib/bundled/libother.so.2"),
    }


def test_a_library_without_a_soname_keeps_the_name_that_was_asked_for(machine: Machine) -> None:
    nameless = machine.library("host/libnameless.so", soname="")
    machine.python()
    machine.module(nameless)
    closure = machine.closure()
    assert places(closure) == {"lib/bundled/libnameless.so": ()}
    assert needs(closure) == {str(nameless): InBundle("lib/bundled/libnameless.so")}


def test_two_files_of_one_soname_clash_and_both_come_along_where_only_their_own_requesters_look(
    machine: Machine,
) -> None:
    one = machine.library("one/libx.so.1")
    two = machine.library("two/libx.so.1")
    machine.python()
    machine.module(one, flags=(f"{RUNPATH},{one.parent}",), path="lib/a.so")
    machine.module(two, flags=(f"{RUNPATH},{two.parent}",), path="lib/b.so")
    machine.module(two, flags=(f"{RUNPATH},{two.parent}",), path="lib/c.so")
    closure = machine.closure()
    assert [(library.path, library.source) for library in closure.facts.bundled] == [
        ("lib/bundled/2/libx.so.1", str(one)),
        ("lib/bundled/3/libx.so.1", str(two)),
    ]
    assert needs(closure, "lib/a.so") == {"libx.so.1": InBundle("lib/bundled/2/libx.so.1")}
    assert (
        needs(closure, "lib/b.so") == needs(closure, "lib/c.so") == {"libx.so.1": InBundle("lib/bundled/3/libx.so.1")}
    )
    assert list(closure.clashes) == [("libx.so.1", str(one), str(two))]


def test_what_everybody_finds_lies_where_everybody_looks_and_not_what_a_search_path_finds_under_its_name(
    machine: Machine,
) -> None:
    private = machine.library("private/libx.so.1")
    machine.library("host/libx.so.1")
    machine.python()
    machine.module(private, flags=(f"{RUNPATH},{private.parent}",), path="lib/a.so")
    machine.module(private, path="lib/b.so")
    closure = machine.closure()
    assert needs(closure, "lib/a.so") == {"libx.so.1": InBundle("lib/bundled/2/libx.so.1")}
    assert needs(closure, "lib/b.so") == {"libx.so.1": InBundle("lib/bundled/libx.so.1")}


def test_two_files_that_one_name_means_do_not_get_one_place(machine: Machine) -> None:
    """Their SONAMEs differ, but not the name by which they are asked for."""
    one = machine.library("one/libx.so", soname="libx.so.1")
    two = machine.library("two/libx.so", soname="libx.so.2")
    three = machine.library("three/libx.so")
    linked = machine.library("linked/libx.so")
    machine.python()
    for name, library in (("a", one), ("b", two), ("c", three)):
        machine.module(linked, flags=(f"{RUNPATH},{library.parent}",), path=f"lib/{name}.so")
    closure = machine.closure()
    taken = {path: item.source for item in closure.facts.bundled for path in (item.path, *item.aliases)}
    assert sum(1 + len(item.aliases) for item in closure.facts.bundled) == len(taken)
    for name, library in (("a", one), ("b", two), ("c", three)):
        location = needs(closure, f"lib/{name}.so")["libx.so"]
        assert isinstance(location, InBundle)
        assert os.path.basename(location.path) == "libx.so"
        assert taken[location.path] == str(library)
    assert {clash[0] for clash in closure.clashes} == {"libx.so"}


def test_an_alias_does_not_take_the_place_of_another_file(machine: Machine) -> None:
    one = machine.library("one/libone.so.1")
    two = machine.library("two/libx.so.1")
    (one.parent / "libx.so.1").symlink_to(one.name)
    machine.python()
    machine.module(one, flags=(f"{RUNPATH},{one.parent}",), path="lib/a.so")
    machine.module(two, flags=(f"{RUNPATH},{two.parent}",), path="lib/b.so")
    machine.module(two, flags=(f"{RUNPATH},{one.parent}",), path="lib/c.so")
    closure = machine.closure()
    assert places(closure) == {"lib/bundled/libone.so.1": ("lib/bundled/3/libx.so.1",), "lib/bundled/2/libx.so.1": ()}
    assert needs(closure, "lib/b.so") == {"libx.so.1": InBundle("lib/bundled/2/libx.so.1")}
    assert needs(closure, "lib/c.so") == {"libx.so.1": InBundle("lib/bundled/3/libx.so.1")}
    assert closure.clashes == (("libx.so.1", str(one), str(two)),)


def test_what_is_found_nowhere_is_missing_and_no_error(machine: Machine) -> None:
    gone = machine.library("gone/libgone.so.1")
    there = machine.library("host/libthere.so.1", gone)
    machine.python()
    machine.module(gone, there)
    closure = machine.closure()
    assert needs(closure) == {"libgone.so.1": Missing(), "libthere.so.1": InBundle("lib/bundled/libthere.so.1")}
    assert needs(closure, "lib/bundled/libthere.so.1") == {"libgone.so.1": Missing()}


def test_what_no_search_finds_but_a_package_brings_is_loaded_beforehand(machine: Machine) -> None:
    by_file = machine.library("env/lib/python3.12/site-packages/p/libbyfile.so.1", soname="libbyfile.so.1")
    by_soname = machine.library("linked/libbysoname.so.1")
    machine.python()
    machine.module(path="lib/python3.12/site-packages/p/libbyfile.so.1", soname="another.so")
    machine.module(path="lib/python3.12/site-packages/p/hashed-1a2b.so", soname="libbysoname.so.1")
    linked = machine.library("linked/libbyfile.so.1")
    machine.module(linked, by_soname)
    closure = machine.closure()
    assert needs(closure) == {
        "libbyfile.so.1": Preloaded("lib/python3.12/site-packages/p/libbyfile.so.1"),
        "libbysoname.so.1": Preloaded("lib/python3.12/site-packages/p/hashed-1a2b.so"),
    }
    assert by_file.exists()
    assert places(closure) == {}


def test_what_the_environment_holds_is_used_where_it_lies(machine: Machine) -> None:
    machine.python()
    vendored = machine.module(path="lib/python3.12/site-packages/p.libs/libv.so.1", soname="libv.so.1")
    machine.library("host/libv.so.1")
    machine.module(Path(vendored.source), flags=(f"{RPATH},$ORIGIN/../site-packages/p.libs",))
    closure = machine.closure()
    assert needs(closure) == {"libv.so.1": InBundle(vendored.path)}
    assert places(closure) == {}


def test_an_excluded_library_stays_on_the_host_with_what_only_it_needs(machine: Machine) -> None:
    below = machine.library("host/libbelow.so.1")
    left = machine.library("host/libleft.so.1", below)
    machine.python()
    machine.module(left)
    machine.excluded = frozenset({"libleft.so.1"})
    closure = machine.closure()
    assert needs(closure) == {"libleft.so.1": OnHost()}
    assert places(closure) == {}
    assert closure.facts.host == ("libleft.so.1",)


def test_the_hosts_own_stay_even_where_a_copy_is_found(machine: Machine) -> None:
    names = ("libc.so.6", "libGL.so.1", "libcuda.so.1")
    libraries = [machine.library(f"host/{name}") for name in names]
    machine.python(libraries[0])
    machine.module(*libraries)
    closure = machine.closure()
    assert needs(closure) == {name: OnHost() for name in names}
    assert needs(closure, PYTHON) == {"libc.so.6": OnHost()}
    assert places(closure) == {}
    assert closure.facts.host == tuple(sorted(names))


@pytest.mark.parametrize("by", ["name", "path"])
def test_an_included_library_comes_along_though_nothing_asks_for_it(machine: Machine, by: str) -> None:
    below = machine.library("host/libbelow.so.1")
    extra = machine.library("host/libextra.so.1", below)
    machine.python()
    machine.cache = {"libextra.so.1": (str(extra),)}
    machine.included = ("libextra.so.1" if by == "name" else str(extra),)
    closure = machine.closure()
    assert list(places(closure)) == ["lib/bundled/libbelow.so.1", "lib/bundled/libextra.so.1"]
    assert needs(closure, "lib/bundled/libextra.so.1") == {"libbelow.so.1": InBundle("lib/bundled/libbelow.so.1")}
    assert closure.facts.bundled[1].needed_by == (PYTHON,)


def test_a_library_of_the_hosts_own_comes_along_if_it_is_included(machine: Machine) -> None:
    driver = machine.library("host/libGL.so.1")
    machine.python()
    machine.module(driver)
    machine.included = (str(driver),)
    closure = machine.closure()
    assert needs(closure) == {"libGL.so.1": InBundle("lib/bundled/libGL.so.1")}
    assert closure.facts.host == ()


@pytest.mark.parametrize("wanted", ["libnothing.so.1", "/nothing/libnothing.so.1"])
def test_an_included_library_that_does_not_exist_is_an_error(machine: Machine, wanted: str) -> None:
    machine.python()
    machine.included = (wanted,)
    with pytest.raises(LookupError, match=wanted):
        machine.closure()


def test_the_search_path_of_the_interpreter_is_inherited_by_modules_and_that_of_libpython_is_not(
    machine: Machine,
) -> None:
    """A module is opened by `dlopen`: its chain of loaders begins with it."""
    one = machine.library("opt/one/libone.so.1")
    two = machine.library("opt/two/libtwo.so.1")
    libpython_file = machine.library("env/lib/libpython3.12.so.1.0", two, flags=(f"{RPATH},{two.parent}",))
    machine.python(libpython_file, flags=(f"{RPATH},$ORIGIN/../lib:{one.parent}",))
    libpython = machine.module(
        two, path="lib/libpython3.12.so.1.0", soname="libpython3.12.so.1.0", flags=(f"{RPATH},{two.parent}",)
    )
    machine.module(one, two)
    closure = machine.closure()
    assert needs(closure, PYTHON) == {"libpython3.12.so.1.0": InBundle(libpython.path)}
    assert needs(closure, libpython.path) == {"libtwo.so.1": InBundle("lib/bundled/libtwo.so.1")}
    assert needs(closure) == {"libone.so.1": InBundle("lib/bundled/libone.so.1"), "libtwo.so.1": Missing()}


def test_a_runpath_is_inherited_by_nobody_and_cuts_off_what_is(machine: Machine) -> None:
    one = machine.library("opt/one/libone.so.1")
    machine.python(flags=(f"{RPATH},{one.parent}",))
    machine.module(one, flags=(f"{RUNPATH},/nowhere",))
    assert needs(machine.closure()) == {"libone.so.1": Missing()}
    machine.binaries.clear()
    machine.python(flags=(f"{RUNPATH},{one.parent}",))
    machine.module(one)
    assert needs(machine.closure()) == {"libone.so.1": Missing()}


def test_a_program_of_its_own_inherits_nothing_from_the_interpreter(machine: Machine) -> None:
    one = machine.library("opt/one/libone.so.1")
    python = machine.python(one, flags=(f"{RPATH},{one.parent}",))
    tool = machine.folder / "env/bin/tool"
    compile_c("void _start(void) {}", tool, "-nostartfiles", "-nodefaultlibs", "-Wl,--no-as-needed", str(one))
    machine.binaries.append(ElfFile("bin/tool", str(tool), image_of(tool)))
    closure = machine.closure()
    assert needs(closure, python.path) == {"libone.so.1": InBundle("lib/bundled/libone.so.1")}
    assert needs(closure, "bin/tool") == {"libone.so.1": Missing()}


def test_a_library_that_one_requester_misses_and_another_finds_is_found(machine: Machine) -> None:
    """As in a process that loaded it before: the search goes on with the second requester's paths."""
    deep = machine.library("opt/libdeep.so.1")
    shared = machine.library("host/libshared.so.1", deep)
    machine.python()
    machine.module(shared, path="lib/a.so")
    machine.module(shared, path="lib/b.so", flags=(f"{RPATH},{deep.parent}",))
    closure = machine.closure()
    assert needs(closure, "lib/bundled/libshared.so.1") == {"libdeep.so.1": InBundle("lib/bundled/libdeep.so.1")}


def test_libraries_that_need_each_other_come_to_an_end(machine: Machine) -> None:
    stub = machine.library("linked/libone.so.1")
    two = machine.library("host/libtwo.so.1", stub)
    one = machine.library("host/libone.so.1", two)
    machine.python()
    machine.module(one)
    closure = machine.closure()
    assert list(places(closure)) == ["lib/bundled/libone.so.1", "lib/bundled/libtwo.so.1"]
    assert needs(closure, "lib/bundled/libtwo.so.1") == {"libone.so.1": InBundle("lib/bundled/libone.so.1")}


def test_ld_library_path_of_the_environment_is_followed(machine: Machine) -> None:
    there = machine.library("modules/libthere.so.1")
    machine.python()
    machine.module(there)
    machine.library_path = (str(there.parent),)
    assert [library.source for library in machine.closure().facts.bundled] == [str(there)]


def test_a_library_found_under_an_alias_finds_what_lies_beside_the_alias(machine: Machine) -> None:
    """$ORIGIN is the folder by which a library was found, not the one where it really lies."""
    machine.library("real/libbeside.so.1")
    first = machine.library("real/libfirst.so.1", machine.folder / "real/libbeside.so.1", flags=(f"{RPATH},$ORIGIN",))
    (machine.folder / "host").mkdir()
    shutil.move(machine.folder / "real/libbeside.so.1", machine.folder / "host")
    (machine.folder / "opt").mkdir()
    (machine.folder / "opt/libfirst.so.1").symlink_to(first)
    beside = shutil.copy(machine.folder / "host/libbeside.so.1", machine.folder / "opt")
    machine.python()
    machine.module(first, flags=(f"{RUNPATH},{machine.folder}/opt",))
    assert {library.source for library in machine.closure().facts.bundled} == {str(first), str(beside)}

"""What of a base and an environment comes along, and where it goes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bundler.entries import Layer
from bundler.environment import EnvironmentKind
from bundler.environment.facts import VersionInfo
from bundler.plan.bases import mounts_for, unlisted
from bundler.sysroot import Sysroot
from tests.plan.made_up import SITE, STDLIB, Machine


def taken(machine: Machine, *, in_place: bool = False) -> dict[str, str]:
    """Where each mount comes from, below the machine's folder, by the bundle path; the uppermost of equals."""
    found = {}
    for mount in mounts_for(machine.environment, in_place=in_place):
        found[mount.path] = mount.source.removeprefix(f"{machine.folder}/")
    return found


def skipped(machine: Machine, *, in_place: bool = False) -> frozenset[str]:
    """What stays behind of the environment's own folder."""
    return mounts_for(machine.environment, in_place=in_place)[-1].skip


def test_a_bare_environment_is_its_base_s_library_and_program_with_the_environment_over_them(machine: Machine) -> None:
    assert taken(machine) == {STDLIB: f"base/{STDLIB}", "bin/python3.12": "base/bin/python3.12", "": "env"}
    library, program, environment = mounts_for(machine.environment)
    assert library.skip == {"site-packages", "dist-packages", "EXTERNALLY-MANAGED"}
    assert [mount.origin for mount in (library, program, environment)] == [
        f"base:{STDLIB}",
        "base:bin/python3.12",
        "env:",
    ]
    assert [mount.layer for mount in (library, program, environment)] == [Layer.RUNTIME, Layer.RUNTIME, Layer.PACKAGES]


@pytest.mark.parametrize(
    ("file", "path"),
    [
        ("base/include/python3.12/Python.h", "include/python3.12"),
        ("base/include/x86_64-linux-gnu/python3.12/pyconfig.h", "include/python3.12"),
        ("base/lib/libpython3.12.so.1.0", "lib/libpython3.12.so.1.0"),
        ("base/lib/libpython3.so", "lib/libpython3.so"),
        ("base/bin/python3.12-config", "bin/python3.12-config"),
        ("base/bin/x86_64-linux-gnu-python3.12-config", "bin/x86_64-linux-gnu-python3.12-config"),
        ("base/bin/pydoc3.12", "bin/pydoc3.12"),
        ("base/bin/2to3-3.12", "bin/2to3-3.12"),
        ("base/lib/pkgconfig/python-3.12-embed.pc", "lib/pkgconfig/python-3.12-embed.pc"),
        ("base/share/man/man1/python3.12.1.gz", "share/man/man1/python3.12.1.gz"),
        ("base/wheels/pip-24-py3-none-any.whl", "share/python-wheels/pip-24-py3-none-any.whl"),
    ],
)
def test_a_part_of_the_base_goes_where_a_plain_installation_has_it(machine: Machine, file: str, path: str) -> None:
    machine.variables = {
        "INSTSONAME": "libpython3.12.so.1.0",
        "MULTIARCH": "x86_64-linux-gnu",
        "WHEEL_PKG_DIR": f"{machine.folder}/base/wheels/",
    }
    assert path not in taken(machine)
    machine.put(file)
    assert path in taken(machine)


@pytest.mark.parametrize(
    "file",
    [
        "base/bin/pip3.12",  # its package stays behind
        "base/bin/python3.11-config",
        "base/bin/pydoc3",  # of some other version
        "base/lib/libz.so.1",
        "base/share/man/man1/ls.1",
        "base/lib/pkgconfig/zlib.pc",
    ],
)
def test_what_is_not_this_python_s_stays(machine: Machine, file: str) -> None:
    machine.put(file)
    assert set(taken(machine)) == {STDLIB, "bin/python3.12", ""}


def test_a_script_without_a_version_comes_along_where_it_leads_to_this_one(machine: Machine) -> None:
    machine.put("base/bin/pydoc3.12")
    machine.link("base/bin/pydoc3", "pydoc3.12")
    assert taken(machine)["bin/pydoc3"] == "base/bin/pydoc3"


def test_names_that_libpython_s_links_lead_to_come_along(machine: Machine) -> None:
    machine.variables = {"INSTSONAME": "libpython3.12.so.1"}
    machine.put("base/lib/libpython3.12.so.1.0")
    machine.link("base/lib/libpython3.12.so.1", "libpython3.12.so.1.0")
    assert {"lib/libpython3.12.so.1", "lib/libpython3.12.so.1.0"} <= set(taken(machine))


@pytest.mark.parametrize("version", ["8.6", "9.0", "9.1"])
def test_tcl_s_scripts_come_along_with_tkinter_alone(machine: Machine, version: str) -> None:
    machine.put(f"base/lib/tcl{version}/init.tcl")
    machine.put(f"base/lib/tk{version}/tk.tcl")
    machine.put("base/lib/tcl7/7.6/old-1.tm")
    assert f"lib/tcl{version}" not in taken(machine)
    machine.put(f"base/{STDLIB}/lib-dynload/_tkinter.cpython-312-x86_64-linux-gnu.so")
    assert {f"lib/tcl{version}", f"lib/tk{version}"} <= set(taken(machine))
    assert not {"lib/tcl7", "lib/tcl8", "lib/tcl9"} & taken(machine).keys()
    modules = f"lib/tcl{version[0]}"
    machine.put(f"base/{modules}/{version}/http-2.tm")
    assert taken(machine)[modules] == f"base/{modules}"


def test_tcl_may_carry_its_scripts_inside_of_its_library(machine: Machine) -> None:
    before = taken(machine)
    machine.put(f"base/{STDLIB}/lib-dynload/_tkinter.cpython-312-x86_64-linux-gnu.so")
    assert taken(machine) == before


def test_extension_modules_may_lie_apart_from_the_library(machine: Machine) -> None:
    interpreter = replace(machine.interpreter, platstdlib=f"{machine.folder}/base/lib64/python3.12")
    mounts = mounts_for(replace(machine.environment, interpreter=interpreter))
    assert {mount.path: mount.source for mount in mounts}[f"{STDLIB}/lib-dynload"] == (
        f"{machine.folder}/base/lib64/python3.12/lib-dynload"
    )


def test_what_a_maker_of_environments_wrote_stays(machine: Machine) -> None:
    for name in ("pyvenv.cfg", ".gitignore", ".lock", "CACHEDIR.TAG", "bundle.json", "bundle.cdx.json", "README"):
        machine.put(f"env/{name}")
    for name in ("python", "python3.12", "activate", "activate.fish", "activate_this.py", "app"):
        machine.put(f"env/bin/{name}")
    machine.link("env/lib64", "lib")
    ties = {"pyvenv.cfg", ".lock", "bundle.json", "lib64", f"{STDLIB}/EXTERNALLY-MANAGED", "lib/python312.zip"}
    ties |= {"bin/python", "bin/python3.12", "bin/activate", "bin/activate.fish"}
    ties |= {"bundle.cdx.json", "bundle.spdx.json", "bundle.intoto.jsonl"}
    assert skipped(machine) == ties | {".gitignore", "CACHEDIR.TAG"}
    assert skipped(machine, in_place=True) == ties, "what speaks of the folder stays in it"


def test_a_folder_lib64_is_no_tie(machine: Machine) -> None:
    machine.put("env/lib64/library.so")
    assert "lib64" not in skipped(machine)


def test_an_installation_brings_its_whole_folder(tmp_path: Path) -> None:
    assert taken(Machine(tmp_path, EnvironmentKind.INSTALLATION))[""] == "base"


@pytest.fixture
def shared(tmp_path: Path) -> Machine:
    """An installation at `/usr/local`, as names in its root say it, beside other software."""
    root = Sysroot(str(tmp_path / "root"))
    machine = Machine(tmp_path, EnvironmentKind.INSTALLATION, base="root/usr/local", sysroot=root)
    for path in ("bin/other", "bin/app", f"{SITE}/app.py"):
        machine.put(f"{machine.base}/{path}")
    return machine


def test_under_a_shared_prefix_only_what_distributions_list_comes_along(shared: Machine) -> None:
    rows = ("app.py,,", "../../../bin/app,,", "../../../bin/gone,,", "../../../../outside,,")
    shared.install("app", *rows, root=shared.base)
    packages = [mount for mount in mounts_for(shared.environment) if mount.layer is Layer.PACKAGES]
    assert {mount.path: mount.origin for mount in packages} == {SITE: f"env:{SITE}", "bin/app": "env:bin/app"}


def test_a_distribution_without_a_list_under_a_shared_prefix_is_told_of(shared: Machine, machine: Machine) -> None:
    for place in (shared, machine):
        root = place.base if place is shared else "env"
        place.install("app", "app.py,,", root=root)
        place.put(f"{root}/{SITE}/bare-1.dist-info/METADATA")
    assert unlisted(shared.environment) == (
        "bare-1.dist-info lists no files: those outside of its package folder stay behind",
    )
    assert unlisted(machine.environment) == (), "elsewhere the whole folder comes along"


def test_the_version_in_names_is_the_interpreter_s_own(machine: Machine) -> None:
    machine.put("base/bin/python3.13-config")
    interpreter = replace(machine.interpreter, version_info=VersionInfo(3, 13, 0, "final", 0))
    mounts = mounts_for(replace(machine.environment, interpreter=interpreter))
    assert "bin/python3.13-config" in {mount.path for mount in mounts}

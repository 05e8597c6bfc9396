"""Packages of the machine in a plan: what is told of a library, and which licence texts come along."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundler.companions import CompanionFact
from bundler.entries import Entry, Layer, Link, Source
from bundler.host_package import Copyleft
from bundler.options import ContentOptions
from bundler.plan.host_packages import HostPackages, find_host_packages
from bundler.sysroot import Sysroot
from bundler.systems.libraries import BundledLibrary, LibraryFacts
from tests.plan.made_up import Machine
from tests.systems.linux.packages.roots import LIB, debian, put

FORM = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nCopyright: A\nLicense: "
FOLDER = "share/licenses/bundled"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A Debian with an environment, and two packages of one source."""
    root = tmp_path / "root"
    debian(
        root,
        libfoo1=("Source: foo\nVersion: 1", [f"{LIB}/libfoo.so.1"]),
        libfoo_plugins=("Source: foo\nVersion: 1", [f"{LIB}/foo/plugin.so", "/usr/share/foo/table"]),
    )
    text = f"{FORM}GPL-3+\n See /usr/share/common-licenses/GPL and /usr/share/common-licenses/GPL-3\n"
    put(root, {f"/usr/share/doc/{name}/copyright": text for name in ("libfoo1", "libfoo-plugins")})
    put(root, {"/usr/share/common-licenses/GPL-3": "the GPL\n", f"{LIB}/libfoo.so.1": "", f"{LIB}/foo/plugin.so": ""})
    put(root, {"/usr/share/foo/table": "", "/usr/local/lib/libreadline.so.8": ""})
    (root / "usr/share/common-licenses/GPL").symlink_to("GPL-3")
    return Machine(tmp_path, base="root/opt/python", sysroot=Sysroot(str(root)))


def library(machine: Machine, name: str, folder: str = LIB) -> BundledLibrary:
    return BundledLibrary(f"lib/bundled/{name}", f"{machine.folder}/root{folder}/{name}", (), ("bin/python3.12",))


def found(machine: Machine, content: ContentOptions = ContentOptions()) -> HostPackages:  # noqa: B008
    plugins = CompanionFact("lib/bundled/libfoo.so.1", "lib/bundled/foo", "host:x", 1, "plugins", "all", "a constant")
    libraries = (library(machine, "libfoo.so.1"), library(machine, "libreadline.so.8", "/usr/local/lib"))
    facts = LibraryFacts(libraries, {}, (), companions=(plugins,))
    plugin = Entry(
        "lib/bundled/foo/plugin.so",
        Source(f"{machine.folder}/root{LIB}/foo/plugin.so", 0),
        0o644,
        0,
        Layer.RUNTIME,
        "host:x",
    )
    data = plugin._replace(
        path="lib/bundled/foo/data/table", content=Source(f"{machine.folder}/root/usr/share/foo/table", 0)
    )
    return find_host_packages(machine.environment, facts, {each.path: each for each in (plugin, data)}, content)


def test_a_library_has_its_package_and_what_that_says_of_its_licence(machine: Machine) -> None:
    fact = found(machine).fact(library(machine, "libfoo.so.1"), machine.environment)
    assert fact.package is not None and fact.package.text == "libfoo1 1 (deb)"
    assert (fact.licence, fact.copyleft) == ("GPL-3.0-or-later", Copyleft.STRONG)
    assert fact.licence_files == (
        f"{FOLDER}/common-licenses/GPL",
        f"{FOLDER}/common-licenses/GPL-3",
        f"{FOLDER}/libfoo1/copyright",
    )


def test_where_no_package_is_known_a_few_names_tell(machine: Machine) -> None:
    fact = found(machine).fact(library(machine, "libreadline.so.8", "/usr/local/lib"), machine.environment)
    assert (fact.package, fact.licence, fact.copyleft) == (None, "GPL-3.0-or-later", Copyleft.STRONG)
    fact = found(machine).fact(library(machine, "libfoo.so.2", "/usr/local/lib"), machine.environment)
    assert (fact.package, fact.licence, fact.copyleft) == (None, None, Copyleft.NO)


def test_the_same_text_comes_along_once_and_links_lead_to_it(machine: Machine) -> None:
    entries = found(machine).entries
    links = {path: entry.content.target for path, entry in entries.items() if isinstance(entry.content, Link)}
    assert links == {
        f"{FOLDER}/common-licenses/GPL": "GPL-3",
        f"{FOLDER}/libfoo1/copyright": "../libfoo-plugins/copyright",
    }
    assert sorted(entries.keys() - links.keys()) == [
        f"{FOLDER}/common-licenses/GPL-3",
        f"{FOLDER}/libfoo-plugins/copyright",
    ]
    assert {entry.origin for entry in entries.values()} == {
        f"host:/usr/share/{name}"
        for name in ("common-licenses/GPL-3", "doc/libfoo1/copyright", "doc/libfoo-plugins/copyright")
    }


def test_what_libraries_open_has_its_package_too(machine: Machine) -> None:
    (fact,) = found(machine).companion_facts
    assert fact.package.name == "libfoo-plugins"
    assert fact.paths == ("lib/bundled/foo/plugin.so", "lib/bundled/foo/data/table")
    assert fact.licence == "GPL-3.0-or-later" and f"{FOLDER}/libfoo-plugins/copyright" in fact.licence_files


def test_who_leaves_the_texts_out_has_none(machine: Machine) -> None:
    packages = found(machine, ContentOptions(patterns=("/share/licenses/",)))
    assert packages.entries == {}
    assert packages.fact(library(machine, "libfoo.so.1"), machine.environment).licence_files == ()


def test_without_libraries_of_the_host_nobody_is_asked(machine: Machine) -> None:
    assert find_host_packages(machine.environment, LibraryFacts((), {}, ()), {}, ContentOptions()) == HostPackages()

"""What libraries of the host open by themselves: what is found, what is assumed before it is known, and what is only told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from bundler.companions import CompiledInPath
from bundler.plan.binaries.linux.companions import CompanionFinder, Companions, nowhere, qt_conf, relocated
from bundler.plan.binaries.linux.compiled_in import CompiledInPaths
from bundler.sysroot import Sysroot
from bundler.systems.libraries import BundledLibrary
from tests.binaries.elf.programs import compile_c

MODULES = "/usr/lib/somewhere/ossl-modules"
MODULE = "lib/python3.12/lib-dynload/_ssl.so"
CRYPTO = "lib/bundled/libcrypto.so.3"
LEGACY = "lib/bundled/ossl-modules/legacy.so"


@dataclass
class Host:
    """A root with libraries, some of which name folders."""

    root: Path

    def library(self, name: str, *paths: str) -> str:
        """A library whose constants are some paths; its real path."""
        constants = "".join(
            f'const char *path{number}(void) {{ return "{path}"; }}\n' for number, path in enumerate(paths)
        )
        place = self.root / f"usr/lib/somewhere/{name}"
        place.parent.mkdir(parents=True, exist_ok=True)
        return str(compile_c(constants or "int none;", place, "-shared", "-fPIC"))

    def put(self, *names: str) -> None:
        """Write files."""
        for name in names:
            place = self.root / name[1:]
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(name)

    def finder(self, *excluded: str) -> CompanionFinder:
        sysroot = Sysroot(str(self.root))
        folders = frozenset({"/usr/lib/somewhere"})
        return CompanionFinder(sysroot, CompiledInPaths(sysroot), frozenset(excluded), "lib", folders)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def bundled(path: str, source: str, *needed_by: str) -> BundledLibrary:
    return BundledLibrary(path, source, (), needed_by)


def found(companions: Companions) -> dict[str, str]:
    """The ends of the real files, by bundle path."""
    return {path: real.rpartition("/")[2] for path, real in companions.files.items()}


@pytest.mark.parametrize(
    ("constant", "kept", "end"),
    [
        ("/usr/lib/x86_64-linux-gnu/ossl-modules", 1, "ossl-modules"),
        ("/usr/lib/libmariadb3/plugin", 2, "libmariadb3/plugin"),
        ("/usr/lib/x86_64/plugin/", 1, "plugin/"),
        ("/aa/b/c/plugin", 1, "plugin"),
    ],
)
def test_a_constant_keeps_its_length_and_its_end(constant: str, kept: int, end: str) -> None:
    slashes = len(constant) - len("$ORIGIN") - len(end)
    assert slashes > 0
    assert relocated(constant, kept) == "$ORIGIN" + "/" * slashes + end


def test_a_constant_that_is_too_short_stays() -> None:
    assert relocated("/lib/plugin", 1) is None


def test_a_constant_that_shall_lead_nowhere_keeps_both_as_well() -> None:
    assert nowhere("/usr/lib/x86_64-linux-gnu/sasl2") == "/dev/null" + "/" * 17 + "sasl2"
    assert nowhere("/usr/lib/x86_64/sasl2/") == "/dev/null" + "/" * 7 + "sasl2/"
    assert nowhere("/usr/sasl2") is None


def test_what_lies_where_the_library_says_comes_along_and_nothing_is_assumed(host: Host) -> None:
    host.put(f"{MODULES}/legacy.so", f"{MODULES}/notes.txt", "/usr/lib/ossl-modules/other.so")
    crypto = bundled(CRYPTO, host.library("libcrypto.so.3", MODULES, "/usr/lib/away/ossl-modules"), MODULE)
    companions = host.finder().settle([crypto], Companions())
    assert found(companions) == {LEGACY: "legacy.so"}
    (fact,) = (taken.fact for taken in companions.taken)
    assert (fact.library, fact.path, fact.origin, fact.files) == (
        CRYPTO,
        "lib/bundled/ossl-modules",
        f"host:{MODULES}",
        1,
    )
    assert companions.constants == {CRYPTO: {MODULES: relocated(MODULES, 1)}}
    assert found(host.finder("legacy.so").settle([crypto], Companions())) == {}
    other = bundled("lib/bundled/libssl.so.3", crypto.source, MODULE)
    assert found(host.finder().settle([other], Companions())) == {}, "another library may have the constant"


def test_a_guess_is_the_answer_where_the_library_is_the_cache_s(host: Host) -> None:
    host.put(f"{MODULES}/legacy.so")
    source = host.library("libcrypto.so.3", MODULES)
    finder = host.finder()
    name = "/usr/lib/somewhere/libcrypto.so.3"
    guess = finder.guess({"libcrypto.so.3", "libm.so.6"}, {"libcrypto.so.3": (name,)}, "lib/bundled")
    assert found(guess) == {LEGACY: "legacy.so"}
    needed = (MODULE, LEGACY)
    assert finder.settle([bundled(CRYPTO, source, *needed)], guess) == guess
    assert finder.guess({"libcrypto.so.3"}, {}, "lib/bundled") == Companions()


def test_what_only_a_wrong_guess_asks_for_does_not_count(host: Host) -> None:
    host.put(f"{MODULES}/legacy.so")
    source = host.library("libcrypto.so.3", MODULES)
    finder = host.finder()
    guess = finder.guess({"libcrypto.so.3"}, {"libcrypto.so.3": ("/usr/lib/somewhere/libcrypto.so.3",)}, "lib/bundled")
    assert finder.settle([bundled(CRYPTO, source, LEGACY)], guess) == Companions()
    host.put("/usr/lib/somewhere/libmariadb3/plugin/sha.so")
    client = bundled(
        "lib/bundled/libmariadb.so.3", host.library("libmariadb.so.3", "/usr/lib/somewhere/libmariadb3/plugin"), MODULE
    )
    assert finder.settle([client, bundled(CRYPTO, source, LEGACY)], guess) == Companions(), (
        "what is right is found from nothing"
    )


def test_what_comes_along_with_what_came_along_counts(host: Host) -> None:
    plugins = "/usr/lib/somewhere/libmariadb3/plugin"
    host.put(f"{MODULES}/legacy.so", f"{plugins}/sha.so")
    client = bundled("lib/bundled/libmariadb.so.3", host.library("libmariadb.so.3", plugins), MODULE)
    crypto = bundled(CRYPTO, host.library("libcrypto.so.3", MODULES), "lib/bundled/libmariadb3/plugin/sha.so")
    finder = host.finder()
    first = finder.settle([client], Companions())
    assert {*found(first).values()} == {"sha.so"}
    second = finder.settle([client, crypto], first)
    assert {*found(second).values()} == {"sha.so", "legacy.so"}
    assert finder.settle([client, crypto], second) == second


def test_of_two_versions_of_qt_the_newer_is_led_to_its_plugins(host: Host) -> None:
    host.put(*(f"/usr/lib/somewhere/qt{version}/plugins/platforms/libqxcb.so" for version in (5, 6)))
    libraries = [
        bundled(
            f"lib/bundled/libQt{version}Core.so.{version}", host.library(f"libQt{version}Core.so.{version}"), MODULE
        )
        for version in (5, 6)
    ]
    finder = host.finder()
    companions = finder.settle(libraries, Companions())
    assert found(companions) == {"lib/qt6/plugins/platforms/libqxcb.so": "libqxcb.so"}
    assert qt_conf(companions, "bin") == "[Paths]\nPrefix=..\nPlugins=lib/qt6/plugins\n"
    assert finder.left(libraries, companions) == (
        CompiledInPath("lib/bundled/libQt5Core.so.5", "/usr/lib/somewhere/qt5/plugins", 1),
    )
    assert qt_conf(Companions(), "bin") is None


def test_a_folder_is_told_without_those_below_it_that_the_library_names_as_well(host: Host) -> None:
    host.put(
        "/usr/share/it/modules/a.so",
        "/usr/share/it/modules/b.so",
        "/usr/share/it/more/c.dat",
        "/usr/share/all/in/d.dat",
    )
    paths = ("/usr/share/it", "/usr/share/it//modules/", "/usr/share/all", "/usr/share/all/in")
    library = bundled("lib/bundled/libit.so", host.library("libit.so", *paths), MODULE)
    left = {each.path: each.files for each in host.finder().left([library], Companions())}
    assert left == {"/usr/share/it": 1, "/usr/share/it/modules": 2, "/usr/share/all/in": 1}


def test_qt_conf_names_what_came_along_by_the_path_that_it_has_in_the_bundle(host: Host) -> None:
    host.put(
        "/usr/share/qt5/translations/qtbase_de.qm",
        "/usr/lib/somewhere/qt5/qml/QtQuick.2/libqtquick2plugin.so",
        "/usr/lib/somewhere/qt5/qml/QtQuick.2/qmldir",
        "/usr/lib/somewhere/qt6/qml/QtQuick/qmldir",
    )
    libraries = [
        bundled(f"lib/bundled/{name}", host.library(name), MODULE)
        for name in ("libQt5Core.so.5", "libQt5Qml.so.5", "libQt6Core.so.6")
    ]
    companions = host.finder().settle(libraries, Companions())
    assert set(found(companions)) == {
        "lib/qt5/qml/QtQuick.2/libqtquick2plugin.so",
        "lib/qt5/qml/QtQuick.2/qmldir",
        "share/qt5/translations/qtbase_de.qm",
    }
    conf = "[Paths]\nPrefix=..\nTranslations=share/qt5/translations\nQml2Imports=lib/qt5/qml\n"
    assert qt_conf(companions, "bin") == conf


def test_folders_that_stay_behind_are_told_unless_they_are_everybody_s(host: Host) -> None:
    host.put(
        "/usr/share/it/a.dat",
        "/usr/share/it/more/b.dat",
        "/usr/share/locale/x.mo",
        f"{MODULES}/legacy.so",
        "/etc/it/conf",
    )
    paths = (
        "/usr/share/it",
        "/usr/share/it/more/..",
        "/usr/share/locale",
        "/etc/it",
        "/usr/lib/somewhere",
        "/usr/share/none",
        MODULES,
    )
    library = bundled("lib/bundled/libit.so.1", host.library("libit.so.1", *paths), MODULE)
    finder = host.finder()
    companions = finder.settle([library], Companions())
    assert finder.left([library], companions) == (
        CompiledInPath("lib/bundled/libit.so.1", MODULES, 1),
        CompiledInPath("lib/bundled/libit.so.1", "/usr/share/it", 2),
    )

"""What a bundle is made of: each component once, with the names by which scanners find it, its licence, and who needs it."""

from __future__ import annotations

import dataclasses

import pytest

from bundler.host_package import HostPackage, PackageKind
from bundler.manifest import LibraryFact
from bundler.sbom import Component, ComponentKind, LicenceTeller, components_of, is_read
from bundler.sbom.purl import package_purl, python_cpe
from tests.material.schemes import WINDOWS_312
from tests.sbom.made_up import FILES, SITE, TEXTS, info, manifest, read


@pytest.fixture(scope="module")
def components() -> dict[str, Component]:
    found = components_of(manifest(), read)
    assert len({each.ref for each in found}) == len(found)
    return {each.name: each for each in found}


def named(component: Component, components: dict[str, Component]) -> list[str]:
    """The names of what a component needs."""
    by_ref = {each.ref: each.name for each in components.values()}
    return sorted(by_ref[ref] for ref in component.needs)


def test_every_component_is_there_once_in_order(components: dict[str, Component]) -> None:
    kinds = [(each.kind, each.name) for each in components.values()]
    assert kinds == [
        (ComponentKind.INTERPRETER, "CPython"),
        (ComponentKind.DISTRIBUTION, "fast"),
        (ComponentKind.DISTRIBUTION, "quick-one"),
        (ComponentKind.DISTRIBUTION, "shop"),
        (ComponentKind.DISTRIBUTION, "slow"),
        (ComponentKind.LIBRARY, "libown.so.1"),
        (ComponentKind.LIBRARY, "libreadline8"),
        (ComponentKind.LIBRARY, "libssl3"),
        (ComponentKind.VENDORED, "libgfortran"),
        (ComponentKind.VENDORED, "libgomp-a34b3233.so.1.0.0"),
        (ComponentKind.VENDORED, "libscipy_openblas-5f890258.so"),
    ]


def test_the_interpreter_has_version_cpe_and_licence(components: dict[str, Component]) -> None:
    python = components["CPython"]
    assert (python.version, python.cpe) == ("3.12.1", "cpe:2.3:a:python:python:3.12.1:*:*:*:*:*:*:*")
    assert python.purl == "pkg:generic/python@3.12.1"
    assert python.licence_files == ("lib/python3.12/LICENSE.txt",)
    assert [path for path, _ in python.digests] == ["bin/python3.12", "lib/libpython3.12.so.1.0"]


def test_the_interpreter_of_a_distribution_s_package_has_its_purl() -> None:
    package = HostPackage(
        PackageKind.DEB, "python3.11-minimal", "3.11.2-6+deb12u6", "amd64", "python3.11", "", "debian", "12"
    )
    facts = manifest()
    facts = dataclasses.replace(facts, python=dataclasses.replace(facts.python, package=package))
    python = components_of(facts, read)[0]
    assert python.purl == (
        "pkg:deb/debian/python3.11-minimal@3.11.2-6%2Bdeb12u6?arch=amd64&distro=debian-12&upstream=python3.11"
    )
    assert python.cpe and python.package == "python3.11-minimal 3.11.2-6+deb12u6 (deb)"


def test_libraries_of_a_package_are_one_component_with_its_purl(components: dict[str, Component]) -> None:
    ssl = components["libssl3"]
    assert ssl.paths == ("lib/bundled/libssl.so.3", "lib/bundled/libcrypto.so.3")
    assert ssl.purl == "pkg:deb/debian/libssl3@3.0.17-1~deb12u2?arch=amd64&distro=debian-12&upstream=openssl"
    assert (ssl.licence, ssl.told_by, ssl.package) == (
        "Apache-2.0",
        LicenceTeller.PACKAGE,
        "libssl3 3.0.17-1~deb12u2 (deb)",
    )
    assert ssl.licence_files == (f"{TEXTS}/libssl3/copyright",)
    assert [path for path, _ in ssl.digests] == list(ssl.paths)


def test_a_library_of_no_package_has_no_version_and_no_purl(components: dict[str, Component]) -> None:
    own = components["libown.so.1"]
    assert (own.version, own.purl, own.package, own.licence) == ("", "", "", "")


@pytest.mark.parametrize(
    ("name", "licence", "told_by", "files"),
    [
        ("shop", "MIT", LicenceTeller.EXPRESSION, ["licenses/LICENSE"]),
        ("fast", "BSD License", LicenceTeller.CLASSIFIERS, []),
        ("quick-one", "Apache-2.0 OR MIT", LicenceTeller.FIELD, ["LICENSE.txt"]),
        ("slow", "see the file", LicenceTeller.FIELD, []),
    ],
)
def test_a_distribution_s_licence_is_told_with_who_says_so(
    components: dict[str, Component], name: str, licence: str, told_by: LicenceTeller, files: list[str]
) -> None:
    component = components[name]
    assert (component.licence, component.told_by) == (licence, told_by)
    assert [path.partition(".dist-info/")[2] for path in component.licence_files] == files


def test_what_came_from_no_index_is_none_of_pypi_s(components: dict[str, Component]) -> None:
    assert components["shop"].purl == "pkg:generic/shop@1.0"
    assert components["slow"].purl == "pkg:pypi/slow@1.0"
    fast = components["fast"]
    assert (fast.purl, fast.url, fast.archive_sha256) == (
        "pkg:pypi/fast@2.0",
        "https://example.org/fast-2.0.whl",
        "ab" * 32,
    )


def test_distributions_need_what_their_markers_ask_for_here(components: dict[str, Component]) -> None:
    assert named(components["shop"], components) == ["fast"]
    assert named(components["fast"], components) == [
        "libgfortran",
        "libscipy_openblas-5f890258.so",
        "libssl3",
        "quick-one",
    ]
    assert named(components["slow"], components) == ["libgomp-a34b3233.so.1.0.0"]


def test_libraries_are_needed_by_who_asks_for_them(components: dict[str, Component]) -> None:
    assert named(components["CPython"], components) == ["libreadline8", "libssl3"]
    assert named(components["libssl3"], components) == ["libown.so.1"]
    assert components["libreadline8"].needs == ()


def test_what_wheels_have_inside_is_told_by_their_own_bills_and_what_these_lack_by_files(
    components: dict[str, Component],
) -> None:
    gfortran, gomp = components["libgfortran"], components["libgomp-a34b3233.so.1.0.0"]
    assert (gfortran.owner, gfortran.version) == ("fast", "8.5.0-22.el8")
    assert (gfortran.purl, gfortran.licence) == ("pkg:rpm/almalinux/libgfortran@8.5.0-22.el8", "GPL-3.0-or-later")
    assert gfortran.paths == (
        f"{SITE}/fast-2.0.dist-info/sboms/auditwheel.cdx.json",
        f"{SITE}/fast.libs/libgfortran-040039e1-0352e75f.so.5.0.0",
    )
    assert [path for path, _ in gfortran.digests] == list(gfortran.paths[1:])
    openblas = components["libscipy_openblas-5f890258.so"]
    assert (openblas.owner, openblas.version) == ("fast", "")
    assert (gomp.owner, gomp.version, gomp.purl) == ("slow", "", "")
    assert gomp.paths == (f"{SITE}/slow.libs/libgomp-a34b3233.so.1.0.0",)


def test_libraries_of_a_bundle_that_was_packed_again_are_told_without_a_version() -> None:
    facts = dataclasses.replace(manifest(), bundled=())
    found = [each for each in components_of(facts, read) if each.kind is ComponentKind.LIBRARY]
    assert [each.name for each in found] == ["libcrypto.so.3", "libown.so.1", "libreadline.so.8", "libssl.so.3"]
    assert {(each.version, each.purl) for each in found} == {("", "")}


def test_a_bundle_for_windows_has_its_components_too() -> None:
    site = "Lib/site-packages"
    files = {
        **{path.replace(SITE, site): text for path, text in info("shop", RECORD="shop/a.pyd,,\n").items()},
        "python.exe": "",
        "python312.dll": "",
        "LICENSE.txt": "",
        f"{site}/shop.libs/zlib-0a1b2c3d.dll": "",
        "zlib1.dll": "",
    }
    facts = manifest(files)
    python = dataclasses.replace(facts.python, scheme=WINDOWS_312, library="python312.dll", site_packages=(site,))
    bundled = (LibraryFact("zlib1.dll", "host:zlib1.dll", (f"{site}/shop/a.pyd",)),)
    facts = dataclasses.replace(facts, python=python, bundled=bundled, system="win32")
    found = components_of(facts, lambda path: files[path].encode())
    assert [(each.name, each.paths, each.needs) for each in found] == [
        ("CPython", ("python.exe", "python312.dll"), ()),
        ("shop", (f"{site}/shop-1.0.dist-info",), (f"library:{site}/shop.libs/zlib-0a1b2c3d.dll", "library:zlib1.dll")),
        ("zlib1.dll", ("zlib1.dll",), ()),
        ("zlib-0a1b2c3d.dll", (f"{site}/shop.libs/zlib-0a1b2c3d.dll",), ()),
    ]
    assert found[0].licence_files == ("LICENSE.txt",)


def test_no_more_is_read_than_what_is_asked_for() -> None:
    asked: list[str] = []

    def noted(path: str) -> bytes | None:
        asked.append(path)
        return read(path)

    components_of(manifest(), noted)
    assert asked and all(map(is_read, asked))
    assert {path for path in FILES if is_read(path)} == set(asked)


def test_metadata_that_say_nothing_leave_what_the_folder_s_name_says() -> None:
    files = {
        f"{SITE}/odd_name-3.1.dist-info/METADATA": "",
        f"{SITE}/old-2.0-py3.12.egg-info": "Metadata-Version: 1.0\n",
    }
    found = components_of(manifest(files), lambda path: files[path].encode())
    assert [(each.name, each.version) for each in found if each.kind is ComponentKind.DISTRIBUTION] == [
        ("odd_name", "3.1"),
        ("old", "2.0"),
    ]


def test_a_distribution_that_is_there_twice_is_two_components() -> None:
    other = {
        path.replace(SITE, "lib/python3.12/system-site/1/site-packages"): text for path, text in info("slow").items()
    }
    files = {**info("slow"), **other}
    facts = manifest(files)
    places = (SITE, "lib/python3.12/system-site/1/site-packages")
    facts = dataclasses.replace(facts, python=dataclasses.replace(facts.python, site_packages=places))
    found = [each for each in components_of(facts, lambda path: files[path].encode()) if each.name == "slow"]
    assert len(found) == 2 and found[0].ref != found[1].ref


@pytest.mark.parametrize(
    ("package", "purl"),
    [
        (
            HostPackage(PackageKind.DEB, "zlib1g", "1:1.2.13-1", "amd64", "zlib", "1:1.2.13-0", "debian", ""),
            "pkg:deb/debian/zlib1g@1:1.2.13-1?arch=amd64&distro=debian&upstream=zlib%401:1.2.13-0",
        ),
        (
            HostPackage(
                PackageKind.RPM,
                "openssl-libs",
                "1:3.2.2-3.fc40",
                "x86_64",
                "openssl-3.2.2-3.fc40.src.rpm",
                "",
                "fedora",
                "40",
            ),
            "pkg:rpm/fedora/openssl-libs@3.2.2-3.fc40?arch=x86_64&distro=fedora-40&epoch=1&upstream=openssl-3.2.2-3.fc40.src.rpm",
        ),
        (
            HostPackage(PackageKind.APK, "libcrypto3", "3.3.2-r0", "x86_64", "openssl", "", "alpine", "3.20.3"),
            "pkg:apk/alpine/libcrypto3@3.3.2-r0?arch=x86_64&distro=alpine-3.20.3&upstream=openssl",
        ),
    ],
)
def test_packages_have_the_purl_that_scanners_match(package: HostPackage, purl: str) -> None:
    assert package_purl(package) == purl


@pytest.mark.parametrize(
    ("version", "cpe"), [("3.14.0rc1", "3.14.0:rc1"), ("3.13.0", "3.13.0:*"), ("", "*:*"), ("3.x:1", "3.:x\\:1")]
)
def test_a_pre_release_is_an_update_in_a_cpe(version: str, cpe: str) -> None:
    assert python_cpe(version) == f"cpe:2.3:a:python:python:{cpe}:*:*:*:*:*:*"

"""What a bundle was made of, as its provenance names it: nothing of the packing machine, and digests where somebody noted them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bundler.environment import Distribution, Environment, load_environment
from bundler.host_package import HostPackage, PackageKind
from bundler.plan.host_packages import HostPackages
from bundler.plan.materials import materials
from bundler.rewrite.direct_url import DirectUrl
from bundler.signing.provenance import Material
from bundler.systems.packaged import Packaged, PackagedFile
from tests.material.golden import plain

SHA, COMMIT = "a" * 64, "b" * 40


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    root = tmp_path_factory.mktemp("root")
    plain(root)
    return load_environment("/app/.venv", str(root), run=False)


@pytest.mark.parametrize(
    ("url", "material"),
    [
        (None, Material("Zope.Interface", "pkg:pypi/zope-interface@1.0%2Blocal")),
        (
            DirectUrl("https://me:secret@example.org/z.whl?token=x", sha256=SHA),
            Material("Zope.Interface", "https://example.org/z.whl", "sha256", SHA),
        ),
        (
            DirectUrl("https://example.org/z.git", commit=COMMIT),
            Material("Zope.Interface", "https://example.org/z.git", "gitCommit", COMMIT),
        ),
        (
            DirectUrl("file:///home/me/z.whl", sha256=SHA),
            Material("Zope.Interface", "pkg:generic/zope-interface@1.0%2Blocal", "sha256", SHA),
        ),
        (
            DirectUrl("/home/me/z", editable=True),
            Material("Zope.Interface", "pkg:generic/zope-interface@1.0%2Blocal"),
        ),
        (DirectUrl(""), Material("Zope.Interface", "pkg:generic/zope-interface@1.0%2Blocal")),
    ],
)
def test_a_distribution_is_named_by_where_it_came_from(
    environment: Environment, url: DirectUrl | None, material: Material
) -> None:
    found = Distribution("Zope.Interface", "1.0+local", "/somewhere/zope.dist-info", url)
    python, *others = materials(replace(environment, distributions=(found, found)), HostPackages())
    assert python == Material("python", f"pkg:generic/python@{environment.interpreter.version}")
    assert others == [material]


def test_libraries_of_the_system_are_named_by_their_packages_each_once(environment: Environment) -> None:
    zlib, python = (
        HostPackage(PackageKind.DEB, name, "1:1.2", "amd64", "", "", "debian", "12")
        for name in ("zlib1g", "python3.12")
    )
    files = {"/lib/libz.so.1": zlib, "/lib/libz.so.2": zlib, environment.interpreter.executable: python}
    packages = HostPackages(Packaged({path: PackagedFile(package) for path, package in files.items()}))
    assert materials(replace(environment, distributions=()), packages) == (
        Material("python", "pkg:deb/debian/python3.12@1:1.2?arch=amd64&distro=debian-12"),
        Material("zlib1g", "pkg:deb/debian/zlib1g@1:1.2?arch=amd64&distro=debian-12"),
    )

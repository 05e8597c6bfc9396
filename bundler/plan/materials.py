"""What a bundle was made of, by the names that everybody has for it: for its provenance."""

from __future__ import annotations

from packaging.utils import canonicalize_name

from bundler.environment import Distribution, Environment
from bundler.host_package import HostPackage
from bundler.plan.host_packages import HostPackages
from bundler.rewrite.urls import without_credentials
from bundler.sbom.purl import generic_purl, package_purl, pypi_purl
from bundler.signing.provenance import Material


def materials(environment: Environment, packages: HostPackages) -> tuple[Material, ...]:
    """The interpreter; distributions, with the digests that installers noted; the packages of the system's own libraries.

    Each kind is in the order of names.
    """
    interpreter = environment.interpreter
    package = packages.of_interpreter(interpreter)
    python = Material("python", package_purl(package) if package else generic_purl("python", interpreter.version))
    distributions = {_distribution(found) for found in environment.distributions}
    libraries = {_package(each.package) for each in packages.packaged.files.values()}
    libraries |= {_package(each.package) for each in packages.former.packages}
    return (python, *sorted(distributions), *sorted(each for each in libraries if each.uri != python.uri))


def _distribution(found: Distribution) -> Material:
    """From an index by its package URL; else by the URL that it was fetched from, but for one of the packing machine."""
    origin = found.direct_url
    if origin is None:
        return Material(found.name, pypi_purl(found.name, found.version))
    algorithm, digest = ("sha256", origin.sha256) if origin.sha256 else ("gitCommit", origin.commit)
    is_elsewhere = "://" in origin.url and not origin.is_local
    uri = (
        without_credentials(origin.url) if is_elsewhere else generic_purl(canonicalize_name(found.name), found.version)
    )
    return Material(found.name, uri, algorithm if digest else "", digest)


def _package(package: HostPackage) -> Material:
    return Material(package.name, package_purl(package))

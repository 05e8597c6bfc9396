"""Names by which scanners look components up: package URLs (purl-spec) and names of the CPE dictionary (NISTIR 7695)."""

from __future__ import annotations

import re

from packaging.utils import canonicalize_name

from bundler.host_package import HostPackage, PackageKind

_ESCAPED = re.compile(r"[^A-Za-z0-9._]")


def package_purl(package: HostPackage) -> str:
    """That of a package of a distribution, with `distro` and `upstream` as syft writes them: vulnerabilities are told of sources.

    `pkg:deb/debian/libssl3@3.0.17-1~deb12u2?arch=amd64&distro=debian-12&upstream=openssl`
    """
    version, epoch = package.version, ""
    if package.kind is PackageKind.RPM and ":" in version:
        epoch, _, version = version.partition(":")
    distro = "-".join(filter(None, (package.distribution, package.release)))
    upstream = "@".join(filter(None, (package.source, package.source_version)))
    values = {"arch": package.architecture, "distro": distro, "epoch": epoch, "upstream": upstream}
    return _text(package.kind.value, package.distribution, package.name, version, values)


def pypi_purl(name: str, version: str, vcs_url: str = "") -> str:
    """That of a distribution on PyPI."""
    return _text("pypi", "", canonicalize_name(name), version, {"vcs_url": vcs_url})


def generic_purl(name: str, version: str) -> str:
    """That of something that no registry has."""
    return _text("generic", "", name, version, {})


def known_purl(text: str) -> str:
    """A package URL that somebody else wrote, as the specification writes it; "" for a text that is none."""
    from packageurl import PackageURL

    try:
        return PackageURL.from_string(_told(text)).to_string()
    except ValueError:
        return ""


def python_cpe(version: str) -> str:
    """The name of CPython of a version in the dictionary; of a pre-release with what it is as the update."""
    release, update = re.fullmatch(r"([\d.]*)(.*)", version).groups()  # type: ignore[union-attr]
    return f"cpe:2.3:a:python:python:{_bound(release) or '*'}:{_bound(update) or '*'}:*:*:*:*:*:*"


def _bound(value: str) -> str:
    """A value for a formatted string: what has a meaning there is escaped."""
    return _ESCAPED.sub(lambda found: f"\\{found[0]}", value)


def _text(kind: str, namespace: str, name: str, version: str, qualifiers: dict[str, str]) -> str:
    from packageurl import PackageURL

    given = {key: _told(value) for key, value in qualifiers.items() if value}
    return PackageURL(kind, namespace or None, _told(name), _told(version) or None, given or None).to_string()


def _told(text: str) -> str:
    """A text with a mark in the place of what is no letter: halves of surrogates, from JSON or from names that are no UTF-8."""
    return text.encode("utf-8", "replace").decode()

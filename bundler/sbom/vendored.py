"""What wheels have inside: by their own bills of materials, and by the libraries in folders that repairers of wheels make.

auditwheel's bill has what came from packages of the machine that built the wheel, and not what was built from sources there. So the
files count, too: those that are called like a component of a bill are its files, the others components by themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import unquote

from packaging.utils import canonicalize_name

from bundler.manifest import Manifest
from bundler.sbom.component import Component, ComponentKind, LicenceTeller
from bundler.sbom.distributions import Installed
from bundler.sbom.embedded import Part, read_embedded
from bundler.sbom.files import digests_of, is_library

_FOLDER = re.compile(r"([^/]+)(\.libs|/\.libs|/\.dylibs)/[^/]+")
"""Where auditwheel, delvewheel and delocate put libraries, beside or in a distribution's packages."""
_HASH = re.compile(r"-[0-9a-f]{8}(?=[-.]|$)")
"""What auditwheel puts into names."""
_PYPI = re.compile(r"pkg:pypi/([^@?#]+)")
_LEAST = 3
"""So many letters make names the same family's."""


def vendored_libraries(
    manifest: Manifest, installed: Sequence[Installed], refs: Sequence[str], owners: Mapping[str, str]
) -> Iterator[Component]:
    """The components that distributions have inside; `owner` is the distribution's ref."""
    files = _library_files(manifest, installed, refs, owners)
    for each, ref in zip(installed, refs, strict=True):
        tellers: dict[Part, str] = {}
        for bill, data in each.sboms.items():
            for part in read_embedded(data):
                if _is_inside(part, each):
                    tellers.setdefault(part, bill)
        left = files.get(ref, [])
        for number, (part, bill) in enumerate(tellers.items()):
            own = [path for path in left if _is_akin(path, part.name)]
            left = [path for path in left if path not in own]
            yield Component(
                ComponentKind.VENDORED,
                part.name,
                part.version,
                (bill, *own),
                part.purl,
                licence=part.licence,
                owner=ref,
                told_by=LicenceTeller.SBOM if part.licence else LicenceTeller.NOBODY,
                ref=f"{ref}/{part.purl or part.name}#{number}",
                digests=digests_of(own, manifest),
            )
        for path in left:
            yield Component(
                ComponentKind.VENDORED,
                path.rpartition("/")[2],
                "",
                (path,),
                owner=ref,
                ref=f"library:{path}",
                digests=digests_of([path], manifest),
            )


def _is_inside(part: Part, distribution: Installed) -> bool:
    """Whether a bill means something in the wheel: neither the wheel, or a module of it, nor what it only requires.

    What is required is told of PyPI, without a version: that is whatever gets installed.
    """
    found = _PYPI.match(part.purl)
    if found is None:
        return part.purl != "" or canonicalize_name(part.name) != distribution.key
    return canonicalize_name(unquote(found[1])) != distribution.key and part.version != ""


def _library_files(
    manifest: Manifest, installed: Sequence[Installed], refs: Sequence[str], owners: Mapping[str, str]
) -> dict[str, list[str]]:
    """Bundle paths of the shared libraries in folders of repairers, by the ref of the distribution that they belong to."""
    by_name = {each.key: ref for each, ref in zip(installed, refs, strict=True)}
    folders = [f"{folder}/" for folder in manifest.python.site_packages]
    files: dict[str, list[str]] = {}
    for path, fact in manifest.files.items():
        below = next((path[len(folder) :] for folder in folders if path.startswith(folder)), "")
        found = _FOLDER.search(below) if ".libs/" in below or ".dylibs/" in below else None
        if found is None or fact.link is not None or not is_library(below):
            continue
        owner = owners.get(path) or by_name.get(canonicalize_name(found[1]))
        if owner is not None:
            files.setdefault(owner, []).append(path)
    return files


def _is_akin(path: str, name: str) -> bool:
    """Whether a library's file is called like a component: `libgfortran-83c28eba.so.5` is of `libgfortran`."""
    stem = re.split(r"\.(?:so|dylib|dll)\b|\.\d", path.rpartition("/")[2], maxsplit=1)[0]
    ours, theirs = _letters(_HASH.sub("", stem)), _letters(name)
    return min(len(ours), len(theirs)) >= _LEAST and (ours.startswith(theirs) or theirs.startswith(ours))


def _letters(name: str) -> str:
    plain = name.lower().removeprefix("lib").removesuffix("-libs")
    return re.sub(r"[^a-z0-9]", "", plain)

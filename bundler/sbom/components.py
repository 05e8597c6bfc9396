"""The components of a bundle, by its `bundle.json` and a few of its files: for one that is being made as for one that is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from bundler.bundle_paths import lies_in
from bundler.host_package import HostPackage
from bundler.manifest import LibraryFact, Manifest, PackageFact
from bundler.sbom.component import Component, ComponentKind, LicenceTeller
from bundler.sbom.distributions import Installed, Read, find_installed
from bundler.sbom.files import digests_of, is_library
from bundler.sbom.metadata import licence_files
from bundler.sbom.purl import generic_purl, package_purl, pypi_purl, python_cpe
from bundler.sbom.requirements import required
from bundler.sbom.vendored import vendored_libraries


def components_of(manifest: Manifest, read: Read) -> tuple[Component, ...]:
    """Everything that a bundle is made of: the interpreter, then distributions, libraries of the host, and libraries in wheels.

    `read` gives the files for which `is_read` asks. Each kind is in the order of names.
    """
    installed = find_installed(manifest, read)
    refs = _distribution_refs(installed)
    owners = {path: ref for each, ref in zip(installed, refs, strict=True) for path in each.owned}
    libraries = list(_libraries(manifest))
    vendored = list(vendored_libraries(manifest, installed, refs, owners))
    interpreter = _interpreter(manifest)
    edges = _edges(manifest, owners, libraries, interpreter.ref)
    for component in vendored:
        edges.setdefault(component.owner, set()).add(component.ref)
    distributions = [_distribution(each, ref, manifest) for each, ref in zip(installed, refs, strict=True)]
    for requirer, needed in required(installed, refs, manifest):
        edges.setdefault(requirer, set()).add(needed)
    named = {ref: each.metadata.name for each, ref in zip(installed, refs, strict=True)}
    vendored = [component._replace(owner=named[component.owner]) for component in vendored]
    ordered = [interpreter, *_in_order(distributions), *_in_order(libraries), *_in_order(vendored)]
    return tuple(each._replace(needs=tuple(sorted(edges.get(each.ref, set()) - {each.ref}))) for each in ordered)


def _in_order(components: Iterable[Component]) -> list[Component]:
    return sorted(components, key=lambda each: (each.name.lower(), each.version, each.ref))


def _interpreter(manifest: Manifest) -> Component:
    python = manifest.python
    texts = [path for path in (f"{python.stdlib}/LICENSE.txt", "LICENSE.txt") if path in manifest.files]
    purl = package_purl(python.package) if python.package is not None else generic_purl("python", python.version)
    binaries = [path for path in (python.executable, python.library) if path]
    return Component(
        ComponentKind.INTERPRETER,
        "CPython" if python.implementation == "cpython" else python.implementation,
        python.version,
        tuple(binaries),
        purl,
        python_cpe(python.version),
        "Python-2.0.1",
        (*texts[:1], *python.licence_files),
        python.package.text if python.package is not None else "",
        told_by=LicenceTeller.PYTHON,
        ref=f"python@{python.version}",
        digests=digests_of(binaries, manifest),
    )


def _distribution_refs(installed: Sequence[Installed]) -> list[str]:
    """A name for each: that of a package URL; with its place where a distribution is there twice."""
    refs: list[str] = []
    for each in installed:
        ref = f"{each.key}@{each.metadata.version}"
        refs.append(f"{ref}#{each.folder}" if ref in refs else ref)
    return refs


def _distribution(each: Installed, ref: str, manifest: Manifest) -> Component:
    metadata, origin = each.metadata, each.origin
    is_published = metadata.name not in manifest.unpublished or bool(origin.url)
    purl = (
        pypi_purl(metadata.name, metadata.version, origin.vcs)
        if is_published
        else generic_purl(each.key, metadata.version)
    )
    return Component(
        ComponentKind.DISTRIBUTION,
        metadata.name,
        metadata.version,
        (each.folder,),
        purl,
        licence=metadata.licences.text,
        licence_files=licence_files(metadata.licence_files, each.folder, each.files),
        told_by=metadata.licences.told_by,
        ref=ref,
        url=origin.url,
        archive_sha256=origin.sha256,
    )


def _libraries(manifest: Manifest) -> Iterator[Component]:
    """The packages of libraries of the host, and of what these open, each once; a library by itself where none is known."""
    packages: dict[HostPackage, list[LibraryFact | PackageFact]] = {}
    for fact in manifest.bundled:
        if fact.package is not None:
            packages.setdefault(fact.package, []).append(fact)
        else:
            yield _unknown_library(fact.path, manifest, fact.licence or "")
    for plugins in manifest.companion_packages:
        packages.setdefault(plugins.package, []).append(plugins)
    known = {fact.path for fact in manifest.bundled} | {
        path for each in manifest.companion_packages for path in each.paths
    }
    yield from (_unknown_library(path, manifest) for path in _other_libraries(manifest) if path not in known)
    for package, facts in packages.items():
        purl = package_purl(package)
        licences = dict.fromkeys(filter(None, (fact.licence for fact in facts)))
        texts = (path for fact in facts for path in fact.licence_files)
        paths = tuple(
            path for fact in facts for path in ((fact.path,) if isinstance(fact, LibraryFact) else fact.paths)
        )
        yield Component(
            ComponentKind.LIBRARY,
            package.name,
            package.version,
            paths,
            purl,
            licence=_joined(licences),
            licence_files=tuple(dict.fromkeys(texts)),
            package=package.text,
            told_by=LicenceTeller.PACKAGE if licences else LicenceTeller.NOBODY,
            ref=purl,
            digests=digests_of(paths, manifest),
        )


def _unknown_library(path: str, manifest: Manifest, licence: str = "") -> Component:
    """A library of which nobody knows the package."""
    return Component(
        ComponentKind.LIBRARY,
        path.rpartition("/")[2],
        "",
        (path,),
        licence=licence,
        told_by=LicenceTeller.NAME if licence else LicenceTeller.NOBODY,
        ref=f"library:{path}",
        digests=digests_of([path], manifest),
    )


def _other_libraries(manifest: Manifest) -> Iterator[str]:
    """Libraries in the folder of those of a host of which `bundle.json` does not tell: an older bundle, packed again."""
    folder = manifest.python.scheme.bundled
    for path, fact in manifest.files.items():
        if folder and path.startswith(f"{folder}/") and fact.link is None and is_library(path):
            yield path


def _joined(licences: Iterable[str]) -> str:
    """What all libraries of a package are under."""
    told = list(licences)
    return told[0] if len(told) == 1 else " AND ".join(f"({each})" if " " in each else each for each in told)


def _edges(
    manifest: Manifest, owners: Mapping[str, str], libraries: Sequence[Component], interpreter: str
) -> dict[str, set[str]]:
    """Who asks for libraries of the host: distributions, other such libraries; the interpreter with its modules for all else."""
    of_library = {path: component.ref for component in libraries for path in component.paths}
    edges: dict[str, set[str]] = {}
    for fact in manifest.bundled:
        for path in fact.needed_by:
            needer = of_library.get(path) or owners.get(path) or interpreter
            edges.setdefault(needer, set()).add(of_library[fact.path])
    for companion in manifest.companions:
        opened = {ref for path, ref in of_library.items() if lies_in(path, companion.path)}
        edges.setdefault(of_library.get(companion.library, interpreter), set()).update(opened)
    return edges

"""JSON to `Manifest`, with every value's type checked: the file may be anybody's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TypeVar

from bundler.bundle_paths import join
from bundler.ceiling import Ceiling, Demand
from bundler.companions import CompanionFact, CompiledInPath
from bundler.errors import NotABundle, UnsupportedBundle
from bundler.floor import Floor, Release
from bundler.host_package import Copyleft, HostPackage, PackageKind
from bundler.manifest.model import (
    SCHEMA,
    USUAL_MODE,
    ChangedFile,
    FileFact,
    LibraryFact,
    Manifest,
    MissingLibrary,
    OpenedFact,
    PackageFact,
    PythonFacts,
    RecordedOptions,
    RecordedValue,
    UnboundFact,
    UnprovidedFact,
)
from bundler.scheme import BundleScheme

_T = TypeVar("_T", str, int)
_SHAPE = "bundle.json does not have the shape of a manifest"


def read_manifest(data: bytes) -> Manifest:
    """The manifest in the bytes of a `bundle.json`.

    Raises NotABundle for what is no manifest, UnsupportedBundle for one of a later schema.
    """
    top = _top(data)
    python, platform, libraries = top.child("python"), top.child("platform"), top.child("libraries")
    application = top.child("application")
    system = platform.value("system", str, "linux")
    return Manifest(
        bundler=top.value("bundler", str, ""),
        python=PythonFacts(
            version=python.value("version", str, ""),
            scheme=_scheme(python),
            library=python.text_or_none("library"),
            site_packages=python.texts("site_packages"),
            extension_suffixes=python.texts("extension_suffixes"),
            implementation=python.value("implementation", str, "cpython"),
            package=_package(python.child("package")),
            licence_files=python.texts("licence_files"),
        ),
        system=system,
        libc=platform.text_or_none("libc"),
        machine=platform.value("machine", str, ""),
        floor=_floor(platform, system),
        ceiling=_ceiling(platform.child("ceiling")),
        distributions=tuple(
            (item.value("name", str, ""), item.value("version", str, "")) for item in top.children("distributions")
        ),
        unpublished=top.texts("unpublished"),
        application=(application.value("name", str, ""), application.value("version", str, "")),
        files={path: _file(_Object(value)) for path, value in top.child("files").items()},
        empty_folders=top.texts("empty_folders"),
        changed=tuple(
            ChangedFile(item.value("path", str, ""), item.value("origin", str, ""), item.value("reason", str, ""))
            for item in top.children("changed")
        ),
        bundled=tuple(map(_bundled, libraries.children("bundled"))),
        host_libraries=libraries.texts("host"),
        asked_of_target=_asked(libraries.child("asked_of_target")),
        missing=tuple(
            MissingLibrary(item.value("path", str, ""), item.value("needed", str, ""))
            for item in libraries.children("missing")
        ),
        unprovided=tuple(
            UnprovidedFact(item.value("path", str, ""), item.value("library", str, ""), item.value("version", str, ""))
            for item in libraries.children("unprovided")
        ),
        unbound=tuple(
            UnboundFact(item.value("path", str, ""), item.texts("symbols")) for item in libraries.children("unbound")
        ),
        loader=libraries.value("loader", str, ""),
        host_libc=_host_libc(libraries.child("host_libc")) if libraries.has("host_libc") else None,
        opened=tuple(map(_opened, libraries.children("opened"))),
        companions=tuple(map(_companion, libraries.children("companions"))),
        companion_packages=tuple(_companion_packages(libraries.children("companion_packages"))),
        compiled_in=tuple(map(_compiled_in, libraries.children("compiled_in"))),
        import_failures=_import_failures(top),
        entry=top.value("entry", str, ""),
        start_module=top.value("start_module", str, ""),
        options=_options(top),
        warnings=top.texts("warnings"),
        schema=top.value("schema", int, 0),
    )


def read_contents(data: bytes) -> dict[str, str]:
    """The SHA-256 (hexadecimal) of every file in a `bundle.json`, and `link:` with the target of every link.

    Raises what `read_manifest` raises.
    """
    contents = {}
    for path, value in _top(data).child("files").items():
        if not isinstance(value, dict):
            raise NotABundle(_SHAPE)
        link, sha256 = value.get("link"), value.get("sha256")
        contents[path] = f"link:{link}" if isinstance(link, str) else sha256 if isinstance(sha256, str) else ""
    return contents


def read_options(data: bytes) -> RecordedOptions | None:
    """The options that made the bundle of a `bundle.json`; None where it does not tell. Raises what `read_manifest` raises."""
    return _options(_top(data))


def _options(top: _Object) -> RecordedOptions | None:
    if not top.has("options"):
        return None
    values: dict[str, RecordedValue] = {}
    for name, value in top.child("options").items():
        if isinstance(value, (str, bool)):
            values[name] = value
        elif isinstance(value, list):
            values[name] = tuple(map(str, value))
    return RecordedOptions(values, top.texts("configured_options"))


def _top(data: bytes) -> _Object:
    """The outermost object, of a schema that is known."""
    try:
        top = _Object(json.loads(data, object_pairs_hook=_members))
    except (ValueError, TypeError, RecursionError) as error:
        raise NotABundle(f"bundle.json is not valid JSON: {error}") from error
    schema = top.value("schema", int, 0)
    if schema > SCHEMA:
        raise UnsupportedBundle(
            f"bundle.json has schema {schema}; this version reads up to {SCHEMA}", "use a newer bundler"
        )
    if not top.value("bundler", str, ""):
        raise NotABundle("bundle.json was not written by bundler")
    return top


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """The members of an object. Raises ValueError for one that has a name twice: each reader would believe another one."""
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"it has {next(name for name in names if names.count(name) > 1)} twice")
    return members


def _import_failures(top: _Object) -> dict[str, str] | None:
    """What fails in the source as well; None where nobody tried."""
    if top.is_null("import_failures"):
        return None
    return {name: str(text) for name, text in top.child("import_failures").items()}


def _asked(item: _Object) -> dict[str, tuple[str, ...]]:
    """Files by the library that they need of the target."""
    return {name: item.texts(name) for name, _ in item.items()}


def _scheme(python: _Object) -> BundleScheme:
    """The layout; of a bundle that does not tell it, that of a plain installation under POSIX."""
    executable, stdlib = python.value("executable", str, ""), python.value("stdlib", str, "")
    told, name = python.child("scheme"), stdlib.rpartition("/")[2]
    return BundleScheme(
        executable=executable,
        stdlib=stdlib,
        dynload=told.value("dynload", str, join(stdlib, "lib-dynload")),
        stdlib_zip=told.value("stdlib_zip", str, join(stdlib.rpartition("/")[0], f"{name.replace('.', '')}.zip")),
        site_packages=told.value("site_packages", str, f"lib/{name}/site-packages"),
        system_site=told.value("system_site", str, f"lib/{name}/system-site"),
        include=told.value("include", str, f"include/{name}"),
        scripts=told.value("scripts", str, executable.rpartition("/")[0]),
        libraries=told.value("libraries", str, "lib"),
        bundled=told.value("bundled", str, "lib/bundled"),
        share=told.value("share", str, "share"),
        libpython=told.texts("libpython"),
    )


def _floor(platform: _Object, system: str) -> Floor | None:
    """The floor; None for none, or one that is no release."""
    release = _release(platform, "floor")
    if release is None:
        return None
    name = platform.value("floor_of", str, "macOS" if system == "darwin" else "glibc")
    file, reason = platform.value("floor_file", str, ""), platform.value("floor_symbol", str, "")
    return Floor(name, release, file, reason, _release(platform, "floor_without"))


def _host_libc(item: _Object) -> Floor | None:
    release = _release(item, "from")
    return Floor("glibc", release, item.value("file", str, ""), item.value("symbol", str, "")) if release else None


def _release(platform: _Object, name: str) -> Release | None:
    text = platform.value(name, str, "")
    return tuple(map(int, text.split("."))) if re.fullmatch(r"\d{1,5}(\.\d{1,5}){1,2}", text) else None


def _ceiling(item: _Object) -> Ceiling:
    level = None if item.is_null("cpu_level") else _demand(item.child("cpu_level"))
    return Ceiling(
        executable_stacks=item.texts("executable_stacks"),
        unmarked_stacks=item.texts("unmarked_stacks"),
        cpu_level=level if level is not None and level.name else None,
        unknown_versions=tuple(map(_demand, item.children("unknown_versions"))),
        text_relocations=item.texts("text_relocations"),
        writable_code=item.texts("writable_code"),
    )


def _bundled(item: _Object) -> LibraryFact:
    """A library of the host. A bundle.json that tells no packages has licences for strong copyleft alone."""
    package, licence = _package(item.child("package")), item.text_or_none("licence")
    told = item.value("copyleft", str, "" if package is not None or not licence else Copyleft.STRONG.value)
    return LibraryFact(
        item.value("path", str, ""),
        item.value("origin", str, ""),
        item.texts("needed_by"),
        licence,
        next((copyleft for copyleft in Copyleft if copyleft.value == told), Copyleft.NO),
        package,
        item.texts("licence_files"),
    )


def _package(item: _Object) -> HostPackage | None:
    """A package; None for none, and for one of a kind that this version does not know."""
    told = item.value("kind", str, "")
    kind = next((kind for kind in PackageKind if kind.value == told), None)
    if kind is None:
        return None
    return HostPackage(kind, *(item.value(name, str, "") for name in HostPackage._fields[1:]))


def _opened(item: _Object) -> OpenedFact:
    return OpenedFact(
        item.value("path", str, ""),
        item.texts("sonames"),
        item.value("priority", str, ""),
        item.value("feature", str, ""),
        item.value("outcome", str, ""),
        item.text_or_none("library"),
    )


def _companion(item: _Object) -> CompanionFact:
    return CompanionFact(
        item.value("library", str, ""),
        item.value("path", str, ""),
        item.value("origin", str, ""),
        item.value("files", int, 0),
        item.value("what", str, ""),
        item.value("without", str, ""),
        item.value("pointing", str, ""),
    )


def _companion_packages(items: Iterator[_Object]) -> Iterator[PackageFact]:
    for item in items:
        package = _package(item.child("package"))
        if package is not None:
            yield PackageFact(package, item.texts("paths"), item.value("licence", str, ""), item.texts("licence_files"))


def _compiled_in(item: _Object) -> CompiledInPath:
    return CompiledInPath(item.value("library", str, ""), item.value("path", str, ""), item.value("files", int, 0))


def _demand(item: _Object) -> Demand:
    return Demand(item.value("name", str, ""), item.value("file", str, ""))


def _file(item: _Object) -> FileFact:
    return FileFact(
        sha256=item.text_or_none("sha256"),
        size=item.value("size", int, 0),
        link=item.text_or_none("link"),
        origin=item.value("origin", str, ""),
        mode=_mode(item),
    )


def _mode(item: _Object) -> int:
    """Permission bits, which are told (octal) where they are not the usual ones."""
    told = item.text_or_none("mode")
    return int(told, 8) if told is not None and re.fullmatch(r"[0-7]{1,4}", told) else USUAL_MODE


class _Object:
    """A JSON object whose members are asked for by type; what is missing or of another type is the default."""

    def __init__(self, value: object) -> None:
        if not isinstance(value, dict):
            raise NotABundle(_SHAPE)
        self._members: Mapping[str, object] = value

    def value(self, name: str, kind: type[_T], default: _T) -> _T:
        value = self._members.get(name)
        return value if isinstance(value, kind) else default

    def text_or_none(self, name: str) -> str | None:
        value = self._members.get(name)
        return value if isinstance(value, str) else None

    def is_null(self, name: str) -> bool:
        return name in self._members and self._members[name] is None

    def has(self, name: str) -> bool:
        return name in self._members

    def texts(self, name: str) -> tuple[str, ...]:
        value = self._members.get(name)
        return tuple(str(item) for item in value) if isinstance(value, list) else ()

    def child(self, name: str) -> _Object:
        return _Object(self._members.get(name, {}))

    def children(self, name: str) -> Iterator[_Object]:
        value = self._members.get(name)
        for item in value if isinstance(value, list) else ():
            yield _Object(item)

    def items(self) -> Iterator[tuple[str, object]]:
        yield from self._members.items()

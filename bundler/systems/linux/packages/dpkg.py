"""dpkg's database (dpkg(1)): `info/NAME.list` has the files of a package, `status` all packages, `diversions` renamed files.

Images without dpkg ("distroless") keep a stanza a package in `status.d`, with the files in `NAME.md5sums` beside it.
There may be thousands of lists. A library's package is called like the library, so lists with names near to it are read first.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from bundler.files import read_regular
from bundler.host_package import HostPackage, PackageKind
from bundler.machine import os
from bundler.machine.failing import unless_failing
from bundler.sysroot import Sysroot
from bundler.systems.linux.packages.copyright_file import common_licences, read_copyright
from bundler.systems.linux.packages.os_release import OsRelease
from bundler.systems.packaged import Packaged, PackagedFile

_ADMIN = "/var/lib/dpkg"
_DOC, _COMMON = "/usr/share/doc", "/usr/share/common-licenses"
_MERGED = ("/bin/", "/sbin/", "/lib/", "/lib32/", "/lib64/", "/libx32/")
"""What are links into /usr today, while older packages list their files as they were."""
_NEAR = 16
"""So many lists are read first for a library."""
_SOURCE = re.compile(r"([^\s(]+)(?:\s*\(([^)]*)\))?")


class _Diverted(NamedTuple):
    """A file that lies elsewhere, since a package has its own in its place: names, and that package (`:` for the administrator)."""

    original: str
    elsewhere: str
    package: str


def find_deb_packages(names: Iterable[str], root: Sysroot, release: OsRelease) -> Packaged:
    """What dpkg knows of the files with absolute `names`, as they are called inside of a root."""
    admin = root.path_of(_ADMIN)
    if not root.is_dir(admin):
        return Packaged()
    names = list(names)
    diverted = _diversions(root)
    owners = _owners(names, diverted, _Lists(root))
    stanzas = _stanzas(owners.values(), root)
    texts = _Copyrights(root)
    files = {}
    for name, package in owners.items():
        if fields := stanzas.get(package):
            found = _package(fields, release)
            library = os.path.basename(next((each.original for each in diverted if each.elsewhere == name), name))
            files[name] = texts.packaged(found, library)
    return Packaged(files)


def spellings(name: str) -> tuple[str, ...]:
    """The names under which a package may list a file: with `/usr` and without where the two are one folder today."""
    if name.startswith("/usr") and name[4:].startswith(_MERGED):
        return name, name[4:]
    return (name, f"/usr{name}") if name.startswith(_MERGED) else (name,)


def parse_stanza(text: str) -> dict[str, str]:
    """The fields of a stanza that stand on one line each (deb822(5))."""
    fields = (line.partition(":") for line in text.split("\n") if line[:1] not in (" ", "\t", "#", ""))
    return {name: value.strip() for name, colon, value in fields if colon}


def _owners(names: Iterable[str], diverted: Iterable[_Diverted], lists: _Lists) -> dict[str, str]:
    """The packages, as their lists are called (`libssl3:amd64`), of files."""
    wanted = {name: spellings(name) for name in names}
    barred: dict[str, set[str]] = {}
    for each in diverted:
        for name, spelled in wanted.items():
            if each.elsewhere in spelled:
                wanted[name] = (*spelled, *spellings(each.original))
                barred.setdefault(name, set()).add(each.package)  # it has another file of that name
    kept = {
        name: each.package
        for each in diverted
        for name, spelled in wanted.items()
        if name not in barred and each.original in spelled
    }

    def owner(name: str, packages: Iterable[str]) -> str | None:
        for package in packages:
            plain = package.partition(":")[0]
            may_be = plain not in barred.get(name, ()) and kept.get(name, plain) == plain
            if may_be and lists.holds(package, wanted[name]):
                return package
        return None

    owners: dict[str, str] = {}
    # A package of several libraries is called like one of them: its list was read for that.
    for step in (lambda library: islice(lists.near(library), _NEAR), lambda _: lists.read, lists.near):
        for name in [name for name in wanted if name not in owners]:
            package = owner(name, step(os.path.basename(wanted[name][-1])))
            if package is not None:
                owners[name] = package
    return owners


class _Lists:
    """The lists of files, each read when it is first asked for."""

    def __init__(self, root: Sysroot) -> None:
        self._places: dict[str, str] = {}
        for folder, ending in (("info", ".list"), ("status.d", ".md5sums")):
            place = root.real(root.path_of(f"{_ADMIN}/{folder}"))
            for name in root.names_in(place):
                if name.endswith(ending):
                    self._places.setdefault(name.removesuffix(ending), os.path.join(place, name))
        self._order = sorted((_letters(package.partition(":")[0]), package) for package in self._places)
        self._read: dict[str, bytes] = {}

    def near(self, library: str) -> Iterator[str]:
        """All packages, those first whose names are near to a library's, with or without the `lib` before it."""
        name = _letters(library.replace(".so", ""))
        walks = [self._walk(name), self._walk(name.removeprefix("lib"))]
        told: set[str] = set()
        for packages in zip(*walks, strict=True):
            for package in packages:
                if package not in told:
                    told.add(package)
                    yield package

    @property
    def read(self) -> tuple[str, ...]:
        """The packages whose lists were read."""
        return tuple(self._read)

    def holds(self, package: str, spelled: Iterable[str]) -> bool:
        """Whether a package's list has a file under one of its names."""
        data = self._read.get(package)
        if data is None:
            data = self._read[package] = _lines(self._places[package])
        return any(b"\n" + os.fsencode(name) + b"\n" in data for name in spelled)

    def _walk(self, name: str) -> Iterator[str]:
        """All packages, outwards from where one with a name would stand among them."""
        right = bisect(self._order, (name, ""))
        left = right - 1
        while left >= 0 or right < len(self._order):
            if right < len(self._order):
                yield self._order[right][1]
                right += 1
            if left >= 0:
                yield self._order[left][1]
                left -= 1


def _lines(place: str) -> bytes:
    """The names of a list of files, a line end before and behind each."""
    data = _read(place) or b""
    if place.endswith(".md5sums"):
        return b"\n" + b"".join(b"/" + line.partition(b" ")[2].strip() + b"\n" for line in data.split(b"\n"))
    return b"\n" + data + b"\n"


def _letters(name: str) -> str:
    """What of a name tells packages and libraries of one kind from others."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _diversions(root: Sysroot) -> tuple[_Diverted, ...]:
    lines = (_read_name(root, f"{_ADMIN}/diversions") or b"").split(b"\n")
    told = [os.fsdecode(line) for line in lines]
    return tuple(_Diverted(*told[at : at + 3]) for at in range(0, len(told) - 2, 3))


def _stanzas(packages: Iterable[str], root: Sysroot) -> dict[str, dict[str, str]]:
    """The fields of packages, by the names of their lists."""
    data = b"\n" + (_read_name(root, f"{_ADMIN}/status") or b"") + b"\n\n"
    found = {}
    for package in set(packages):
        name, _, architecture = package.partition(":")
        for fields in (*_stanzas_of(data, name), *_stanzas_of(_lone_stanza(root, package), None)):
            if not architecture or fields.get("Architecture") == architecture:
                found[package] = fields
                break
    return found


def _stanzas_of(data: bytes, name: str | None) -> Iterator[dict[str, str]]:
    """The stanzas of packages with a name, or the first one of all, in a text with an empty line behind each."""
    mark = b"\nPackage: " + (name.encode() + b"\n" if name is not None else b"")
    at = data.find(mark)
    while at >= 0:
        start, end = data.rfind(b"\n\n", 0, at + 1) + 2, data.find(b"\n\n", at + 1)
        yield parse_stanza(data[max(start, 0) : end].decode("utf-8", "replace"))
        at = data.find(mark, end)


def _lone_stanza(root: Sysroot, package: str) -> bytes:
    data = _read_name(root, f"{_ADMIN}/status.d/{package}")
    return b"\n" + data + b"\n\n" if data is not None else b""


def _package(fields: Mapping[str, str], release: OsRelease) -> HostPackage:
    source = _SOURCE.match(fields.get("Source", ""))
    return HostPackage(
        PackageKind.DEB,
        fields.get("Package", ""),
        fields.get("Version", ""),
        fields.get("Architecture", ""),
        source[1] if source else "",
        (source[2] or "") if source else "",
        release.identifier,
        release.version,
    )


class _Copyrights:
    """The copyright files of packages, each read once."""

    def __init__(self, root: Sysroot) -> None:
        self._root = root
        self._read: dict[str, bytes | None] = {}

    def packaged(self, package: HostPackage, library: str) -> PackagedFile:
        """What a package's file says of a library. The texts are the file itself, and the common licences that it names."""
        place = f"{_DOC}/{package.name}/copyright"
        if package.name not in self._read:
            self._read[package.name] = _read_name(self._root, place)
        data = self._read[package.name]
        if data is None:
            return PackagedFile(package)
        text = data.decode("utf-8", "replace")
        told = read_copyright(text, library, package.source or package.name)
        places = {f"{package.name}/copyright": place}
        places |= {f"common-licenses/{name}": f"{_COMMON}/{name}" for name in common_licences(text)}
        found = {name: self._root.real(self._root.path_of(place)) for name, place in places.items()}
        texts = {name: path for name, path in found.items() if self._root.is_file(path)}
        return PackagedFile(package, told.licence, told.copyleft, texts)


def _read_name(root: Sysroot, name: str) -> bytes | None:
    """A file of a root by its name; None where there is none that can be read."""
    return _read(root.real(root.path_of(name)))


def _read(path: str) -> bytes | None:
    """A file; None where there is none that can be read."""
    try:
        return read_regular(path)
    except (OSError, ValueError) as error:
        unless_failing(error, path)
        return None

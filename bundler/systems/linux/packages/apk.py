"""apk's database: one text with a paragraph a package, a letter and a colon before each value (apk-tools, `database.c`).

`P` is the name, `V` the version, `A` the machine, `L` the licence, `o` the package that it was built from; `F` is a folder, and
each `R` behind it a file in it. Texts of licences are in other packages (`-doc`), which are rarely installed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bundler.files import read_regular
from bundler.host_package import Copyleft, HostPackage, PackageKind
from bundler.machine.failing import unless_failing
from bundler.sysroot import Sysroot
from bundler.systems.linux.packages.dpkg import spellings
from bundler.systems.linux.packages.licence_names import parse_licence
from bundler.systems.linux.packages.os_release import OsRelease
from bundler.systems.packaged import Packaged, PackagedFile

_PLACES = ("/lib/apk/db/installed", "/usr/lib/apk/db/installed")  # the second of apk-tools 3


def find_apk_packages(names: Iterable[str], root: Sysroot, release: OsRelease) -> Packaged:
    """What apk knows of the files with absolute `names`, as they are called inside of a root."""
    wanted = {spelled.lstrip("/"): name for name in names for spelled in spellings(name)}
    for place in _PLACES:
        path = root.path_of(place)
        try:
            data = read_regular(root.real(path))
        except (OSError, ValueError) as error:
            unless_failing(error, path)
            continue
        return Packaged(dict(_found(data.decode("utf-8", "surrogateescape"), wanted, release)))
    return Packaged()


def _found(text: str, wanted: dict[str, str], release: OsRelease) -> Iterator[tuple[str, PackagedFile]]:
    fields: dict[str, str] = {}
    folder = ""
    for line in text.split("\n"):
        kind, colon, value = line.partition(":")
        if not line:
            fields, folder = {}, ""
        elif kind == "F" and colon:
            folder = value
        elif kind == "R" and colon:
            name = wanted.get(f"{folder}/{value}")
            if name is not None:
                yield name, _packaged(fields, release)
        elif colon:
            fields[kind] = value


def _packaged(fields: dict[str, str], release: OsRelease) -> PackagedFile:
    package = HostPackage(
        PackageKind.APK,
        fields.get("P", ""),
        fields.get("V", ""),
        fields.get("A", ""),
        "" if fields.get("o") == fields.get("P") else fields.get("o", ""),
        "",
        release.identifier,
        release.version,
    )
    told = fields.get("L", "")
    licence = parse_licence(told) if told else None
    if licence is None:
        return PackagedFile(package)
    strong = licence.is_strong(of_files=True)
    return PackagedFile(package, licence.text, Copyleft.STRONG if strong else Copyleft.NO)

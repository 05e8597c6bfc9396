"""rpm's database: SQLite since rpm 4.16 (`rpmdb.sqlite`).

Table `Packages` has a header a package, `Basenames` which of them have files of a name.
The older forms (Berkeley DB: `Packages`) and SUSE's (`Packages.db`) are not read, which is told.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from bundler.host_package import Copyleft, HostPackage, PackageKind
from bundler.machine import os
from bundler.machine.failing import unless_failing
from bundler.machine.temporary_folder import TemporaryFolder
from bundler.sysroot import Sysroot
from bundler.systems.linux.packages.dpkg import spellings
from bundler.systems.linux.packages.licence_names import parse_licence
from bundler.systems.linux.packages.os_release import OsRelease
from bundler.systems.linux.packages.rpm_header import Header, read_header
from bundler.systems.packaged import Packaged, PackagedFile

if TYPE_CHECKING:
    import sqlite3

_FOLDERS = ("/usr/lib/sysimage/rpm", "/var/lib/rpm", "/usr/share/rpm")
_OTHERS = {"Packages.db": "ndb", "Packages": "Berkeley DB"}
_LICENCES = "/usr/share/licenses/"
# Tags (rpmtag.h) and a flag of files (rpmfiles.h).
_NAME, _VERSION, _RELEASE, _EPOCH, _LICENCE, _ARCHITECTURE, _SOURCE = 1000, 1001, 1002, 1003, 1014, 1022, 1044
_FLAGS, _FOLDER_OF, _NAMES, _FOLDER_NAMES = 1037, 1116, 1117, 1118
_IS_LICENCE = 1 << 7
_MOST_OF_A_HEADER = 256 << 20  # rpm's own bound
_STEPS, _MOST_CALLS = 100_000, 1000
"""How much SQLite may do for one question: a look at an index needs a thousandth of it."""


def find_rpm_packages(names: Iterable[str], root: Sysroot, release: OsRelease) -> Packaged:
    """What rpm knows of the files with absolute `names`, as they are called inside of a root."""
    for folder in _FOLDERS:
        place = root.real(root.path_of(f"{folder}/rpmdb.sqlite"))
        if root.is_file(place):
            try:
                return Packaged(dict(_found(place, list(names), root, release)))
            except (ValueError, OSError, ImportError) as error:
                unless_failing(error, place)
                return Packaged(notes=(f"rpm's database cannot be read ({error}): no package is named",))
    for folder in _FOLDERS:
        for name, form in _OTHERS.items():
            if root.is_file(root.path_of(f"{folder}/{name}")):
                why = f"rpm's database is one of {form}, and bundler reads SQLite's (rpm 4.16 and later)"
                return Packaged(notes=(f"{why}: no package is named",))
    return Packaged()


def _found(place: str, names: Sequence[str], root: Sysroot, release: OsRelease) -> Iterator[tuple[str, PackagedFile]]:
    """The packages of files, by name. Raises ValueError for what is no database of rpm's, OSError, ImportError without SQLite."""
    import sqlite3

    headers: dict[int, Header] = {}
    try:
        with _opened(place) as database:
            for name in names:
                rows = database.execute("SELECT hnum, idx FROM Basenames WHERE key = ?", (os.path.basename(name),))
                for number, index in rows.fetchall():
                    if number not in headers:
                        headers[number] = _header(database, number)
                    if _path(headers[number], index) in spellings(name):
                        yield name, _packaged(headers[number], root, release)
                        break
    except sqlite3.Error as error:
        raise ValueError(str(error)) from error


@contextlib.contextmanager
def _opened(place: str) -> Iterator[sqlite3.Connection]:
    """The database, to be read: nothing is written beside it, where it may belong to a running system.

    What rpm has written and not yet put into the file itself lies in a log beside it, which is only read together with a copy.
    """
    import sqlite3

    log = f"{place}-wal"
    with contextlib.ExitStack() as held:
        if os.path.isfile(log) and os.path.getsize(log):
            folder = held.enter_context(TemporaryFolder("bundler-rpm-"))
            for path in (place, log):
                shutil.copyfile(path, os.path.join(folder, os.path.basename(path)))
            address = f"file:{quote(os.fsencode(os.path.join(folder, os.path.basename(place))))}"
        else:
            address = f"file:{quote(os.fsencode(place))}?mode=ro&immutable=1"
        database = held.enter_context(contextlib.closing(sqlite3.connect(address, uri=True)))
        calls = iter(range(_MOST_CALLS))
        database.set_progress_handler(lambda: next(calls, None) is None, _STEPS)
        database.execute("PRAGMA trusted_schema = OFF")
        yield database


def _header(database: sqlite3.Connection, number: int) -> Header:
    query = "SELECT blob FROM Packages WHERE hnum = ? AND length(blob) <= ?"
    row = database.execute(query, (number, _MOST_OF_A_HEADER)).fetchone()
    if row is None or not isinstance(row[0], bytes):
        raise ValueError(f"there is no header {number}")
    return read_header(row[0])


def _path(header: Header, index: object) -> str | None:
    """The name of a package's file with a number; None for a number that none has."""
    names, folders, folder_of = header.texts(_NAMES), header.texts(_FOLDER_NAMES), header.numbers(_FOLDER_OF)
    if (
        not isinstance(index, int)
        or not 0 <= index < min(len(names), len(folder_of))
        or folder_of[index] >= len(folders)
    ):
        return None
    return folders[folder_of[index]] + names[index]


def _packaged(header: Header, root: Sysroot, release: OsRelease) -> PackagedFile:
    epoch = header.numbers(_EPOCH)
    version = f"{header.text(_VERSION)}-{header.text(_RELEASE)}"
    package = HostPackage(
        PackageKind.RPM,
        header.text(_NAME),
        f"{epoch[0]}:{version}" if epoch else version,
        header.text(_ARCHITECTURE),
        header.text(_SOURCE),
        "",
        release.identifier,
        release.version,
    )
    told = header.text(_LICENCE)
    licence = parse_licence(told) if told else None
    strong = licence is not None and licence.is_strong(of_files=True)
    return PackagedFile(
        package,
        licence.text if licence is not None else "",
        Copyleft.STRONG if strong else Copyleft.NO,
        dict(_texts(header, package.name, root)),
    )


def _texts(header: Header, package: str, root: Sysroot) -> Iterator[tuple[str, str]]:
    """The files that the package itself marks as licences, and that are there."""
    for index, flags in enumerate(header.numbers(_FLAGS)):
        name = _path(header, index) if flags & _IS_LICENCE else None
        path = root.real(root.path_of(name)) if name is not None else None
        if name is not None and path is not None and root.is_file(path):
            place = name.removeprefix(_LICENCES)
            yield place if place != name else f"{package}/{os.path.basename(name)}", path

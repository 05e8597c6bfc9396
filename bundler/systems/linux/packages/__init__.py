"""Which package of a Linux machine brought a file: the databases of dpkg, rpm and apk, read by their files, below any root.

Nothing of the machine is run, and nothing is written beside a database.
"""

from __future__ import annotations

from collections.abc import Iterable

from bundler.sysroot import Sysroot
from bundler.systems.linux.packages.apk import find_apk_packages
from bundler.systems.linux.packages.dpkg import find_deb_packages
from bundler.systems.linux.packages.os_release import read_os_release
from bundler.systems.linux.packages.rpm import find_rpm_packages
from bundler.systems.packaged import NOTHING_PACKAGED, Packaged, PackagedFile

__all__ = ["find_packages"]
_FINDERS = (find_deb_packages, find_rpm_packages, find_apk_packages)
_OF_NO_PACKAGE = ("/usr/local/", "/home/", "/root/", "/tmp/", "/srv/")
"""Where no package puts a file (Filesystem Hierarchy Standard 3.0, 4.9)."""


def find_packages(paths: Iterable[str], root: Sysroot) -> Packaged:
    """What is known of the files at absolute `paths` (links followed) in a root.

    A machine has one package manager, for the most part; where it has several, the first that knows a file tells of it.
    """
    names = {root.name_of(path): path for path in paths if root.holds(path)}
    names = {name: path for name, path in names.items() if not name.startswith(_OF_NO_PACKAGE)}
    if not names:
        return NOTHING_PACKAGED
    found: dict[str, PackagedFile] = {}
    notes: list[str] = []
    release = read_os_release(root)
    for finder in _FINDERS:
        left = [name for name in names if name not in found]
        if left:
            packaged = finder(left, root, release)
            found |= packaged.files
            notes += packaged.notes
    return Packaged({names[name]: file for name, file in found.items()}, tuple(notes))

"""The drives of a Windows machine, as folders of this one. Names are Windows' (`C:\\Users\\me`), and case does not count.

`--root C:=DIR` says where a drive is. Else it is looked for below the root: `C:`, `c`, `drive_c` (Wine), `mnt/c` (WSL). Where
there is no such folder, the root is the drive.
"""

from __future__ import annotations

import ntpath
import re
from dataclasses import dataclass

from bundler.bundle_paths import MOST_LINKS, lies_in
from bundler.machine import os
from bundler.machine.failing import is_dir, unless_failing
from bundler.sysroot import Sysroot

_ROOT = re.compile(r"(?P<drive>[A-Za-z]:)[\\/]?=(?P<folder>.+)", re.DOTALL)
_PLACES = ("{upper}:", "{lower}:", "{upper}", "{lower}", "drive_{lower}", "mnt/{lower}")


@dataclass(frozen=True, slots=True)
class Drives(Sysroot):
    """The root at `path`, in which an environment of Windows lives. `drive` (`C:`) is what the root is called, if somebody said."""

    drive: str = ""

    def is_name(self, text: str) -> bool:
        """Whether a text begins with a drive. A share of the network is no part of any root."""
        return re.match(r"[A-Za-z]:[\\/]", text) is not None

    def path_of(self, name: str) -> str:
        """The path of a name: each part as it is spelled here, where it is here. What has no drive is a path already."""
        if not self.is_name(name):
            return name
        below = ntpath.normpath(name[2:]).split("\\")
        return self._spelled(self._folder_of(name[:2]), [part for part in below if part])

    def name_of(self, path: str) -> str:
        """The name of an absolute path; a path that lies on no drive, which has none, is given back."""
        for drive, folder in self._drives_here():
            if lies_in(path, folder):
                below = os.path.relpath(path, folder).replace("/", "\\")
                return f"{drive}\\" + ("" if below == "." else below)
        return path

    def located(self, text: str, folder: str) -> str:
        """The path that a text in a file of the directory at `folder` means; parts may be divided by either slash."""
        if self.is_name(text):
            return self.path_of(text)
        return os.path.normpath(os.path.join(folder, text.replace("\\", "/")))

    def real(self, path: str) -> str:
        """The path behind all links, each part as it is spelled here."""
        done = Sysroot.real(self, path)
        for _ in range(MOST_LINKS):
            if os.path.lexists(done):
                break
            spelled = self._as_here(done)
            if spelled == done:
                break
            done = Sysroot.real(self, spelled)  # what is spelled otherwise may be a link
        return done

    def of_row(self, path: str) -> str:
        """With `/` for each backslash, and in the case that the file has here ("Recording installed projects" allows both)."""
        if os.path.lexists(path):
            return path
        return self._as_here(os.path.normpath(path.replace("\\", "/")))

    def _as_here(self, path: str) -> str:
        """A path whose last parts are not here, as they are spelled here."""
        there = path
        while not os.path.lexists(there):
            there = os.path.dirname(there)
        return self._spelled(there, [part for part in path[len(there) :].split("/") if part])

    def _folder_of(self, drive: str) -> str:
        """Where a drive is; a place where nothing is for one that is not here."""
        if self.drive:
            return self.path if drive.upper() == self.drive else os.path.join(self.path, drive.upper())
        words = {"upper": drive[0].upper(), "lower": drive[0].lower()}
        places = [os.path.join(self.path, place.format(**words)) for place in _PLACES]
        return next((place for place in places if is_dir(place)), places[0] if self.is_host else self.path)

    def _drives_here(self) -> list[tuple[str, str]]:
        if self.drive:
            return [(self.drive, self.path)]
        letters = (f"{letter}:" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        found = [(drive, folder) for drive in letters if lies_below(folder := self._folder_of(drive), self.path)]
        return [(drive, folder) for drive, folder in found if is_dir(folder)]

    @staticmethod
    def _spelled(folder: str, parts: list[str]) -> str:
        """A path below a folder; a part that is here in another case is spelled as it is here."""
        for part in parts:
            place = os.path.join(folder, part)
            if part == "..":
                place = os.path.dirname(folder)
            elif not os.path.lexists(place):
                place = os.path.join(folder, _same_without_case(folder, part) or part)
            folder = place
        return folder


@dataclass(frozen=True, slots=True)
class OwnDrives(Drives):
    """The drives of this machine, where it is Windows: it knows itself where they are."""

    def path_of(self, name: str) -> str:
        """The name with `/`. What has no drive is a path already."""
        return os.path.normpath(name) if self.is_name(name) else name

    def of_row(self, path: str) -> str:
        """With `/` for each backslash."""
        return os.path.normpath(path)

    def name_of(self, path: str) -> str:
        """The path as Windows' own programs write it."""
        return path.replace("/", "\\")

    def real(self, path: str) -> str:
        """The path behind all links, each part as it is spelled on the disk."""
        return os.path.realpath(path)


def lies_below(path: str, folder: str) -> bool:
    """Whether a path lies in a folder and is another one."""
    return path != folder and lies_in(path, folder)


def drives_in(text: str) -> Drives | None:
    """The root that `C:=DIR` means; None for a text of another form."""
    drive, folder = drive_and_folder(text)
    return Drives(os.path.realpath(folder), drive) if drive else None


def drive_and_folder(text: str) -> tuple[str, str]:
    """The two parts of `C:=DIR`; "" for a drive in a text of another form."""
    match = _ROOT.fullmatch(text)
    return (match["drive"].upper(), match["folder"]) if match else ("", text)


def _same_without_case(folder: str, name: str) -> str | None:
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        unless_failing(error, folder)
        return None
    return next((other for other in names if other.lower() == name.lower()), None)

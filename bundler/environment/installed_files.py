"""Which files a distribution owns, by the list that its installer left: RECORD, or `installed-files.txt` of an `.egg-info`."""

from __future__ import annotations

from dataclasses import dataclass

from bundler.files import read_regular
from bundler.machine import os
from bundler.machine.failing import unless_failing
from bundler.rewrite.record import Record, parse_record, path_of_row
from bundler.sysroot import HOST, Sysroot


@dataclass(frozen=True, slots=True)
class InstalledFiles:
    """The files that a distribution's own list names."""

    paths: tuple[str, ...] = ()
    """Absolute, without dots; a file need not be there any more."""
    record: Record | None = None
    """The list, where it is a RECORD."""
    problem: str = ""
    """Why the list is not whole, in words that name no place of this machine; "" for a whole one, and for one that is not there."""
    is_there: bool = True


def read_installed_files(metadata: str, root: Sysroot = HOST) -> InstalledFiles:
    """The files of the distribution whose `.dist-info` or `.egg-info` lies at `metadata`, in a root."""
    folder, name = os.path.split(metadata)
    if name.endswith(".egg-info"):
        return _read_egg_info(metadata, root)
    try:
        record = parse_record(read_regular(os.path.join(metadata, "RECORD")))
    except FileNotFoundError:
        return InstalledFiles(is_there=False)
    except OSError as error:
        unless_failing(error, metadata)
        return InstalledFiles(problem=f"{name}/RECORD cannot be read ({error.strerror})")
    paths = tuple(_path(row, folder, root) for row in record.paths)
    return InstalledFiles(paths, record, f"{name}/RECORD is damaged ({record.damage})" if record.damage else "")


def _read_egg_info(metadata: str, root: Sysroot) -> InstalledFiles:
    """One path a line, counted from the folder `.egg-info` itself; an `.egg-info` that is a file has no list."""
    try:
        lines = (
            read_regular(os.path.join(metadata, "installed-files.txt")).decode("utf-8", "surrogateescape").splitlines()
        )
    except (FileNotFoundError, NotADirectoryError):
        return InstalledFiles(is_there=False)
    except OSError as error:
        unless_failing(error, metadata)
        name = os.path.basename(metadata)
        return InstalledFiles(problem=f"{name}/installed-files.txt cannot be read ({error.strerror})")
    return InstalledFiles(tuple(_path(line, metadata, root) for line in lines if line))


def _path(row: str, folder: str, root: Sysroot) -> str:
    """The path that a row means in a root."""
    is_drive = row[1:2] == ":" and root.is_name(row)
    return root.path_of(row) if is_drive else root.of_row(path_of_row(row, folder))

"""Runs a command as on a machine that has none of the optional programs (tests/material/programs.py): `-m scripts.without_tools`.

The arguments are a folder to make and the command. The folder becomes the command's PATH: a link to every program that is on
PATH now and not optional. Whoever names a program by its whole path, or sets a PATH of its own, still finds it.
"""

from __future__ import annotations

import os
import shutil
import sys

from tests.material.programs import is_optional


def link_programs(folder: str) -> None:
    """Fill a new folder with a link to each program on PATH that is not optional; the first of a name counts."""
    os.makedirs(folder)
    for place in os.environ.get("PATH", os.defpath).split(os.pathsep):
        if not os.path.isdir(place):
            continue
        with os.scandir(place) as entries:
            for entry in entries:
                link = os.path.join(folder, entry.name)
                if not is_optional(entry.name) and not os.path.lexists(link) and os.access(entry.path, os.X_OK):
                    os.symlink(os.path.abspath(entry.path), link)


def main() -> None:
    folder, *command = sys.argv[1:]
    shutil.rmtree(folder, ignore_errors=True)
    link_programs(folder)
    os.environ["PATH"] = folder
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()

"""In which order the folders of a search path must stand, so that each name is found where it should be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bundler.machine import os


def in_right_order(folders: Sequence[str], needs: Mapping[str, str], holds: Callable[[str, str], bool]) -> list[str]:
    """`folders` with as little moved as must be: the folder of each needed library before others that hold its name.

    `needs` are the places of libraries by the names that are asked for. Where two needs contradict each other, one of them is
    not met.
    """
    before: dict[str, set[str]] = {folder: set() for folder in folders}
    for name, place in needs.items():
        right = os.path.dirname(place)
        if right in before:
            for folder in folders:
                if folder != right and holds(folder, os.path.basename(name)):
                    before[folder].add(right)
    done: list[str] = []
    left = list(folders)
    while left:
        # The first that waits for nobody; in a circle the first of all.
        ready = next((folder for folder in left if before[folder].isdisjoint(left)), left[0])
        left.remove(ready)
        done.append(ready)
    return done

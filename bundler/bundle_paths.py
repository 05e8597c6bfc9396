"""Paths of a bundle: text without a leading slash, counted from its root, which is "". No file system is asked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from bundler.machine import os

MOST_LINKS = 40
"""How many links are followed in one path: the kernel's own limit, MAXSYMLINKS."""


def join(*parts: str) -> str:
    """Bundle paths put together; empty parts vanish."""
    return "/".join(part for part in parts if part)


def relative(target: str, folder: str) -> str:
    """The relative path from the bundle path `folder` to the bundle path `target` ("." for itself)."""
    there = target.split("/") if target else []
    here = folder.split("/") if folder else []
    same = 0
    while same < min(len(here), len(there)) and here[same] == there[same]:
        same += 1
    return "/".join([".."] * (len(here) - same) + there[same:]) or "."


def lies_in(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or below it, by their text; both are bundle paths, or both are absolute."""
    return path == folder or path.startswith(folder if folder.endswith("/") else folder + "/") or not folder


def parents(path: str) -> Iterator[str]:
    """The bundle paths of the directories above a path, the nearest first, without the root."""
    while path := path.rpartition("/")[0]:
        yield path


def folder_among(path: str, folders: Collection[str]) -> str | None:
    """The nearest of `folders` (a set, bundle paths) that a path lies below; None where it lies below none of them."""
    return next((folder for folder in parents(path) if folder in folders), None)


def directories_of(paths: Iterable[str]) -> set[str]:
    """The bundle paths of all directories that files at these paths lie in."""
    found: set[str] = set()
    for path in paths:
        folder = path.rpartition("/")[0]
        while folder and folder not in found:
            found.add(folder)
            folder = folder.rpartition("/")[0]
    return found


def normal(path: str) -> str | None:
    """The bundle path without `.` and `..`, no link followed; None where it leads out of the bundle."""
    place = os.path.normpath("./" + path)
    if place == "." or path == "":
        return ""
    return None if place == ".." or place.startswith("../") else place


def follow(path: str, links: Mapping[str, str]) -> str | None:
    """The bundle path behind all links of a bundle path; None where it leads out of the bundle or in a circle.

    `links` are targets, as written, by bundle path. What is not in the bundle stays as it is.
    """
    done: list[str] = []
    left = path.split("/")[::-1]
    steps = 0
    while left:
        part = left.pop()
        if part in ("", "."):
            continue
        if part == "..":
            if not done:
                return None
            done.pop()
            continue
        target = links.get("/".join((*done, part)))
        if target is None:
            done.append(part)
            continue
        steps += 1
        if target.startswith("/") or steps > MOST_LINKS:
            return None
        left += target.split("/")[::-1]
    return "/".join(done)


@dataclass(frozen=True, slots=True)
class BundleRoot:
    """The folder (absolute, without a slash at its end) that a bundle lies in: the way between paths and bundle paths."""

    path: str

    def place(self, bundle_path: str) -> str:
        """The absolute path of a bundle path."""
        return f"{self.path}/{bundle_path}" if bundle_path else self.path

    def holds(self, path: str) -> bool:
        """Whether an absolute path is the root or lies below it, by its text."""
        return lies_in(path, self.path)

    def inside(self, path: str) -> str | None:
        """The bundle path of an absolute path, by its text; None outside."""
        if path == self.path:
            return ""
        return path[len(self.path) + 1 :] if path.startswith(self.path + "/") else None


NOWHERE = BundleRoot("/\x01bundle")
"""Where a bundle stands that is only planned, or lies in an archive. No path of a real machine begins like this."""

"""What a person means by a name: a file of the bundle, a distribution, or a library, in the bundle or not."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial

from packaging.utils import canonicalize_name

from bundler.bundle_paths import follow
from bundler.contents.model import Contents, Distribution, Item, Place
from bundler.errors import UnknownName

_SUFFIX = re.compile(r"(\.so(\.\d+)*|(\.\d+)*\.dylib|\.dll|\.pyd)$", re.IGNORECASE)
_DIGEST = re.compile(r"-[0-9a-f]{8,}([.\d]*)$")
"""What auditwheel and delvewheel put into names, and what may follow it."""
_NEAR, _SHORTEST = 3, 4


@dataclass(frozen=True, slots=True)
class Meant:
    """What a name means: one distribution, or files, or libraries that are none of the bundle's files."""

    distribution: Distribution | None = None
    items: tuple[Item, ...] = ()
    outside: tuple[str, ...] = ()
    """Names of libraries that binaries ask for, and that are left to the host or found nowhere."""


def meant(contents: Contents, name: str) -> Meant:
    """What `name` means: a bundle path; a distribution, however it is spelled; a library or any other file by its own name, with or
    without a version and what stands before and behind it (`libssl.so.3`, `libssl`, `ssl`); or a pattern of a shell.

    Raises UnknownName, with names that are near.
    """
    path = name.removeprefix("./").rstrip("/")
    items = {item.path: item for item in contents.items}
    if path in items:
        links = {item.path: item.link for item in contents.items if item.link is not None}
        return Meant(items=(items.get(follow(path, links) or path, items[path]),))
    wanted = canonicalize_name(name)
    for distribution in contents.distributions:
        if canonicalize_name(distribution.name) == wanted:
            return Meant(distribution)
    outside = _outside(contents)
    for fits in (_is_name, _is_stem, _is_beginning):
        found = _fitting(contents, outside, partial(fits, name))
        if found is not None:
            return found
    raise UnknownName(f"nothing in {contents.name} is called {name}", _hint(name, _names(contents, outside)))


def _outside(contents: Contents) -> list[str]:
    """Names of libraries that are none of the bundle's."""
    needs = (need for each in contents.binaries.values() for need in each.needs)
    return sorted({need.name for need in needs if need.place is not Place.BUNDLE})


def _fitting(contents: Contents, outside: Iterable[str], fits: Callable[[str], bool]) -> Meant | None:
    """What has a name that `fits`, by its own name or by one that a binary has for it. Links stand back behind files, as others do
    behind binaries; None for nothing."""
    asked = {
        need.path for each in contents.binaries.values() for need in each.needs if need.path and fits(_leaf(need.name))
    }
    items = [item for item in contents.items if item.path in asked or fits(_leaf(item.path))]
    items = [item for item in items if item.link is None] or items
    binaries = [item for item in items if item.path in contents.binaries]
    left = tuple(name for name in outside if fits(_leaf(name)))
    if not items and not left:
        return None
    return Meant(items=tuple(binaries or ([] if left else items)), outside=left)


def _is_name(wanted: str, leaf: str) -> bool:
    return leaf == wanted or ("*" in wanted and fnmatchcase(leaf, wanted))


def _is_stem(wanted: str, leaf: str) -> bool:
    """Whether a file's own name is meant by a shorter one: `ssl`, `libssl` or `libssl.so` for `libssl.so.3`, digest or not."""
    lower, name = leaf.lower(), wanted.lower()
    stem = _DIGEST.sub("", _SUFFIX.sub("", lower))
    return lower.startswith(f"{name}.") or stem in (name, f"lib{name}")


def _is_beginning(wanted: str, leaf: str) -> bool:
    """Whether a library's name begins so: `libopenblas` for `libopenblasp-r0-59ffcd50.so`."""
    return len(wanted) >= _SHORTEST and leaf.lower().startswith(wanted.lower()) and _SUFFIX.search(leaf) is not None


def _names(contents: Contents, outside: Iterable[str]) -> Iterator[str]:
    """What could have been meant."""
    yield from (each.name for each in contents.distributions)
    for path in contents.binaries:
        leaf = _leaf(path)
        yield leaf
        yield _SUFFIX.sub("", leaf)
        yield leaf.partition(".")[0]
    for name in outside:
        yield name
        yield _SUFFIX.sub("", _leaf(name))


def _hint(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(dict.fromkeys(names)), _NEAR)
    if not near:
        return "name a distribution, a library (libssl.so.3, libssl), or the path of a file in the bundle"
    return f"did you mean {' or '.join(near)}?"


def _leaf(path: str) -> str:
    return path.rpartition("/")[2]

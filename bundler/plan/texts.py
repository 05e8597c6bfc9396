"""Text that embeds a path: found among the plan's files, and rewritten so that it holds wherever the bundle is."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from bundler.environment import Environment
from bundler.plan.entries import Entry, Layer, Literal, Source
from bundler.plan.layout import site_packages_path, stdlib_path
from bundler.plan.mounts import MountTable, relative
from bundler.rewrite import Rewritten
from bundler.rewrite.debian import rewrite_debian
from bundler.rewrite.direct_url import names_local_path
from bundler.rewrite.pkg_config import rewrite_pkg_config
from bundler.rewrite.pth import rewrite_pth
from bundler.rewrite.scripts import rewrite_script

SIDE_FILES = "libexec/bundler"


@dataclass(frozen=True, slots=True)
class Texts:
    """Entries to put over the plan's, bundle paths that go, and what could not be settled."""

    entries: tuple[Entry, ...]
    removed: frozenset[str]
    warnings: tuple[str, ...]


def plan_texts(entries: Mapping[str, Entry], environment: Environment, mounts: MountTable) -> Texts:
    """Rewrite what must be. Raises UnknownVariant for a file of Debian's that is like none that is known."""
    planner = _Planner(entries, environment, mounts)
    for path in sorted(entries):
        planner.look_at(entries[path])
    return Texts(tuple(planner.changed), frozenset(planner.removed), tuple(planner.warnings))


class _Planner:
    """Looks at each entry once; knows which rewriter is for which path."""

    def __init__(self, entries: Mapping[str, Entry], environment: Environment, mounts: MountTable) -> None:
        interpreter = environment.interpreter
        self._entries = entries
        self._mounts = mounts
        self._interpreter = interpreter
        self._stdlib = stdlib_path(interpreter) + "/"
        self._site_packages = site_packages_path(interpreter) + "/"
        self._prefixes = _prefixes(environment)
        self._directories = _directories(environment, mounts)
        self.changed: list[Entry] = []
        self.removed: set[str] = set()
        self.warnings: list[str] = []

    def look_at(self, entry: Entry) -> None:
        if not isinstance(entry.content, Source):
            return
        rewriter = self._rewriter(entry)
        if rewriter is None:
            return
        with open(entry.content.path, "rb") as file:
            data = file.read()
        rewritten = rewriter(entry, data)
        if rewritten is not None:
            self.changed.append(replace(entry, content=Literal(rewritten.data), reason=rewritten.reason))

    def _rewriter(self, entry: Entry) -> Callable[[Entry, bytes], Rewritten | None] | None:
        """The one rewriter for a path, or None; scripts are told by their first bytes."""
        path = entry.path
        name = os.path.basename(path)
        if path.startswith(self._stdlib) and not path.startswith(self._site_packages):
            below = path[len(self._stdlib) :]
            for pattern, rewriter in self._stdlib_rewriters():
                if fnmatch.fnmatchcase(below, pattern):
                    return rewriter
        if path.startswith("lib/pkgconfig/") and name.endswith(".pc"):
            return self._pkg_config
        if fnmatch.fnmatchcase(path, "bin/*-config") and self._begins_with(entry, b"#!/bin/sh"):
            return self._sh_config
        if name.endswith(".pth") and os.path.dirname(path).endswith("site-packages"):
            return self._pth
        if name == "direct_url.json" and os.path.dirname(path).endswith(".dist-info"):
            return self._direct_url
        if (path.startswith("bin/") or entry.mode & 0o111) and self._begins_with(entry, b"#!"):
            return self._script
        return None

    def _begins_with(self, entry: Entry, head: bytes) -> bool:
        assert isinstance(entry.content, Source)
        with open(entry.content.path, "rb") as file:
            return file.read(len(head)) == head

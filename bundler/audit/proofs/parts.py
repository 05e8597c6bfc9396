"""What the outcome of an import can depend on: the parts of a bundle, each with a digest.

Parts are coarse on purpose. Who imports anything of a package depends on all that lies in its folder: libraries read data in ways
that nobody sees.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from bundler.audit.observation import Batch, Observation
from bundler.audit.tree import BundleTree
from bundler.bundle_paths import BundleRoot, lies_in
from bundler.trees import MANIFEST

RUNTIME = "runtime"
"""The interpreter, the standard library, and whatever has no part of its own."""
STARTUP = "startup"
"""What Python reads in the package folders at each start."""
NAMES = "names of distributions"
DISTRIBUTIONS = "distributions"
"""The folders of metadata, with all that is in them."""
ENTRY_POINTS = "entry points"
_IMPORT, _FILE, _LISTING = "import ", "file ", "listing "
_CUSTOMIZING = ("sitecustomize", "usercustomize")
_STARTUP_SUFFIXES = (".pth", ".start", ".egg-link")
_METADATA_SUFFIXES = (".dist-info", ".egg-info")
_POINTS = "/entry_points.txt"


class Parts:
    """The parts of a bundle that was read, or is planned."""

    def __init__(self, tree: BundleTree) -> None:
        python = tree.manifest.python
        self._scheme = python.scheme
        # The inner ones first: a package folder of the base may lie in the standard library's.
        self._folders = sorted(python.site_packages, key=len, reverse=True)
        self._added = {path for path, fact in tree.manifest.files.items() if fact.origin.startswith("added:")}
        self._rows: dict[str, set[str]] = {}
        for path, seen in tree.files.items():
            self._add(path, f"{seen.mode:o} {seen.sha256}")
        for path, target in tree.links.items():
            self._add(path, f"to {target}")
        for path in tree.folders:
            if self._in_package_folder(path)[0] is not None:
                self._add(path, "folder")
        self._digests: dict[str, str] = {}

    def digest(self, part: str) -> str:
        """What tells the content of a part from others (hexadecimal SHA-256); "" for one that there is not."""
        known = self._digests.get(part)
        if known is None:
            text = "\n".join(sorted(self._rows.get(part, ())))
            known = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest() if text else ""
            self._digests[part] = known
        return known

    def of_process(self, batch: Batch, seen: Observation, root: BundleRoot) -> frozenset[str]:
        """The parts that an observation of the bundle, which lay at `root`, depends on."""
        found = {RUNTIME, STARTUP}
        found.update(_IMPORT + name.partition(".")[0] for name in (*seen.asked, *seen.modules))
        found.update(self._part_of(path) for path in _inside(seen.modules.values(), root))
        found.update(self._part_of(path) for path in _inside(seen.libraries or (), root))
        found.update(self._part_of(path) for path in _inside(seen.read, root))
        for path in _inside(seen.listed, root):
            found.add(_LISTING + path if path in self._folders else self._part_of(path + "/"))
        for path in _inside(seen.metadata, root):
            found.add(NAMES if path in self._folders else _FILE + path)
            if path.endswith(_POINTS):
                found.add(ENTRY_POINTS)
        if batch.metadata:
            found.add(DISTRIBUTIONS)
        return frozenset(found)

    def _add(self, path: str, content: str) -> None:
        """Count a file or link to its parts."""
        row = f"{path}\0{content}"
        for part, told in self._parts_with(path, row):
            self._rows.setdefault(part, set()).add(told)

    def _parts_with(self, path: str, row: str) -> Iterator[tuple[str, str]]:
        """The parts that a path belongs to, and what it is in each."""
        folder, top = self._in_package_folder(path)
        if folder is None:
            if not self._is_of_no_import(path):
                yield self._part_of(path), row
            return
        yield _LISTING + folder, top
        stem = top.partition(".")[0]
        if top.endswith(_METADATA_SUFFIXES):
            yield NAMES, top.partition("-")[0]
            yield DISTRIBUTIONS, row
            yield _FILE + path, row
            if path.endswith(_POINTS):
                yield ENTRY_POINTS, row
            return
        yield _IMPORT + stem, row
        if top.endswith(_STARTUP_SUFFIXES) or stem in _CUSTOMIZING:
            yield STARTUP, row

    def _part_of(self, path: str) -> str:
        """The part of a module or a library at a bundle path."""
        if self._scheme.bundled and lies_in(path, self._scheme.bundled):
            return _FILE + path
        folder, top = self._in_package_folder(path)
        return RUNTIME if folder is None else _IMPORT + top.partition(".")[0]

    def _in_package_folder(self, path: str) -> tuple[str | None, str]:
        """The package folder that a path lies in, and the name there that it belongs to; None for no such folder."""
        folder = next((folder for folder in self._folders if path.startswith(folder + "/")), None)
        return (None, "") if folder is None else (folder, path[len(folder) + 1 :].partition("/")[0])

    def _is_of_no_import(self, path: str) -> bool:
        """Whether no module that the source has can depend on a path: what the user added, other programs."""
        scheme = self._scheme
        return path == MANIFEST or path in self._added or (scheme.is_script(path) and path != scheme.executable)


def _inside(paths: Iterable[str], root: BundleRoot) -> Iterator[str]:
    """Those of absolute paths that lie in the bundle, as bundle paths."""
    for path in paths:
        if (inside := root.inside(path)) is not None:
            yield inside

"""Which file of a bundle Python imports under a name: what an added one takes the place of.

Rules: CPython's `importlib._bootstrap_external`, FileFinder. `sys.path` is asked folder by folder; in a folder a package comes
first, then an extension module, then a source, then a compiled module without one.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import NamedTuple

from bundler.audit.tree import BundleTree

_INIT = "__init__"
_PYCACHE = "__pycache__"


class Module(NamedTuple):
    """A file that can be imported: the folder that Python finds it in, its name there, and its rank, of which the lowest wins."""

    folder: str
    name: str
    rank: int
    path: str


class Importable:
    """The modules of a bundle that were packed and are there, and what comes before them."""

    def __init__(self, tree: BundleTree) -> None:
        self._tree = tree
        python = tree.manifest.python
        self._suffixes = (*sorted(python.extension_suffixes, key=len, reverse=True), ".py", ".pyc")
        self.folders = tuple(dict.fromkeys((python.stdlib, python.scheme.dynload, *python.site_packages)))
        """Bundle paths of the folders of `sys.path`, in order."""

    def module_at(self, path: str) -> Module | None:
        """What Python imports from a file; None for what it never does."""
        folder, _, file = path.rpartition("/")
        rank, suffix = next(
            ((rank, suffix) for rank, suffix in enumerate(self._suffixes) if file.endswith(suffix)), (0, "")
        )
        name = file[: len(file) - len(suffix)]
        if not suffix or not name.isidentifier() or folder.rpartition("/")[2] == _PYCACHE:
            return None
        if name != _INIT:
            return Module(folder, name, len(self._suffixes) + rank, path)
        above, _, package = folder.rpartition("/")
        return Module(above, package, rank, path)

    def hidden_by(self, module: Module) -> str | None:
        """The bundle path of what was packed and is not imported any more because `module` is there; None for nothing."""
        beside = self._packed.get((module.folder, module.name))
        if beside is not None and beside.rank > module.rank:
            return beside.path
        if module.folder not in self.folders:
            return None
        behind = self.folders[self.folders.index(module.folder) + 1 :]
        return self._first((folder, module.name) for folder in behind)

    def found_first(self, name: str) -> str | None:
        """The bundle path of what was packed and is imported under a top-level name; None for nothing."""
        return self._first((folder, name) for folder in self.folders)

    def _first(self, keys: Iterable[tuple[str, str]]) -> str | None:
        return next((self._packed[key].path for key in keys if key in self._packed), None)

    @cached_property
    def _packed(self) -> dict[tuple[str, str], Module]:
        """By folder and name, what wins there."""
        found: dict[tuple[str, str], Module] = {}
        for path in self._tree.files.keys() & self._tree.manifest.files.keys():
            module = self.module_at(path)
            if module is None:
                continue
            other = found.setdefault(module[:2], module)
            if module.rank < other.rank:
                found[module[:2]] = module
        return found

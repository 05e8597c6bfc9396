"""Which layer each path of a bundle belongs to. `bundle.json` does not tell, but from origin and place the plan's layer follows."""

from __future__ import annotations

from collections.abc import Collection

from bundler.bundle_paths import folder_among
from bundler.entries import Layer
from bundler.manifest import Manifest
from bundler.plan.origins import ADDED, BASE, BUNDLER, ENVIRONMENT, HOST, PROJECT
from bundler.plan.readme import README
from bundler.rewrite.scripts import side_file_path
from bundler.systems.system import System
from bundler.trees import MANIFEST


class Layers:
    """Tells the layer of each path of a bundle."""

    def __init__(self, manifest: Manifest, system: System, own: Collection[str]) -> None:
        """`own` are names of distributions that the user's own machine had, and no index."""
        self._manifest = manifest
        self._system = system
        self._own = own
        self._packages = frozenset(manifest.python.site_packages)

    def layer(self, path: str, origin: str, owner: str) -> Layer:
        """The layer of a bundle path with an origin ("" for what came later), of a distribution ("" for none)."""
        python = self._manifest.python
        if origin.startswith((ADDED, PROJECT)) or owner in self._own or path in (MANIFEST, README):
            return Layer.APPLICATION
        if owner or folder_among(path, self._packages) is not None:
            return Layer.PACKAGES
        if origin.startswith((BASE, HOST)):
            return Layer.RUNTIME
        if origin == BUNDLER:
            return Layer.APPLICATION if self._starts_application(path) else Layer.RUNTIME
        is_of_environment = origin.startswith(ENVIRONMENT) or not origin
        is_of_python = path == python.executable or self._system.is_of_python(path, python.scheme)
        return Layer.PACKAGES if is_of_environment and not is_of_python else Layer.RUNTIME

    def _starts_application(self, path: str) -> bool:
        """Whether a file that bundler made is the start command, or stands beside it."""
        start = self._manifest.python.scheme.script(self._system.start_name)
        return bool(self._manifest.entry) and path in (start, side_file_path(start))

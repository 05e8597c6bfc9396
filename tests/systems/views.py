"""A bundle that needs no files, as the checks of the systems see one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from bundler.binaries.format import Functions, SymbolVersions
from bundler.bundle_paths import NOWHERE, BundleRoot
from bundler.floor import Floor
from bundler.scheme import BundleScheme
from bundler.systems.bundle_view import NOTHING_TOLD, Told, Wheel
from bundler.systems.libraries import NeededBy, UnprovidedVersion
from tests.material.schemes import POSIX_312


@dataclass(frozen=True)
class View:
    """See `systems.bundle_view.BundleView`."""

    images: Mapping[str, object]
    scheme: BundleScheme = POSIX_312
    root: BundleRoot = NOWHERE
    python: tuple[int, int] = (3, 12)
    extension_suffixes: tuple[str, ...] = (".so",)
    host_libraries: Collection[str] = ()
    loader: str = ""
    told: Told = NOTHING_TOLD
    host_libc: Floor | None = None
    missing: Collection[NeededBy] = ()
    unprovided: Collection[UnprovidedVersion] = ()
    unbound: Mapping[str, Collection[str]] = field(default_factory=dict)
    open_file: Callable[[str], BinaryIO] | None = None
    versions: Mapping[str, SymbolVersions] = field(default_factory=dict)
    functions: Mapping[str, Functions] = field(default_factory=dict)
    binary_faults: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    texts: Mapping[str, bytes] = field(default_factory=dict)
    scripts: Mapping[str, bytes] = field(default_factory=dict)
    wheels: Mapping[str, Wheel] = field(default_factory=dict)
    users: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def follow(self, path: str) -> str | None:
        return path

    def wheel_of(self, path: str) -> Wheel | None:
        return self.wheels.get(path)

    def needed_by(self, path: str) -> Sequence[str]:
        return self.users.get(path, ())

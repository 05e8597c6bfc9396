"""A way to spoil a bundle, as a value: what is done to it, and which fault of the audit must tell."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bundler.faults import FaultKind


class Spoiled:
    """A copy of a bundle that is being spoiled. Its files are hard links: each change is a new file."""

    def __init__(self, root: Path) -> None:
        self.root = root
        manifest = self.manifest
        self.python: str = manifest["python"]["executable"]
        self.stdlib: str = manifest["python"]["stdlib"]
        self.site: str = manifest["python"]["site_packages"][0]
        self.zip: str = manifest["python"]["scheme"]["stdlib_zip"]
        self.dynload: str = manifest["python"]["scheme"]["dynload"]
        self.suffix: str = max(manifest["python"]["extension_suffixes"], key=len)
        self.tag = "cpython-" + ".".join(manifest["python"]["version"].split(".")[:2]).replace(".", "")

    @property
    def manifest(self) -> dict[str, Any]:
        """What `bundle.json` says now."""
        found: dict[str, Any] = json.loads((self.root / "bundle.json").read_bytes())
        return found

    def edit(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Let `change` alter what `bundle.json` says."""
        manifest = self.manifest
        change(manifest)
        self.write("bundle.json", json.dumps(manifest).encode())

    def read(self, path: str) -> bytes:
        """The content of a file."""
        return (self.root / path).read_bytes()

    def write(self, path: str, data: bytes, mode: int | None = None) -> None:
        """A new file, in the place of what was there; with its mode unless another one is given."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if mode is None:
            mode = place.stat().st_mode & 0o7777 if place.is_file() and not place.is_symlink() else 0o644
        self.remove(path)
        place.write_bytes(data)
        place.chmod(mode)

    def remove(self, path: str) -> None:
        """Nothing is there any more."""
        place = self.root / path
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)

    def link(self, path: str, target: str) -> None:
        """A link in the place of what was there."""
        self.remove(path)
        (self.root / path).symlink_to(target)

    def mode(self, path: str, mode: int) -> None:
        """Other permissions, for this file alone."""
        self.write(path, self.read(path), mode)

    def accept(self, *paths: str) -> None:
        """Put what is at these paths now into `bundle.json`, as if it had been packed."""

        def change(manifest: dict[str, Any]) -> None:
            files = manifest["files"]
            for path in paths:
                place = self.root / path
                old = files.pop(path, {"origin": "env:" + path})
                if place.is_symlink():
                    files[path] = {"link": os.readlink(place), "origin": old["origin"]}
                elif place.is_file():
                    data = place.read_bytes()
                    files[path] = {**old, "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
                    files[path]["mode"] = f"{place.stat().st_mode & 0o777:o}"
                    files[path].pop("link", None)

        self.edit(change)

    def library(self, name: str) -> str:
        """The bundle path of a library that came from the host."""
        files: dict[str, dict[str, str]] = self.manifest["files"]
        return next(path for path, fact in files.items() if path.startswith(f"lib/bundled/{name}") and "sha256" in fact)

    def extension(self, name: str) -> str:
        """The bundle path of an extension module of the standard library."""
        return f"{self.dynload}/{name}{self.suffix}"


@dataclass(frozen=True)
class Way:
    """One way. `path` and `words` must be in the fault; in a path `{site}` and the like are the bundle's own."""

    name: str
    spoil: Callable[[Spoiled], None]
    kind: FaultKind
    path: str
    words: str


WAYS: list[Way] = []


def way(name: str, kind: FaultKind, path: str, words: str) -> Callable[[Callable[[Spoiled], None]], None]:
    """Make what follows a way to spoil a bundle."""

    def add(spoil: Callable[[Spoiled], None]) -> None:
        WAYS.append(Way(name, spoil, kind, path, words))

    return add

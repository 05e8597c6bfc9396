"""A small machine made up for a test: a Python 3.12 in `base/`, and a virtual environment over it in `env/`. Nothing of it runs."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bundler.entries import Directory, Entry, Layer, Link, Literal
from bundler.environment import Environment, EnvironmentKind, Interpreter
from bundler.environment.distributions import find_distributions
from bundler.environment.facts import VersionInfo
from bundler.plan.bases import mounts_for
from bundler.plan.collect import collect
from bundler.plan.mounts import MountTable
from bundler.platforms import X86_64, Libc, OperatingSystem, Platform
from bundler.sysroot import HOST, Sysroot
from tests.material.schemes import POSIX_312

SITE = POSIX_312.site_packages
STDLIB = POSIX_312.stdlib
VERSION = VersionInfo(3, 12, 4, "final", 0)
LINUX = Platform(OperatingSystem.LINUX, (X86_64,), Libc.GLIBC)


def entry(path: str, content: str | Link | Directory = "", **facts: Any) -> Entry:
    """An entry of the environment's packages; text stands for a file with it."""
    made = Entry(
        path,
        Literal(content.encode()) if isinstance(content, str) else content,
        0o644,
        0,
        Layer.PACKAGES,
        f"env:{path}",
    )
    return made._replace(**facts)


def entries(*items: str | Entry) -> dict[str, Entry]:
    """Entries by path: a path alone is an empty file, one that ends in a slash a directory."""
    found = {}
    for item in items:
        made = entry(item.rstrip("/"), Directory() if item.endswith("/") else "") if isinstance(item, str) else item
        found[made.path] = made
    return found


@dataclass
class Machine:
    """The machine, below a folder."""

    folder: Path
    kind: EnvironmentKind = EnvironmentKind.VENV
    base: str = "base"
    """The base's folder, below the machine's."""
    sysroot: Sysroot = HOST
    variables: dict[str, str] = field(default_factory=dict)
    config: dict[str, str] = field(default_factory=dict)
    version: VersionInfo = VERSION
    """What the base says that it is; its folders keep the name of 3.12."""

    def __post_init__(self) -> None:
        self.put(f"{self.base}/bin/python3.12", mode=0o755)
        self.put(f"{self.base}/{STDLIB}/os.py")
        self.put(f"env/{SITE}/.keep")
        (self.folder / f"env/{SITE}/.keep").unlink()

    def put(self, path: str, text: str = "", mode: int = 0o644) -> Path:
        """Write a file."""
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(mode)
        return place

    def link(self, path: str, target: str) -> None:
        """Make a link."""
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)

    def install(self, name: str, *rows: str, root: str = "env", **metadata: str) -> None:
        """Write the metadata of version 1 of a distribution whose RECORD has some rows; `__` in a name stands for a dot."""
        for file, text in metadata.items():
            self.put(f"{root}/{SITE}/{name}-1.dist-info/{file.replace('__', '.')}", text)
        self.put(f"{root}/{SITE}/{name}-1.dist-info/METADATA", f"Name: {name}\nVersion: 1\n")
        self.put(f"{root}/{SITE}/{name}-1.dist-info/RECORD", "".join(f"{row}\n" for row in rows))

    @property
    def interpreter(self) -> Interpreter:
        """The facts of the base."""
        base = self.folder / self.base
        return Interpreter(
            version_info=self.version,
            executable=str(base / "bin/python3.12"),
            base_prefix=str(base),
            platlibdir="lib",
            abiflags="",
            stdlib=str(base / STDLIB),
            platstdlib=str(base / STDLIB),
            include=str(base / "include/python3.12"),
            dist_packages=False,
            extension_suffixes=(".cpython-312-x86_64-linux-gnu.so", ".abi3.so", ".so"),
            cache_tag="cpython-312",
            variables=self.variables,
            sysroot=self.sysroot,
        )

    @property
    def environment(self) -> Environment:
        """The facts of the environment, as it is now; an installation is the base itself."""
        root = str(self.folder / ("env" if self.kind is EnvironmentKind.VENV else self.base))
        site_packages = (os.path.join(root, SITE),)
        return Environment(
            root=root,
            kind=self.kind,
            interpreter=self.interpreter,
            python=os.path.join(root, "bin/python"),
            config=self.config,
            site_packages=tuple(filter(os.path.isdir, site_packages)),
            distributions=find_distributions(site_packages),
            platform=LINUX,
            scheme=POSIX_312,
        )

    @property
    def mounts(self) -> MountTable:
        """What of the machine comes along."""
        return MountTable(mounts_for(self.environment))

    @property
    def entries(self) -> dict[str, Entry]:
        """Every path that comes along, before anything is changed."""
        return dict(collect(self.mounts).entries)

    def under_system_prefix(self) -> Environment:
        """The environment with its base at `/usr`, by name alone: nothing is read from there."""
        interpreter = replace(
            self.interpreter, base_prefix="/usr", stdlib=f"/usr/{STDLIB}", include="/usr/include/python3.12"
        )
        return replace(self.environment, interpreter=interpreter)

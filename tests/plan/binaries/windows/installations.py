"""Installations of Python for Windows, as far as a plan reads them: python.org's files, or small ones of ours by their names."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from bundler.environment import load_environment
from bundler.options import ContentOptions
from bundler.plan.make import Plan, make_plan
from bundler.plan.settings import PlanSettings
from tests.binaries.pe.samples import make_pe
from tests.material.wheels import unpack
from tests.material.windows import embeddable

MACHINES = {"win_amd64": 0x8664, "win32": 0x14C, "win_arm64": 0xAA64}
SITE = "Lib/site-packages"


@dataclass
class Installation:
    """A drive with `Python` and `Windows\\System32`; what is written to `files` and `system32` lies there."""

    drive: Path
    platform: str = "win_amd64"
    version: str = "3.13"
    real: bool = False
    """Whether it is python.org's embeddable one."""
    files: dict[str, bytes] = field(default_factory=dict)
    system32: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        short = self.version.replace(".", "")
        if self.real:
            shutil.copytree(embeddable(), self.root)
        else:
            self.files = {**self._made_up(short), **self.files}
        for folder, files in ((self.root, self.files), (self.drive / "Windows/System32", self.system32)):
            for name, data in files.items():
                place = folder / name
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(data)
        (self.root / SITE).mkdir(parents=True, exist_ok=True)

    @property
    def root(self) -> Path:
        return self.drive / "Python"

    def _made_up(self, short: str) -> dict[str, bytes]:
        machine = MACHINES[self.platform]
        runtime = "vcruntime140.dll"
        return {
            "python.exe": make_pe([f"python{short}.dll", runtime], dll=False, machine=machine),
            f"python{short}.dll": make_pe([runtime, "kernel32.dll"], machine=machine),
            "python3.dll": make_pe(forwarded=[f"python{short}.Py_Main"], machine=machine),
            runtime: make_pe(machine=machine),
            "vcruntime140_1.dll": make_pe([runtime], machine=machine),
            "include/patchlevel.h": f'#define PY_VERSION "{self.version}.1"\n'.encode(),
            "Lib/os.py": b"",
        }

    def install(self, requirement: str) -> None:
        """Unpack a wheel."""
        unpack(requirement, self.platform, self.root / SITE, self.version)

    def plan(self, include: tuple[str, ...] = (), exclude: tuple[str, ...] = ()) -> Plan:
        environment = load_environment(str(self.root), root=f"C:={self.drive}")
        content = ContentOptions(include_libs=include, exclude_libs=exclude)
        return make_plan(environment, PlanSettings(content=content))

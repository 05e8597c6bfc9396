"""Builds the entry stubs and the launchers: compiled by zig (clang), linked to plain bytes by the lld inside it."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.material.entry_stubs import MACHINES, build, build_launcher

target = Path(sys.argv[1])
for name in MACHINES:
    for folder, make in (("stubs", build), ("launchers", build_launcher)):
        (target / folder).mkdir(exist_ok=True)
        (target / folder / f"{name}.bin").write_bytes(data := make(name))
        print(f"{folder}/{name}", len(data), "bytes")

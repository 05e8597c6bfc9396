"""Builds the entry stubs: compiled by zig (clang), linked to plain bytes by the lld inside it."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.material.entry_stubs import MACHINES, build

target = Path(sys.argv[1])
for name in MACHINES:
    (target / f"{name}.bin").write_bytes(data := build(name))
    print(name, len(data), "bytes")

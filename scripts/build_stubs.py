"""Builds the entry stubs: compiled by zig (clang), linked to plain bytes by the lld inside it; and writes down their digests."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from tests.material.entry_stubs import MACHINES, build

target = Path(sys.argv[1])
stubs = {f"{name}.bin": build(name) for name in MACHINES}
for name, data in stubs.items():
    (target / name).write_bytes(data)
    print(name, len(data), "bytes")
lines = [f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(stubs.items())]
(target / "SHA256SUMS").write_text("".join(lines), encoding="ascii")

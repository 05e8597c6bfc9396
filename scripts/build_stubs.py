"""Builds the entry stubs and the launchers: compiled by zig (clang), linked by the lld inside it; writes down their digests."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from tests.material.entry_stubs import LAUNCHERS, STUBS, build, build_launcher

target = Path(sys.argv[1])
for folder, names, make in (("stubs", STUBS, build), ("launchers", LAUNCHERS, build_launcher)):
    place = target / folder
    place.mkdir(parents=True, exist_ok=True)
    made = {f"{name}.bin": make(name) for name in sorted(names)}
    for name, data in made.items():
        (place / name).write_bytes(data)
        print(f"{folder}/{name}", len(data), "bytes")
    lines = [f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in made.items()]
    (place / "SHA256SUMS").write_text("".join(lines), encoding="ascii")

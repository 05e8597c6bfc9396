"""Roots of machines with a package manager, as far as its database goes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

LIB = "/usr/lib/x86_64-linux-gnu"


def put(root: Path, files: Mapping[str, str]) -> Path:
    """Files at names of a root."""
    for name, text in files.items():
        place = root / name.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return root


def debian(root: Path, **packages: tuple[str, list[str]]) -> Path:
    """A Debian 12 with packages (`_` for `-`, `__` for a colon): the lines of each's stanza behind its name, and its files."""
    put(root, {"/etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 12"\nID=debian\nVERSION_ID="12"\n'})
    stanzas = []
    for key, (stanza, files) in packages.items():
        name = key.replace("__", ":").replace("_", "-")
        stanzas.append(f"Package: {name.partition(':')[0]}\nStatus: install ok installed\n{stanza}\n")
        put(root, {f"/var/lib/dpkg/info/{name}.list": "".join(f"{file}\n" for file in ["/.", *files])})
    put(root, {"/var/lib/dpkg/status": "\n".join(stanzas)})
    return root

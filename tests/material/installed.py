"""Distributions put into a folder of packages by hand, as an installer leaves them."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path


def site_packages(environment: Path) -> Path:
    """The folder of packages of an environment."""
    return next(environment.glob("lib/python3*/site-packages"))


def install(environment: Path, name: str, files: Mapping[str, bytes | str], *, url: str = "") -> Path:
    """A distribution with these files, from an index; with `url` from there. Returns its `.dist-info`."""
    site = site_packages(environment)
    info = f"{name}-1.0.dist-info"
    told: dict[str, bytes | str] = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/INSTALLER": "pip\n",
    }
    if url:
        told[f"{info}/direct_url.json"] = json.dumps({"archive_info": {}, "url": url})
    rows = [f"{info}/RECORD,,\n"]
    for path, text in {**files, **told}.items():
        data = text.encode() if isinstance(text, str) else text
        place = site / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        rows.append(f"{path},sha256={digest},{len(data)}\n")
    (site / info / "RECORD").write_text("".join(rows))
    return site / info

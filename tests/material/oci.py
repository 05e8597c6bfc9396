"""Container images for tests."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path

PLAIN_INDEX = "application/vnd.oci.image.index.v1+json"


def image_of(path: Path, *architectures: str) -> Path:
    """An OCI archive whose index leads to an index of one image for each machine."""
    blobs: dict[str, bytes] = {}

    def blob(data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = data
        return f"sha256:{digest}"

    manifests = []
    for architecture in architectures:
        layer = blob(gzip.compress(architecture.encode()))
        config = {"architecture": architecture, "config": {"Env": [f"FOR={architecture}"]}}
        uncompressed = hashlib.sha256(architecture.encode()).hexdigest()
        config["rootfs"] = {"type": "layers", "diff_ids": [f"sha256:{uncompressed}"]}
        layers = [{"digest": layer, "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip"}]
        manifest = {"config": {"digest": blob(json.dumps(config).encode())}, "layers": layers}
        digest = blob(json.dumps(manifest).encode())
        manifests.append({"digest": digest, "platform": {"architecture": architecture, "os": "linux"}})
    index = blob(json.dumps({"manifests": manifests}).encode())
    blobs["index.json"] = json.dumps({"manifests": [{"digest": index, "mediaType": PLAIN_INDEX}]}).encode()
    with tarfile.open(path, "w") as archive:
        for name, data in blobs.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path

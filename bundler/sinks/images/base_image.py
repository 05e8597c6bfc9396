"""The image that a bundle's layers are put on: read from a file that `podman save`, `docker save` or `skopeo` wrote."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO, Any

from bundler.errors import OutputFailed
from bundler.files import MOST_OF_A_TEXT
from bundler.parsing import parse_json

_PLAIN = "application/vnd.oci.image.layer.v1.tar"
_MOST_INDEXES = 8
_HINT = "make one with: skopeo copy docker://debian:13-slim oci-archive:base.tar, or podman save"


@dataclass(frozen=True, slots=True)
class BaseLayer:
    """A layer as it is in the base: its media type, and the digest (hexadecimal SHA-256) of its uncompressed tar."""

    media_type: str
    uncompressed: str
    open: Callable[[], IO[bytes]]


@dataclass(frozen=True, slots=True)
class BaseImage:
    """Layers and configuration to start from."""

    layers: tuple[BaseLayer, ...] = ()
    config: Mapping[str, object] = field(default_factory=dict)
    history: tuple[str, ...] = ()

    @property
    def variables(self) -> tuple[str, ...]:
        """`NAME=VALUE` of the configuration."""
        found = self.config.get("Env")
        return tuple(str(item) for item in found) if isinstance(found, list) else ()

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels of the configuration."""
        found = self.config.get("Labels")
        return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def read_base(path: str, architecture: str = "amd64") -> BaseImage:
    """The image in an OCI archive or a docker-archive; of several machines that of `architecture`, in Go's words.

    Raises OutputFailed where it cannot be read.
    """
    try:
        archive = tarfile.open(path)
        names = set(archive.getnames())
        config, layers = _from_layout(archive, architecture) if "index.json" in names else _from_docker(archive)
        digests = [str(digest) for digest in config["rootfs"]["diff_ids"]]
    except (OSError, tarfile.TarError, LookupError, ValueError, TypeError, AttributeError) as error:
        raise OutputFailed(f"--base {path}: cannot be read as an image: {error}", _HINT) from error
    if len(digests) != len(layers):
        raise OutputFailed(f"--base {path}: {len(layers)} layers, but {len(digests)} digests", _HINT)
    return BaseImage(
        tuple(
            BaseLayer(media_type, digest.removeprefix("sha256:"), _opener(archive, name))
            for (name, media_type), digest in zip(layers, digests, strict=True)
        ),
        config.get("config") or {},
        tuple("base" for _ in layers),
    )


def _from_layout(archive: tarfile.TarFile, architecture: str) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The configuration and the layers (member, media type) of an OCI layout: of one machine, where an index has several."""
    descriptor = _json(archive, "index.json")["manifests"][0]
    manifest = _json(archive, _blob(descriptor["digest"]))
    for _ in range(_MOST_INDEXES):
        if "manifests" not in manifest:
            break
        here = [item for item in manifest["manifests"] if item.get("platform", {}).get("architecture") == architecture]
        manifest = _json(archive, _blob((here or manifest["manifests"])[0]["digest"]))
    else:
        raise ValueError("its indexes lead to each other")
    layers = [(_blob(layer["digest"]), layer["mediaType"]) for layer in manifest["layers"]]
    # Docker's own names for the same things.
    layers = [(name, kind.replace("docker.image.rootfs.diff.tar.", "oci.image.layer.v1.tar+")) for name, kind in layers]
    return _json(archive, _blob(manifest["config"]["digest"])), layers


def _from_docker(archive: tarfile.TarFile) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The same of a docker-archive, whose layers are plain tars (or gzipped ones)."""
    image = _json(archive, "manifest.json")[0]
    layers = []
    for name in image["Layers"]:
        with _opener(archive, name)() as file:
            gzipped = file.read(2) == b"\x1f\x8b"
        layers.append((name, _PLAIN + ("+gzip" if gzipped else "")))
    return _json(archive, image["Config"]), layers


def _blob(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/", 1)


def _json(archive: tarfile.TarFile, name: str) -> Any:
    if archive.getmember(name).size > MOST_OF_A_TEXT:
        raise ValueError(f"{name} has {archive.getmember(name).size} bytes")
    with _opener(archive, name)() as file:
        return parse_json(file.read())


def _opener(archive: tarfile.TarFile, name: str) -> Callable[[], IO[bytes]]:
    def open_member() -> IO[bytes]:
        file = archive.extractfile(name)
        if file is None:
            raise KeyError(f"{name} is no file")
        return file

    return open_member

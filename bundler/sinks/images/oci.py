"""A bundle as an OCI image in one tar file: an image layout (OCI image-spec 1.0) that is a docker-archive as well.

Three layers, each a gzipped tar: runtime, packages, application. What did not change between two packs has the same bytes, hence
the same digest, and is neither pushed nor pulled again. `podman load`, `docker load` and `skopeo` take the file.
"""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from bundler.entries import Directory, Entry, Layer
from bundler.sinks.archives.archive import ArchiveSink
from bundler.sinks.archives.compression import GZIP, open_compressor
from bundler.sinks.archives.output import Output
from bundler.sinks.archives.tar import TarWriter
from bundler.sinks.images.oci_base import BaseImage, BaseLayer

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_BLOCK = tarfile.BLOCKSIZE
_BLOBS = "blobs/sha256/"
FOLDER_LABEL = "bundler.folder"
"""The label of an image that names the folder of its bundle."""


@dataclass(frozen=True, slots=True)
class ImageSettings:
    """What an image says of itself.

    `folder` is where the bundle lies in it (`app`), `command` what it starts, `variables` are `NAME=VALUE`. `name` is a tag for
    `podman load`, "" for none. `architecture` is Go's word for the machine (`amd64`).
    """

    folder: str
    command: tuple[str, ...]
    user: str = ""
    variables: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    name: str = ""
    architecture: str = "amd64"


@dataclass(frozen=True, slots=True)
class _Blob:
    """One file of the layout: SHA-256 in hexadecimal, size in bytes, and for layers the digest of what was compressed."""

    sha256: str
    size: int
    uncompressed: str = ""
    media_type: str = _LAYER


class OciSink(ArchiveSink):
    """Gathers the entries, and writes them layer by layer at the end; see `sinks.Sink`."""

    def __init__(
        self, output: Output, base: BaseImage, settings: ImageSettings, *, level: int | None = None, threads: int = 2
    ) -> None:
        super().__init__(output)
        self._base = base
        self._settings = settings
        self._level = level
        self._threads = threads
        self._gathered: list[Entry] = []

    def start(self, output: Output) -> None:
        """Open the file."""
        self._file = output.open()

    def write(self, entry: Entry) -> None:
        """Gather an entry."""
        self._gathered.append(entry)

    def end(self) -> None:
        """Write the layers, then what describes them."""
        time = self._gathered[-1].mtime_ns
        layers = [self._copy(layer) for layer in self._base.layers]
        history = list(self._base.history)
        if self._base.entries:
            layers.append(self._layer(self._base.entries, time, folder=""))
            history.append("libc of the machine that packed")
        for layer, entries in by_layer(self._gathered).items():
            layers.append(self._layer(entries, time, self._settings.folder))
            history.append(f"bundle: {layer.value}")
        config = self._json(self._config(layers, history, time), _CONFIG)
        manifest = self._json(
            {
                "schemaVersion": 2,
                "mediaType": _MANIFEST,
                "config": _descriptor(config),
                "layers": [_descriptor(layer) for layer in layers],
            },
            _MANIFEST,
        )
        self._index(manifest)
        docker = {
            "Config": _BLOBS + config.sha256,
            "RepoTags": [_tagged(self._settings.name)] if self._settings.name else None,
            "Layers": [_BLOBS + layer.sha256 for layer in layers],
        }
        self._member("manifest.json", _dump([docker]))
        self._file.write(bytes(2 * _BLOCK))
        self._file.flush()

    def _index(self, manifest: _Blob) -> None:
        descriptor = _descriptor(manifest)
        if self._settings.name:
            name = _tagged(self._settings.name)
            # The first is the tag for skopeo and podman, the second the name for containerd.
            descriptor["annotations"] = {"org.opencontainers.image.ref.name": name, "io.containerd.image.name": name}
        index = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [descriptor],
        }
        self._member("index.json", _dump(index))
        self._member("oci-layout", _dump({"imageLayoutVersion": "1.0.0"}))

    def _config(self, layers: Sequence[_Blob], history: Sequence[str], time_ns: int) -> dict[str, object]:
        """The image's configuration: the base's, with ours over it."""
        settings = self._settings
        created = _timestamp(time_ns)
        merged: dict[str, object] = dict(self._base.config)
        merged["Entrypoint"] = list(settings.command)
        merged.pop("Cmd", None)
        merged["Env"] = _variables(self._base.variables, settings)
        if settings.user:
            merged["User"] = settings.user
        merged.setdefault("WorkingDir", "/")
        merged["Labels"] = {
            **self._base.labels,
            FOLDER_LABEL: f"/{settings.folder}",
            **dict(settings.labels),
        }
        return {
            "created": created,
            "architecture": settings.architecture,
            "os": "linux",
            "config": merged,
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.uncompressed}" for layer in layers]},
            "history": [{"created": created, "created_by": f"bundler: {text}"} for text in history],
        }

    def _layer(self, entries: Iterable[Entry], time_ns: int, folder: str) -> _Blob:
        """Write a layer of the entries below `folder`."""
        with _BlobFile(self._file) as blob:
            stream = open_compressor(GZIP, blob, self._level, self._threads)  # type: ignore[arg-type]
            try:
                uncompressed = _Hashed(stream)
                tar = TarWriter(uncompressed, folder)
                tar.begin(time_ns)
                for entry in entries:
                    digest = tar.add(entry, self._digests)
                    if digest is not None and folder:
                        self._digests[entry.path] = digest
                tar.end()
                stream.close()
            finally:
                stream.abandon()
        return _Blob(blob.sha256.hexdigest(), blob.size, uncompressed.sha256.hexdigest())

    def _copy(self, layer: BaseLayer) -> _Blob:
        """A layer of the base, as it is."""
        with _BlobFile(self._file) as blob, layer.open() as source:
            while chunk := source.read(1 << 20):
                blob.write(chunk)
        return _Blob(blob.sha256.hexdigest(), blob.size, layer.uncompressed, layer.media_type)

    def _json(self, value: object, media_type: str) -> _Blob:
        data = _dump(value)
        with _BlobFile(self._file) as blob:
            blob.write(data)
        return _Blob(blob.sha256.hexdigest(), blob.size, media_type=media_type)

    def _member(self, name: str, data: bytes) -> None:
        self._file.write(_header(name, len(data)) + data + bytes(-len(data) % _BLOCK))


class _BlobFile:
    """A member of the tar file whose name is its own digest: its header is written when the rest is."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()
        self.size = 0

    def __enter__(self) -> _BlobFile:
        self._start = self._file.tell()
        self._file.write(bytes(_BLOCK))
        return self

    def write(self, data: bytes) -> int:
        self._file.write(data)
        self.sha256.update(data)
        self.size += len(data)
        return len(data)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            return
        self._file.write(bytes(-self.size % _BLOCK))
        end = self._file.tell()
        self._file.seek(self._start)
        self._file.write(_header(_BLOBS + self.sha256.hexdigest(), self.size))
        self._file.seek(end)


class _Hashed:
    """Passes bytes on to a stream and hashes them."""

    def __init__(self, stream: object) -> None:
        self._write = stream.write  # type: ignore[attr-defined]
        self.sha256 = hashlib.sha256()

    def write(self, data: bytes) -> object:
        self.sha256.update(data)
        return self._write(data)


def by_layer(entries: Sequence[Entry]) -> Mapping[Layer, list[Entry]]:
    """The entries of each layer, the lowest layer first, in the order in which they came.

    A directory lies in the lowest layer that has something below it: no layer relies on one above.
    """
    order = list(Layer)
    lowest: dict[str, int] = {}
    for entry in entries:
        if not isinstance(entry.content, Directory):
            level = order.index(entry.layer)
            folder = os.path.dirname(entry.path)
            while folder and lowest.get(folder, len(order)) > level:
                lowest[folder] = level
                folder = os.path.dirname(folder)
    layers: dict[Layer, list[Entry]] = {layer: [] for layer in order}
    for entry in entries:
        if isinstance(entry.content, Directory):
            layer = order[lowest.get(entry.path, order.index(entry.layer))]
            layers[layer].append(entry._replace(layer=layer))
        else:
            layers[entry.layer].append(entry)
    return {layer: found for layer, found in layers.items() if found}


def _descriptor(blob: _Blob) -> dict[str, object]:
    return {"mediaType": blob.media_type, "digest": f"sha256:{blob.sha256}", "size": blob.size}


def _variables(inherited: Sequence[str], settings: ImageSettings) -> list[str]:
    """The environment: the base's, the bundle's `bin` first on PATH, and what the user sets."""
    known = dict(item.partition("=")[::2] for item in inherited)
    known.setdefault("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    known["PATH"] = f"/{settings.folder}/bin:{known['PATH']}"
    known.update(item.partition("=")[::2] for item in settings.variables)
    return [f"{key}={value}" for key, value in known.items()]


def _tagged(name: str) -> str:
    """A name with a tag: `latest` unless it has one."""
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def _timestamp(time_ns: int) -> str:
    import datetime

    time = datetime.datetime.fromtimestamp(time_ns // 1_000_000_000, datetime.timezone.utc)
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def _dump(value: object) -> bytes:
    return json.dumps(value, indent=1).encode()


def _header(name: str, size: int) -> bytes:
    """A member's header, of one block: the names are short."""
    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT)

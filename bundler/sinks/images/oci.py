"""A bundle as an OCI image in one tar file: an image layout (OCI image-spec 1.0) that is a docker-archive as well.

Three layers, each a gzipped tar: runtime, packages, application. What did not change between two packs has the same bytes, hence
the same digest, and is neither pushed nor pulled again. `podman load`, `docker load` and `skopeo` take the file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from bundler.entries import Digest, Entry, size_of
from bundler.errors import UnfittingOption
from bundler.formats import FOLDER_LABEL
from bundler.machine import os
from bundler.memory.archives import note_archive, told_of
from bundler.options import ImageOptions
from bundler.output_facts import ImageFacts
from bundler.sinks.archives.archive import ArchiveSettings
from bundler.sinks.archives.frame_codecs import GZIP
from bundler.sinks.archives.frame_making import known_digest, open_framing
from bundler.sinks.archives.framed_tar import FramedTar, foreseen_keys
from bundler.sinks.archives.output import Output
from bundler.sinks.images.base_image import BaseImage, BaseLayer, read_base
from bundler.sinks.images.layers import by_layer
from bundler.sinks.images.layout import BLOBS, Blob, LayoutFile, blobs_of, pack_layer, unpack_layer

_CHUNK = 1 << 20
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_INDEX = "application/vnd.oci.image.index.v1+json"


class OciWriter:
    """Gathers the entries, and writes them layer by layer at the end; see `MemberWriter`."""

    def __init__(self, output: Output, settings: ArchiveSettings) -> None:
        """Raises OutputFailed for a base that cannot be read; UnfittingOption for a variable or label without `=`, and a level."""
        facts, options = settings.facts.image, settings.image
        if facts is None:
            raise TypeError("an image needs facts of its own")
        for item in (*options.variables, *options.labels):
            if "=" not in item or item.startswith("="):
                raise UnfittingOption(f"{item} is not NAME=VALUE")
        self._facts = facts
        self._options = options
        self._base = BaseImage() if options.on_scratch else read_base(options.base, facts.architecture)
        self._framing = open_framing(GZIP, settings, blobs_of)
        self._gathered: list[Entry] = []
        self._indexes: list[tuple[bytes, bytes]] = []  # and what is told of these layers
        self._layout = LayoutFile(output.open())

    def write(self, entry: Entry, digests: dict[str, Digest]) -> None:
        """Gather an entry."""
        self._gathered.append(entry)

    def end(self, digests: dict[str, Digest]) -> None:
        """Write the layers, then what describes them."""
        time = self._gathered[-1].mtime_ns
        layers = [self._copy(layer) for layer in self._base.layers]
        history = list(self._base.history)
        if self._facts.surroundings:
            layers.append(self._layer(self._facts.surroundings, time, "", {}))
            history.append("libc of the machine that packed")
        for layer, entries in by_layer(self._gathered).items():
            layers.append(self._layer(entries, time, self._facts.folder, digests))
            history.append(f"bundle: {layer.value}")
        config = self._layout.add_json(self._config(layers, history, _timestamp(time)), _CONFIG)
        manifest = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": config.descriptor,
            "layers": [layer.descriptor for layer in layers],
        }
        self._describe(self._layout.add_json(manifest, _MANIFEST), config, layers)
        self._layout.end()

    def note(self, place: str) -> None:
        """See MemberWriter."""
        for index, layer in self._indexes:
            note_archive(index, layer)

    def notes(self) -> tuple[str, ...]:
        """What was taken over."""
        return self._framing.reusable.notes()

    def stop(self) -> None:
        """A layer's threads end with it."""
        self._framing.reusable.close()

    def _describe(self, manifest: Blob, config: Blob, layers: Sequence[Blob]) -> None:
        """What leads to the image: as a layout, and as a docker-archive."""
        descriptor = manifest.descriptor
        name = self._facts.name
        # The first is the tag for skopeo and podman, the second the name for containerd.
        descriptor["annotations"] = {"org.opencontainers.image.ref.name": name, "io.containerd.image.name": name}
        self._layout.add("index.json", {"schemaVersion": 2, "mediaType": _INDEX, "manifests": [descriptor]})
        self._layout.add("oci-layout", {"imageLayoutVersion": "1.0.0"})
        docker = {
            "Config": BLOBS + config.sha256,
            "RepoTags": [name],
            "Layers": [BLOBS + layer.sha256 for layer in layers],
        }
        self._layout.add("manifest.json", [docker])

    def _config(self, layers: Sequence[Blob], history: Sequence[str], created: str) -> dict[str, object]:
        """The image's configuration: the base's, with ours over it."""
        facts, options = self._facts, self._options
        merged: dict[str, object] = dict(self._base.config)
        merged["Entrypoint"] = list(facts.command)
        merged.pop("Cmd", None)
        merged["Env"] = _variables(self._base.variables, facts, options)
        if options.user:
            merged["User"] = options.user
        merged.setdefault("WorkingDir", "/")
        merged["Labels"] = {
            **self._base.labels,
            FOLDER_LABEL: f"/{facts.folder}",
            **{name: value for name, _, value in (item.partition("=") for item in options.labels)},
        }
        return {
            "created": created,
            "architecture": facts.architecture,
            "os": facts.os,
            "config": merged,
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.uncompressed}" for layer in layers]},
            "history": [{"created": created, "created_by": f"bundler: {text}"} for text in history],
        }

    def _layer(self, entries: Sequence[Entry], time_ns: int, folder: str, digests: dict[str, Digest]) -> Blob:
        """Write a layer of the entries below `folder`, and note their digests."""
        return self._taken_layer(entries, time_ns, folder, digests) or self._new_layer(
            entries, time_ns, folder, digests
        )

    def _taken_layer(
        self, entries: Sequence[Entry], time_ns: int, folder: str, digests: dict[str, Digest]
    ) -> Blob | None:
        """The layer of an earlier image, copied, where that has all of it: no source is read. None where none has."""
        keys = foreseen_keys(entries, folder, time_ns) if self._framing.reusable else None
        kept = self._framing.reusable.find_stream(keys) if keys else None
        layer = unpack_layer(told_of(kept.words)) if kept is not None else None
        if kept is None or layer is None:
            return None
        before = self._layout.position
        with self._layout.new_blob() as blob:
            start = kept.frames[0][0] - len(GZIP.head)
            for at in range(start, start + layer.size, _CHUNK):
                blob.write(os.pread(kept.descriptor, min(_CHUNK, start + layer.size - at), at))
        if blob.sha256.hexdigest() != layer.sha256:
            self._layout.go_back(before)
            self._framing.reusable.spoil(kept.descriptor)
            return None
        for _, frame in kept.frames:
            self._framing.reusable.count(frame.size, taken=True)
        for entry in entries:
            sha256, size = known_digest(entry), size_of(entry.content)
            if sha256:
                digests[entry.path] = Digest(sha256, size)
                self._framing.advance(size)
        self._indexes.append((kept.words, pack_layer(layer)))
        return layer

    def _new_layer(self, entries: Iterable[Entry], time_ns: int, folder: str, digests: dict[str, Digest]) -> Blob:
        with self._layout.new_blob() as blob:
            uncompressed = hashlib.sha256()
            tar = FramedTar(blob, self._framing, folder, time_ns, uncompressed.update)
            try:
                for entry in entries:
                    tar.add(entry, digests)
                tar.end()
                digests.update(tar.digests)
            finally:
                tar.stop()
        layer = blob.written(uncompressed.hexdigest())
        self._indexes.append((tar.index, pack_layer(layer)))
        return layer

    def _copy(self, layer: BaseLayer) -> Blob:
        """A layer of the base, as it is."""
        with self._layout.new_blob() as blob, layer.open() as source:
            while chunk := source.read(1 << 20):
                blob.write(chunk)
        return blob.written(layer.uncompressed, layer.media_type)


def _variables(inherited: Sequence[str], facts: ImageFacts, options: ImageOptions) -> list[str]:
    """The environment: the base's, the bundle's scripts first on PATH, and what the user sets."""
    known = dict(item.partition("=")[::2] for item in inherited)
    known.setdefault("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    known["PATH"] = f"/{facts.folder}/{facts.scripts}:{known['PATH']}"
    known.update(item.partition("=")[::2] for item in options.variables)
    return [f"{key}={value}" for key, value in known.items()]


def _timestamp(time_ns: int) -> str:
    import datetime

    time = datetime.datetime.fromtimestamp(time_ns // 1_000_000_000, datetime.timezone.utc)
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")

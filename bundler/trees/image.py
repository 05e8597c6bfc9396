"""The bundle in an OCI image of one file: what lies in its layers below the folder that its label names."""

from __future__ import annotations

import tarfile
from dataclasses import dataclass, replace
from typing import IO, Any

from bundler.bundle_paths import lies_in
from bundler.formats import FOLDER_LABEL
from bundler.machine import os
from bundler.parsing import parse_json
from bundler.trees.compression import HashedFile, decompressed_part
from bundler.trees.frames import Part
from bundler.trees.last_file import manifest_in_stream
from bundler.trees.tar import StrictInfo, members_of_stream
from bundler.trees.tree import Items, Kind

_BLOBS = "blobs/sha256/"
_MOST_OF_A_JSON = 16 << 20  # bytes


@dataclass(frozen=True, slots=True)
class _Image:
    """The names of the layers' blobs, the lowest first, and the folder of the bundle."""

    layers: tuple[str, ...]
    folder: str


def members(path: str) -> Items:
    """See `trees.tree.Members`. Every blob is checked against the digest that is its name.

    What stands in several layers is given as often, folders but once: who unpacks the image sees the last one.
    """
    with open(path, "rb") as file, tarfile.open(path, "r:", file, tarinfo=StrictInfo) as archive:
        blobs = {name for name in archive.getnames() if name.startswith(_BLOBS)}
        image = _read_image(archive)
        folders: set[str] = set()
        for name in image.layers:
            with decompressed_part(_part(archive, name, file.fileno())) as (stream, digest):
                for member, content in members_of_stream(stream):
                    is_folder = member.kind is Kind.DIRECTORY
                    if lies_in(image.folder, member.path) and not is_folder:
                        raise ValueError(f"{member.path} is no folder, and the bundle lies in it")
                    # A folder may stand in several layers; of anything else the upper one would count, and here the lower one.
                    if member.path.startswith(image.folder + "/") and not (is_folder and member.path in folders):
                        folders.update([member.path] if is_folder else [])
                        path_inside = member.path[len(image.folder) + 1 :]
                        yield replace(member, path=path_inside), content
                _check(name, digest())
        for name in sorted(blobs.difference(image.layers)):
            _check(name, HashedFile(_open(archive, name)).rest_digest())


def manifest(path: str) -> bytes | None:
    """See `formats.ArchiveFormat.find_manifest_reader`: it lies in the last layer."""
    with open(path, "rb") as file, tarfile.open(path, "r:", file, tarinfo=StrictInfo) as archive:
        layers = _read_image(archive).layers
        return manifest_in_stream(_part(archive, layers[-1], file.fileno())) if layers else None


def _read_image(archive: tarfile.TarFile) -> _Image:
    """What the image says of itself. Where it is a docker-archive as well, that must say the same."""
    _json(archive, "oci-layout")
    images = _json(archive, "index.json")["manifests"]
    if len(images) != 1:
        raise ValueError(f"it holds {len(images)} images")
    described = _json(archive, _blob_of(images[0]))
    config, layers = _blob_of(described["config"]), [_blob_of(layer) for layer in described["layers"]]
    if "manifest.json" in archive.getnames():
        (docker,) = _json(archive, "manifest.json")
        if (docker["Config"], docker["Layers"]) != (config, layers):
            raise ValueError("index.json and manifest.json describe two images")
    labels = _json(archive, config).get("config", {}).get("Labels") or {}
    folder = str(labels.get(FOLDER_LABEL, "")).strip("/")
    if not folder:
        raise ValueError(f"the image has no label {FOLDER_LABEL}")
    return _Image(tuple(layers), folder)


def _blob_of(descriptor: dict[str, str]) -> str:
    return _BLOBS + descriptor["digest"].removeprefix("sha256:")


def _json(archive: tarfile.TarFile, name: str) -> Any:
    if archive.getmember(name).size > _MOST_OF_A_JSON:
        raise ValueError(f"{name} has {archive.getmember(name).size} bytes")
    file = HashedFile(_open(archive, name))
    data = file.read()
    if name.startswith(_BLOBS):
        _check(name, file.rest_digest())
    return parse_json(data)


def _check(name: str, digest: str) -> None:
    """Raise ValueError where a blob's digest is not its name."""
    if digest != os.path.basename(name):
        raise ValueError(f"the content of {name} is another")


def _part(archive: tarfile.TarFile, name: str, descriptor: int) -> Part:
    """Where a file of the image lies in that of the archive, which is no compressed one."""
    info = archive.getmember(name)
    if not info.isreg() or info.issparse():
        raise ValueError(f"{name} is no plain file of the image")
    return Part(descriptor, info.offset_data, info.offset_data + info.size)


def _open(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    file = archive.extractfile(name)
    if file is None:
        raise ValueError(f"{name} is no file of the image")
    return file

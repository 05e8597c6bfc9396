"""Of a base image for several machines, the bundle's own is taken."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from bundler.errors import OutputFailed
from bundler.sinks.images.base_image import read_base
from tests.material.oci import image_of


@pytest.mark.parametrize("architecture", ["amd64", "s390x"])
def test_the_image_of_the_machine_is_chosen(tmp_path: Path, architecture: str) -> None:
    base = read_base(str(image_of(tmp_path / "base.tar", "arm64", "s390x", "amd64")), architecture)
    assert base.variables == (f"FOR={architecture}",)


def described(path: Path, **files: object) -> str:
    """An archive that has nothing but descriptions."""
    with tarfile.open(path, "w") as archive:
        for name, value in files.items():
            data = json.dumps(value).encode()
            info = tarfile.TarInfo(name.replace("_json", ".json").replace("__", "/"))
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return str(path)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (
            {"index_json": {"manifests": [{"digest": "a:b"}]}, "blobs__a__b": {"manifests": [{"digest": "a:b"}]}},
            "lead to each other",
        ),
        (
            {"index_json": {"manifests": [{"digest": "a:b"}]}, "blobs__a__b": {"manifests": [1]}},
            "cannot be read as an image",
        ),
        ({"index_json": []}, "cannot be read as an image"),
        ({"index_json": {"manifests": 3}}, "cannot be read as an image"),
        ({"manifest_json": [{"Config": "c", "Layers": []}], "c": {}}, "cannot be read as an image"),
        ({"manifest_json": [{"Config": "c", "Layers": []}], "c": {"rootfs": None}}, "cannot be read as an image"),
        ({"manifest_json": [{"Config": "c", "Layers": 1}]}, "cannot be read as an image"),
    ],
)
def test_descriptions_that_contradict_themselves_are_an_error_that_ends(
    tmp_path: Path, files: dict[str, object], words: str
) -> None:
    with pytest.raises(OutputFailed, match=words):
        read_base(described(tmp_path / "base.tar", **files))

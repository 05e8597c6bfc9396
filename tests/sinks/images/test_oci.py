"""Images: layers that stay as they are where nothing in them changed, on a base or on nothing."""

from __future__ import annotations

import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from bundler.entries import Directory, Layer, Literal
from bundler.errors import OutputFailed
from bundler.options import ImageOptions
from bundler.output_facts import ArchiveFacts, ImageFacts
from bundler.sinks.images.base_image import read_base
from bundler.sinks.images.layers import by_layer
from tests.material.programs import need
from tests.sinks.samples import NEEDS, entry, open_sink, sample, write


def layers_of(image: Path) -> list[tuple[str, list[str]]]:
    """Digest and names of each layer."""
    with tarfile.open(image) as archive:
        docker = json.loads(archive.extractfile("manifest.json").read())  # type: ignore[union-attr]
        found = []
        for name in docker[0]["Layers"]:
            with tarfile.open(fileobj=archive.extractfile(name)) as layer:
                found.append((name, layer.getnames()))
        return found


def test_a_layer_s_bytes_stay_where_only_another_changed(tmp_path: Path) -> None:
    entries = sample(tmp_path)
    before = layers_of(write("oci.tar", tmp_path / "a.oci.tar", entries))
    entries[-1] = entry("bundle.json", Literal(b"new"), layer=Layer.APPLICATION)
    after = layers_of(write("oci.tar", tmp_path / "b.oci.tar", entries))
    assert [one[0] == other[0] for one, other in zip(before, after, strict=True)] == [True, True, False]
    assert [names for _, names in before] == [
        ["app", "app/bin", "app/bin/" + "n" * 150, "app/bin/run", "app/big", "app/link"],
        ["app", "app/bin/é"],
        ["app", "app/bundle.json"],
    ]


def test_a_directory_lies_in_the_lowest_layer_that_needs_it() -> None:
    entries = [
        entry("lib", Directory(), 0o755, Layer.PACKAGES),
        entry("lib/python", Literal(b""), layer=Layer.RUNTIME),
        entry("lib/site", Directory(), 0o755, Layer.RUNTIME),
        entry("lib/site/app", Literal(b""), layer=Layer.APPLICATION),
    ]
    layers = {layer: [item.path for item in found] for layer, found in by_layer(entries).items()}
    assert layers == {Layer.RUNTIME: ["lib", "lib/python"], Layer.APPLICATION: ["lib/site", "lib/site/app"]}


def test_an_image_is_a_base_for_another_and_for_skopeo(tmp_path: Path) -> None:
    first = write("oci.tar", tmp_path / "a.oci.tar", sample(tmp_path))
    facts = ArchiveFacts(0, 0, NEEDS, "", ImageFacts("other", "bin", ("/other/x",), "linux", "amd64", "name:1"))
    for name, base in (("b", first), ("c", tmp_path / "b.oci.tar")):
        options = ImageOptions(str(base), "nobody", ("A=1",), ("b=2",))
        with open_sink("oci.tar", tmp_path / f"{name}.oci.tar", facts=facts, image=options) as sink:
            sink.add(entry(name, Literal(b"x")))
            sink.finish()
            sink.place()
    assert [len(layers_of(tmp_path / f"{name}.oci.tar")) for name in "abc"] == [3, 4, 5]
    need("skopeo")
    for kind in ("oci-archive", "docker-archive"):
        done = subprocess.run(
            ["skopeo", "inspect", "--config", f"{kind}:{tmp_path / 'c.oci.tar'}"],
            capture_output=True,
            text=True,
            check=True,
        )
        config = json.loads(done.stdout)["config"]
        assert config["Entrypoint"] == ["/other/x"]
        assert config["User"] == "nobody"
        assert config["Env"][0].startswith("PATH=/other/bin:/other/bin:/app/bin:")
        assert config["Env"][1:] == ["A=1"]
        assert config["Labels"] == {"bundler.folder": "/other", "b": "2"}


@pytest.mark.parametrize("options", [ImageOptions(variables=("A",)), ImageOptions(labels=("=1",))])
def test_a_variable_or_label_without_a_name_or_a_value_is_refused(tmp_path: Path, options: ImageOptions) -> None:
    with pytest.raises(OutputFailed, match="is not NAME=VALUE"):
        open_sink("oci.tar", tmp_path / "a.oci.tar", image=options)
    assert list(tmp_path.iterdir()) == []


def test_a_base_that_is_no_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no image")
    tar = write("tar", tmp_path / "a.tar", sample(tmp_path))
    for path in (tmp_path / "text", tar, tmp_path / "missing"):
        with pytest.raises(OutputFailed, match="cannot be read as an image"):
            read_base(str(path))

"""Of a base image for several machines, the bundle's own is taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundler.sinks.images.base_image import read_base
from tests.material.oci import image_of


@pytest.mark.parametrize("architecture", ["amd64", "s390x"])
def test_the_image_of_the_machine_is_chosen(tmp_path: Path, architecture: str) -> None:
    base = read_base(str(image_of(tmp_path / "base.tar", "arm64", "s390x", "amd64")), architecture)
    assert base.variables == (f"FOR={architecture}",)

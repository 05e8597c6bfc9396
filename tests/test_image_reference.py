"""Names of images: what podman and docker take, and nothing else."""

from __future__ import annotations

import pytest

from bundler.errors import BadOption
from bundler.image_reference import checked_reference, reference_of


@pytest.mark.parametrize(
    ("name", "version", "reference"),
    [
        ("stockroom", "1.0", "stockroom:1.0"),
        ("Zope.Interface", "6.4.post2", "zope.interface:6.4.post2"),
        ("  (the) Stock -- room_ ", "1!2.0+abc", "the-stock-room:1-2.0-abc"),
        ("ü", ".", "app:latest"),
        ("", "", "app:latest"),
        ("a", "1" * 200, "a:" + "1" * 128),
    ],
)
def test_any_name_and_version_become_a_reference(name: str, version: str, reference: str) -> None:
    assert reference_of(name, version) == reference == checked_reference(reference)


@pytest.mark.parametrize(
    "text", ["app", "app:1", "team/app__x:1_a", "localhost:5000/app", "Registry.example.org/a/b:v1", "[::1]:5000/app:1"]
)
def test_what_podman_takes_is_taken(text: str) -> None:
    assert checked_reference(text) == (text if text.rpartition("/")[2].count(":") else f"{text}:latest")


@pytest.mark.parametrize(
    "text", ["App", "a b", "a:", ":1", "a//b", "a/", "-a", "a:-1", "a..b", "ä", "a\n", "a@sha256:0"]
)
def test_another_one_is_refused_with_one_that_is_near(text: str) -> None:
    with pytest.raises(BadOption, match="no name of an image") as caught:
        checked_reference(text)
    assert checked_reference(caught.value.hint.rpartition(" ")[2])

"""Options that say nothing to the format of a pack are refused, and none of a configuration is in another format's way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bundler.cli.pack import options_of, pack
from bundler.destination import archive_of, destination_of
from bundler.errors import UnfittingOption
from bundler.fitting import without_unfitting
from bundler.options import ImageOptions, LinkMode, PackOptions
from tests.material.environments import bundler

FRAMED = ["app.tar", "app.tar.gz", "app.tar.zst", "app.zip", "app.run", "app.oci.tar"]
LINK, LEVEL = PackOptions(link=LinkMode.COPY), PackOptions(level=0)


@pytest.mark.parametrize(
    ("options", "fitting", "others"),
    [
        (LINK, ["app"], ["app.tar", "app.zip", "app.run", "app.oci.tar"]),
        (PackOptions(update=True), ["app", *FRAMED], ["app.tar.xz", "app.tar.bz2", "app.squashfs"]),
        (PackOptions(reuse="x"), FRAMED, ["app", "app.tar.xz", "app.tar.bz2", "app.squashfs"]),
        (LEVEL, ["app.tar.gz", "app.zip", "app.run", "app.oci.tar", "app.squashfs"], ["app", "app.tar"]),
        (PackOptions(top="x"), ["app.tar", "app.zip", "app.oci.tar"], ["app", "app.run"]),
        (PackOptions(image=ImageOptions(base="x.tar")), ["app.oci.tar"], ["app", "app.tar"]),
        (PackOptions(image=ImageOptions(name="x")), ["app.oci.tar"], ["app", "app.tar"]),
        (PackOptions(image=ImageOptions(user="x")), ["app.oci.tar"], ["app", "app.tar"]),
        (PackOptions(image=ImageOptions(variables=("A=b",))), ["app.oci.tar"], ["app", "app.tar"]),
        (PackOptions(image=ImageOptions(labels=("A=b",))), ["app.oci.tar"], ["app", "app.tar"]),
    ],
)
def test_an_option_is_for_some_formats(options: PackOptions, fitting: Sequence[str], others: Sequence[str]) -> None:
    for out in fitting:
        destination_of(out, options)
    for out in others:
        with pytest.raises(UnfittingOption, match=r"is for .*, not for the format") as caught:
            destination_of(out, options)
        assert caught.value.exit_status == 2


def test_all_that_does_not_fit_is_told_together() -> None:
    with pytest.raises(UnfittingOption, match=r"--level is for .*; --image-name is for "):
        destination_of("app", replace(LEVEL, image=ImageOptions(name="x")))


def test_nothing_is_for_the_environment_s_own_place_that_is_not_for_a_directory() -> None:
    with pytest.raises(UnfittingOption, match="--level"):
        destination_of(".venv", replace(LEVEL, in_place=True))


def test_what_a_configuration_says_for_another_format_does_not_count() -> None:
    options = replace(LEVEL, top="x", image=ImageOptions(name="x", user="me"))
    left = without_unfitting(options, None, ["level", "image_name", "threads"])
    assert left == replace(options, level=None, image=ImageOptions(user="me"))
    form = archive_of("app.oci.tar", None)
    assert without_unfitting(options, form, ["level", "image_name"]) == options


def test_the_command_line_tells_a_configuration_from_its_own_words(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.bundler]\nlevel = 19\nimage-name = "app:1"\n')
    environment, out = tmp_path / ".venv", tmp_path / "app"
    assert options_of(pack.make_context("pack", [str(environment)])).level == 19
    done = bundler(["pack", environment, "--out", out])
    assert (done.returncode, "--level" in done.stderr, "is no" in done.stderr) == (1, False, False), done.stderr
    assert "does not exist" in done.stderr, "it came to looking for the environment"
    done = bundler(["pack", environment, "--out", out, "--level", "3"])
    assert (done.returncode, "--level is for" in done.stderr, "--image-name" in done.stderr) == (2, True, False)

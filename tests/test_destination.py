"""Words become a destination, or are refused before anything is read."""

from __future__ import annotations

import pytest

from bundler.destination import (
    _FOREIGN,
    Destination,
    InPlace,
    ToDirectory,
    ToFile,
    ToStandardOutput,
    destination_of,
    format_name,
    stem,
)
from bundler.errors import BadOption, OutputFailed
from bundler.formats import archive_named, archive_of_suffix
from bundler.options import PackOptions

TAR_GZ, RUN = archive_named("tar.gz"), archive_named("run")


@pytest.mark.parametrize(
    ("out", "options", "meant"),
    [
        ("dist/app", PackOptions(), ToDirectory("dist/app")),
        ("dist/app/", PackOptions(force=True), ToDirectory("dist/app/", force=True)),
        ("dist/app", PackOptions(update=True), ToDirectory("dist/app", update=True)),
        ("app.zip", PackOptions(update=True), ToFile("app.zip", archive_named("zip"), update=True)),
        ("app.tar.gz", PackOptions(format="directory"), ToDirectory("app.tar.gz")),
        ("App-1.0.TGZ", PackOptions(force=True), ToFile("App-1.0.TGZ", TAR_GZ, force=True)),
        ("app.bin", PackOptions(format="run"), ToFile("app.bin", RUN)),
        ("app.oci.tar", PackOptions(top="srv"), ToFile("app.oci.tar", archive_named("oci.tar"))),
        ("-", PackOptions(format="tar.gz", top="app"), ToStandardOutput(TAR_GZ)),
        (".venv", PackOptions(in_place=True), InPlace(".venv")),
        (".venv", PackOptions(in_place=True, format="directory"), InPlace(".venv")),
    ],
)
def test_words_become_a_destination(out: str, options: PackOptions, meant: Destination) -> None:
    assert destination_of(out, options) == meant


@pytest.mark.parametrize(
    ("out", "options", "words"),
    [
        ("-", PackOptions(), "standard output has no suffix"),
        ("-", PackOptions(format="directory"), "a directory cannot be written to standard output"),
        ("app.deb", PackOptions(), r"bundler writes no \.deb"),
        ("app", PackOptions(format="rar"), "there is no format rar"),
        ("app", PackOptions(top="x"), "--top is for .*, not for the format directory"),
        ("app.run", PackOptions(top="x"), "--top is for .*, not for the format run"),
        (
            "app.tar.xz",
            PackOptions(update=True),
            r"--update is for directories and archives .*, not for the format tar.xz",
        ),
        ("app", PackOptions(reuse="old.zip"), r"--reuse is for archives .*, not for the format directory"),
        ("-", PackOptions(update=True, format="tar.gz"), "nothing stands at standard output"),
        (".venv", PackOptions(in_place=True, update=True), "--in-place goes with neither"),
        (".venv", PackOptions(in_place=True, format="tar"), "--in-place goes with neither"),
        (".venv", PackOptions(in_place=True, root="/image"), "--in-place goes with neither"),
        (".venv", PackOptions(in_place=True, top="x"), "--top is for .*, not for the format directory"),
    ],
)
def test_words_that_do_not_go_together_are_refused(out: str, options: PackOptions, words: str) -> None:
    with pytest.raises(OutputFailed, match=words):
        destination_of(out, options)


@pytest.mark.parametrize("top", ["..", "a/../../b", "./a", "a/.", "a//b", "/", "a\nb"])
@pytest.mark.parametrize("out", ["app.tar", "app.zip", "app.oci.tar"])
def test_a_top_that_is_no_path_below_a_folder_is_refused(out: str, top: str) -> None:
    with pytest.raises(BadOption, match="it must name one folder"):
        destination_of(out, PackOptions(top=top))
    destination_of(out, PackOptions(top="/srv/app-1.0/"))


@pytest.mark.parametrize(
    ("out", "meant"),
    [
        ("app.gz", ".tar.gz"),
        ("app.tar.zstd", ".tar.zst"),
        ("dist/app.oci", ".oci.tar"),
        ("app.SH", ".run"),
        ("app.7z", ".tar.xz"),
        ("app.sqsh", ".squashfs"),
    ],
)
def test_a_suffix_that_is_nearly_a_format_is_refused_with_what_was_probably_meant(out: str, meant: str) -> None:
    with pytest.raises(OutputFailed, match="bundler writes no") as caught:
        destination_of(out, PackOptions())
    assert f"did you mean {meant}?" in caught.value.hint
    assert destination_of(out, PackOptions(format="directory")) == ToDirectory(out)


def test_every_suffix_that_is_suggested_is_one_of_a_format() -> None:
    assert {meant for meant in _FOREIGN.values() if meant and archive_of_suffix("app" + meant) is None} == set()
    assert [suffix for suffix in _FOREIGN if archive_of_suffix("app" + suffix) is not None] == []


@pytest.mark.parametrize(
    ("destination", "name", "its_stem"),
    [
        (ToFile("dist/app-1.0.tar.gz", TAR_GZ), "tar.gz", "app-1.0"),
        (ToFile("dist/App.RUN", RUN), "run", "App"),
        (ToFile("dist/app.bin", RUN), "run", "bundle"),
        (ToFile("dist/.run", RUN), "run", "bundle"),
        (ToFile("dist/...run", RUN), "run", "bundle"),
        (ToStandardOutput(RUN), "run", "bundle"),
    ],
)
def test_an_archive_has_a_format_and_a_stem(destination: ToFile | ToStandardOutput, name: str, its_stem: str) -> None:
    assert format_name(destination) == name
    assert stem(destination) == its_stem


def test_a_directory_has_no_format_of_an_archive() -> None:
    assert {format_name(ToDirectory("x")), format_name(InPlace("x"))} == {"directory"}

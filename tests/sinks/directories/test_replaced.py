"""What `--force` replaces: bundles, and nothing that somebody else put there, before the pack or meanwhile."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from bundler.destination import ToDirectory
from bundler.entries import Directory, Entry, Literal
from bundler.errors import BundlerError, OutputExists
from bundler.manifest import read_contents
from bundler.output_facts import DirectoryFacts
from bundler.sinks import Sink, steps
from bundler.sinks.directories.directory import open_directory
from bundler.sinks.placement import Target
from bundler.sinks.rehearsal import rehearse_directory
from tests.sinks.samples import entry, open_sink


def facts() -> DirectoryFacts:
    return DirectoryFacts("bundle.json", read_contents, lambda path: path.endswith(".pyc"))


def entries(text: bytes) -> list[Entry]:
    from hashlib import sha256

    told = b'{"bundler": "0", "schema": 1, "files": {"bin/app": {"sha256": "%s"}}}' % sha256(text).hexdigest().encode()
    return [entry("bin", Directory(), 0o755), entry("bin/app", Literal(text)), entry("bundle.json", Literal(told))]


def opened(out: Path, *, force: bool = True) -> Sink:
    return open_directory(str(out), force=force, cache=False, facts=facts())


def pack(out: Path, text: bytes, *, force: bool = True) -> None:
    with opened(out, force=force) as sink:
        finish(sink, text)
        sink.place()


def finish(sink: Sink, text: bytes) -> None:
    for item in entries(text):
        sink.add(item)
    sink.finish()


def put(out: Path) -> None:
    (out / "notes").write_text("years of work")


def change(out: Path) -> None:
    (out / "bin/app").write_text("mine")


@pytest.mark.parametrize(("somebody", "named"), [(put, "notes"), (change, "bin/app")])
def test_what_somebody_did_to_a_bundle_stops_it_by_name(tmp_path: Path, somebody: object, named: str) -> None:
    out = tmp_path / "out"
    pack(out, b"old")
    assert callable(somebody)
    somebody(out)
    with pytest.raises(OutputExists, match=f"was changed after the pack: {named}$") as caught:
        pack(out, b"new")
    assert "--update --force" in caught.value.hint
    with pytest.raises(OutputExists, match=named):
        rehearse_directory(ToDirectory(str(out), force=True), facts(), cache=False)
    assert os.listdir(tmp_path) == ["out"] and (out / named).exists()


def test_what_comes_by_itself_and_what_is_a_pack_s_goes(tmp_path: Path) -> None:
    out = tmp_path / "out"
    pack(out, b"old")
    (out / "app.pyc").touch()
    pack(out, b"new")
    assert sorted(os.listdir(out)) == ["bin", "bundle.json"]
    assert (out / "bin/app").read_bytes() == b"new"


@pytest.mark.parametrize(("somebody", "named"), [(put, "notes"), (change, "bin/app")])
def test_what_somebody_did_while_it_was_packed_stops_it_as_well(tmp_path: Path, somebody: object, named: str) -> None:
    out = tmp_path / "out"
    pack(out, b"old")
    assert callable(somebody)
    with pytest.raises(OutputExists, match=named), opened(out) as sink:
        finish(sink, b"new")
        somebody(out)
        sink.place()
    assert os.listdir(tmp_path) == ["out"] and (out / named).exists()


@pytest.mark.parametrize(
    "manifest", [b'{"bundler": "0", "schema": 1000000}', b'{"bundler": "0", "schema": 1, "files": 1}']
)
def test_a_bundle_that_does_not_tell_what_is_a_pack_s_stays(tmp_path: Path, manifest: bytes) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "bundle.json").write_bytes(manifest)
    with pytest.raises(BundlerError, match=str(out / "bundle.json")):
        pack(out, b"new")
    assert (out / "bundle.json").read_bytes() == manifest


def other_directory(out: Path) -> None:
    out.mkdir()
    (out / "thesis").write_text("years of work")


@pytest.mark.parametrize("force", [False, True])
def test_a_directory_that_comes_while_it_is_packed_is_never_replaced(tmp_path: Path, force: bool) -> None:
    out = tmp_path / "out"
    with pytest.raises(OutputExists), opened(out, force=force) as sink:
        finish(sink, b"new")
        other_directory(out)
        sink.place()
    assert (out / "thesis").exists() and os.listdir(tmp_path) == ["out"]


@pytest.mark.parametrize(
    "come", [lambda out: out.touch(), lambda out: out.symlink_to("x"), lambda out: pack(out, b"x")]
)
def test_without_force_nothing_is_replaced_that_comes_while_it_is_packed(tmp_path: Path, come: object) -> None:
    out = tmp_path / "out"
    assert callable(come)
    with pytest.raises(OutputExists, match="meanwhile"), open_directory(str(out), force=False, cache=False) as sink:
        finish(sink, b"new")
        come(out)
        sink.place()
    assert os.listdir(tmp_path) == ["out"]
    assert not (out / "bin/app").exists() or (out / "bin/app").read_bytes() == b"x"


@pytest.mark.parametrize("system", ["renames anew", "links", "can do neither"])
def test_an_archive_takes_no_place_that_was_taken_while_it_was_packed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str
) -> None:
    def refuse(_source: str, _target: str) -> None:
        raise OSError(errno.EPERM, "no links here")

    if system != "renames anew":
        monkeypatch.setattr(steps, "_renameat2", lambda _one, _other, _flags: False)
    if system == "can do neither":
        monkeypatch.setattr(os, "link", refuse)
    out = tmp_path / "a.tar"
    with pytest.raises(OutputExists, match="meanwhile"), open_sink("tar", out) as sink:
        finish(sink, b"new")
        out.write_text("years of work")
        sink.place()
    assert out.read_text() == "years of work" and os.listdir(tmp_path) == ["a.tar"]
    with open_sink("tar", tmp_path / "b.tar") as sink:
        finish(sink, b"new")
        sink.place()
    assert sorted(os.listdir(tmp_path)) == ["a.tar", "b.tar"]


def test_what_packs_make_for_a_while_in_a_mount_point_does_not_count(tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / ".out.bundler-other").mkdir(parents=True)
    Target(str(out), force=False).check_standing()

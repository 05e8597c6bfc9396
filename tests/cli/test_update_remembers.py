"""An update begins with the options that made the bundle, and tells what is asked for otherwise."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

import click
import pytest

import bundler as api
from bundler.cli.pack import options_of, pack
from bundler.errors import BadConfiguration, BadOption
from bundler.manifest import Manifest, PythonFacts, RecordedOptions, read_options, write_manifest
from bundler.options import (
    ContentOptions,
    EditableMode,
    Launcher,
    LeakMode,
    LibcMode,
    PackOptions,
    Profile,
    Pyc,
    SbomFormat,
    Symlinks,
)
from bundler.plan.recorded_options import ChangedOption, changed_options, recorded_options
from bundler.remembered import options_of_bundle
from tests.material.environments import bundler, empty_environment, run
from tests.material.schemes import POSIX_312

PYTHON = PythonFacts("3.12.1", POSIX_312, None, (), (".so",))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project's folder, in which `.venv` lies, and `app`, the bundle."""
    (tmp_path / "project/.venv").mkdir(parents=True)
    (tmp_path / "project/app").mkdir()
    (tmp_path / "project/data").write_text("x")
    return tmp_path / "project"


def made(project: Path, content: ContentOptions, *configured: str) -> None:
    """Let the bundle have been made with these options, of which a configuration gave some."""
    recorded = recorded_options(content, str(project), frozenset(configured))
    data = write_manifest(Manifest("1", PYTHON, "x86_64", None, (), {}, options=recorded))
    (project / "app/bundle.json").write_bytes(data)


def updated(project: Path, *words: str, update: Sequence[str] = ("--update",)) -> PackOptions:
    return options_of(pack.make_context("pack", [f"{project}/.venv", "--out", f"{project}/app", *update, *words]))


def everything(project: Path) -> ContentOptions:
    """Every option that decides on the content, with another value than its default."""
    return ContentOptions(
        profile=Profile.SLIM,
        patterns=("tests/", "!tests/keep", "*.pyi"),
        add=(f"{project}/data=share/data",),
        entry="app.cli:main",
        readme=False,
        editable=EditableMode.BUILD,
        system_site=False,
        pyc=Pyc.NONE,
        isolated=True,
        launcher=Launcher.NATIVE,
        libc=LibcMode.BUNDLE,
        symlinks=Symlinks.NONE,
        exclude_libs=("libz.so.1",),
        include_libs=("libm.so.6", "/usr/lib/libx.so", f"{project}/libs/liby.so"),
        fix_execstack=True,
        keep_modes=True,
        allow_incomplete=True,
        leaks=LeakMode.WARN,
        allow_leaks=("tests/", "private-key:*.pem"),
        target="debian12",
        sbom=(SbomFormat.CYCLONEDX, SbomFormat.SPDX),
        thin="arm64",
    )


def test_every_option_that_decides_on_the_content_comes_back(project: Path) -> None:
    content = everything(project)
    same = [
        field.name for field in fields(content) if getattr(content, field.name) == getattr(ContentOptions(), field.name)
    ]
    assert same == ["build_network"], "a permission is not remembered; an option that is new belongs into this test"
    made(project, content)
    assert updated(project).content == content


def test_what_is_recorded_is_a_configuration_and_names_nobody_s_folder(project: Path) -> None:
    values = recorded_options(replace(everything(project), build_network=True), str(project)).values
    options = {max(option.opts, key=len)[2:] for option in pack.params if isinstance(option, click.Option)}
    assert set(values) <= options
    assert "build-network" not in values
    assert (values["add"], values["exclude"]) == (("data=share/data",), ("tests/", "!tests/keep", "*.pyi"))
    assert values["include-lib"] == ("libm.so.6", "/usr/lib/libx.so", "./libs/liby.so")
    assert str(project) not in str(values)
    elsewhere = ContentOptions(add=("/srv/elsewhere/x=y", "/srv/elsewhere/z"), include_libs=("/srv/elsewhere/libx.so",))
    values = recorded_options(elsewhere, str(project)).values
    assert values == {"add": ("=y", "=z"), "include-lib": ("=libx.so",)}


def test_the_python_api_begins_with_what_made_the_bundle_and_keywords_change_it(project: Path) -> None:
    content = replace(everything(project), patterns=("tests/", "!tests/keep"))
    made(project, content, "entry", "profile")

    def begins(*keywords: str) -> PackOptions:
        return options_of_bundle(f"{project}/app", str(project), keywords)

    assert begins("update").content == content
    assert begins("update", "profile").configured == {"entry"}
    nothing = ContentOptions()
    changed = begins("profile", "exclude", "add", "exclude_lib").content
    assert changed == replace(content, profile=nothing.profile, patterns=(), add=(), exclude_libs=())
    (project / "app/bundle.json").write_text(json.dumps({"bundler": "9", "schema": 1, "options": {"colour": "red"}}))
    with pytest.raises(BadOption, match=r"bundle\.json: pack has no option colour"):
        begins()
    made(project, ContentOptions(add=("/srv/elsewhere/x=share/x",)))
    with pytest.raises(BadConfiguration, match=r"does not tell where: share/x"):
        begins()
    assert begins("add").content == nothing
    (project / "app/bundle.json").unlink()
    assert begins() == PackOptions()


def test_an_update_by_the_python_api_keeps_the_start_command(tmp_path: Path) -> None:
    environment, out = tmp_path / "env", tmp_path / "app"
    empty_environment(environment)
    first = api.pack(environment, out, profile="slim", entry="python -V", verify=False)
    assert api.pack(environment, out, update=True, verify=False).changed_options == ()
    assert (out / "bin/start").is_file()
    report = api.pack(environment, out, update=True, verify=False, entry="")
    assert [changed.name for changed in report.changed_options] == ["entry"]
    assert not (out / "bin/start").exists()
    assert report.files == first.files - 1
    given = api.pack(environment, out, PackOptions(), update=True, verify=False)
    assert [changed.name for changed in given.changed_options] == ["profile"], "options that are given are all"


@pytest.mark.parametrize("suffix", [".tar", ".tar.zst", ".tar.gz", ".run", ".oci.tar", ".zip"])
def test_the_update_of_an_archive_begins_with_what_made_it(tmp_path: Path, suffix: str) -> None:
    environment, out = tmp_path / "env", tmp_path / f"app{suffix}"
    empty_environment(environment)
    top = "" if suffix == ".run" else "inside"
    first = api.pack(environment, out, profile="slim", entry="python -V", verify=False, top=top)
    done = bundler(
        ["pack", environment, "--out", out, "--update", "--no-verify", "--json", *(["--top", top] if top else [])]
    )
    report = json.loads(done.stdout)
    assert (report["files"], report["changed_options"]) == (first.files, [])
    again = api.pack(environment, out, update=True, verify=False, entry="", top=top)
    assert again.files == first.files - 1
    assert [changed.name for changed in again.changed_options] == ["entry"]


@pytest.mark.parametrize("data", [b"", b"\x1f\x8b", b"PK\3\4" + bytes(600), bytes(257) + b"ustar" + bytes(600)])
def test_what_is_no_archive_of_ours_remembers_nothing(project: Path, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "app.tar.gz").write_bytes(data)
    assert options_of_bundle(str(tmp_path / "app.tar.gz"), str(project), ()) == PackOptions()


@pytest.mark.parametrize(
    ("name", "item"),
    [
        ("add", "../secret=share/x"),
        ("add", "a/../../b=x"),
        ("add", "/srv/private/x=y"),
        ("include-lib", "../libx.so"),
    ],
)
def test_a_bundle_cannot_ask_for_what_lies_elsewhere(project: Path, name: str, item: str) -> None:
    """No pack records that: it may come from anybody."""
    recorded = RecordedOptions({name: (item,)})
    data = write_manifest(Manifest("1", PYTHON, "x86_64", None, (), {}, options=recorded))
    (project / "app/bundle.json").write_bytes(data)
    with pytest.raises(BadConfiguration, match="outside of the folder"):
        updated(project)
    with pytest.raises(BadConfiguration, match="outside of the folder"):
        options_of_bundle(f"{project}/app", str(project), ())


def test_what_was_left_open_is_not_recorded(project: Path) -> None:
    assert recorded_options(ContentOptions(), str(project)) == RecordedOptions()


def test_only_an_update_remembers(project: Path) -> None:
    made(project, ContentOptions(profile=Profile.SLIM))
    assert updated(project, update=()).content.profile is Profile.STANDARD
    assert updated(project, update=("--no-update",)).content.profile is Profile.STANDARD
    assert updated(project, update=("--update",)).content.profile is Profile.SLIM


def test_the_command_line_wins(project: Path) -> None:
    made(project, everything(project))
    words = ("--profile", "full", "--exclude", "docs/", "--entry", "", "--no-isolated", "--add", "z", "--system-site")
    content = updated(project, *words).content
    assert (content.profile, content.patterns, content.entry) == (Profile.FULL, ("docs/",), "")
    assert (content.isolated, content.add, content.system_site) == (False, ("z",), True)
    assert content.pyc is Pyc.NONE
    assert updated(project, "--include", "x").content.patterns == ("tests/", "!tests/keep", "*.pyi", "!x")


def test_a_configuration_of_now_takes_the_place_of_that_of_then_and_not_of_what_was_given(project: Path) -> None:
    """An update repeats the command that made the bundle, with the configuration that is there now."""
    then = ContentOptions(profile=Profile.SLIM, entry="app:main", patterns=("docs/",), isolated=True)
    made(project, then, "entry", "exclude", "isolated")
    (project / "pyproject.toml").write_text(
        '[tool.bundler]\nprofile = "runtime"\nentry = "app:other"\ninclude = ["x"]\n'
    )
    options = updated(project)
    assert options.content == ContentOptions(profile=Profile.SLIM, entry="app:other", patterns=("!x",))
    assert options.configured == {"entry", "exclude"}
    (project / "pyproject.toml").unlink()
    options = updated(project)
    assert options.content == then, "without a configuration all is remembered"
    assert options.configured == {"entry", "exclude", "isolated"}


def test_patterns_of_the_command_line_and_of_a_configuration_are_one_list(project: Path) -> None:
    (project / "pyproject.toml").write_text('[tool.bundler]\ninclude = ["x"]\n')
    first = updated(project, "--exclude", "a", update=())
    assert (first.content.patterns, first.configured) == (("!x", "a"), frozenset())
    made(project, first.content, *first.configured)
    assert updated(project).content.patterns == ("!x", "a")


def test_an_update_may_be_configured(project: Path) -> None:
    (project / "pyproject.toml").write_text('[tool.bundler]\nupdate = true\nout = "app"\n')
    made(project, ContentOptions(profile=Profile.SLIM))
    for words, profile in (((), Profile.SLIM), (("--no-update",), Profile.STANDARD)):
        options = options_of(pack.make_context("pack", [f"{project}/.venv", *words]))
        assert options.content.profile is profile


def test_a_source_that_is_not_told_must_be_given_again(project: Path) -> None:
    made(project, ContentOptions(add=("/srv/elsewhere/x=share/x",), include_libs=("/srv/elsewhere/libx.so",)))
    with pytest.raises(BadConfiguration, match=r"does not tell where: share/x") as caught:
        updated(project)
    assert "--add" in caught.value.hint
    with pytest.raises(BadConfiguration, match=r"libx\.so"):
        updated(project, "--add", "x=share/x")
    content = updated(project, "--add", "x=share/x", "--include-lib", "libx.so").content
    assert (content.add, content.include_libs) == (("x=share/x",), ("libx.so",))


def test_paths_count_from_the_folder_of_the_environment_wherever_the_command_is_given(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(project, ContentOptions(add=(f"{project}/data=x",)))
    empty_environment(project / ".venv")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VIRTUAL_ENV", f"{project}/.venv")
    options = options_of(pack.make_context("pack", ["--out", f"{project}/app", "--update", "--no-in-place"]))
    assert options.content.add == (f"{project}/data=x",)


def test_an_option_that_this_version_does_not_know_is_an_error(project: Path) -> None:
    manifest = {"bundler": "9", "schema": 1, "options": {"colour": "red"}}
    (project / "app/bundle.json").write_text(json.dumps(manifest))
    with pytest.raises(BadConfiguration, match=r"bundle\.json: options has colour, which is no option"):
        updated(project)


def test_a_bundle_of_before_remembers_nothing(project: Path) -> None:
    (project / "app/bundle.json").write_text('{"bundler": "0", "schema": 1}')
    assert read_options((project / "app/bundle.json").read_bytes()) is None
    assert updated(project).content == ContentOptions()
    (project / "app/bundle.json").write_text("no JSON")
    assert updated(project).content == ContentOptions(), "what is wrong with it is for the update to say"


def test_what_differs_is_told_by_name() -> None:
    before = RecordedOptions({"profile": "runtime", "entry": "a:b", "exclude": ("x", "y")})
    now = RecordedOptions({"profile": "runtime", "isolated": True, "exclude": ("x",)}, ("isolated",))
    assert changed_options(before, now) == (
        ChangedOption("entry", "a:b", ""),
        ChangedOption("exclude", "x, y", "x"),
        ChangedOption("isolated", "", "true"),
    )
    told = [changed.text for changed in changed_options(before, now)]
    assert told == ["entry none (was a:b)", "exclude x (was x, y)", "isolated true (was false)"]
    of_profile = changed_options(before, RecordedOptions({"pyc": "none"}))
    assert [changed.text for changed in of_profile][-2:] == [
        "profile standard (was runtime)",
        "pyc none (was automatic)",
    ]
    assert changed_options(before, before) == ()


def test_an_updated_bundle_keeps_its_start_command_and_its_size(tmp_path: Path) -> None:
    environment, out, mine = tmp_path / "env", tmp_path / "app", tmp_path / "mine"
    empty_environment(environment)
    mine.write_text("one")
    command: list[str | Path] = ["pack", environment, "--out", out, "--no-verify"]
    done = bundler([*command, "--profile", "slim", "--entry", "python -c 'print(1)'", "--add", f"{mine}=etc/mine"])
    assert done.returncode == 0, done.stderr
    before = (out / "bundle.json").read_bytes()
    assert os.fsencode(tmp_path) not in before
    done = bundler([*command, "--update"])
    assert done.returncode == 0, done.stderr
    assert done.stderr == f"updated: 0 paths written, {out} is as it was; not verified\n"
    assert (out / "bundle.json").read_bytes() == before
    mine.write_text("another")
    done = bundler([*command, "--update", "--isolated"])
    assert done.returncode == 0, done.stderr
    assert "other options than those that made the bundle: isolated true (was false)\n" in done.stderr
    assert (out / "etc/mine").read_text() == "another"
    assert run([out / "bin/start"]).stdout == "1\n"
    assert not list(out.glob("lib/python*/idlelib"))
    done = bundler([*command, "--update", "--dry-run", "--json", "--entry", ""])
    assert json.loads(done.stdout)["changed_options"] == [{"name": "entry", "was": "python -c 'print(1)'", "now": ""}]

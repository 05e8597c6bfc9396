"""Every option of `pack` stands under a heading and reaches the field that bears its name."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import click
import pytest
from click.core import ParameterSource

from bundler.cli.grouped import GroupedOption
from bundler.cli.pack import options_of, pack
from bundler.errors import BadConfiguration
from bundler.option_names import filled
from bundler.options import AuditDepth, ContentOptions, ImageOptions, LinkMode, PackOptions, Profile, Pyc, Symlinks
from tests.material.environments import clean, run, tool

COMMANDS_OWN = {"env", "out", "config", "trace_save", "exclude", "include", "as_json", "quiet", "verbose", "help"}


def parsed(*words: str, env: str = "/nowhere/env") -> PackOptions:
    return options_of(pack.make_context("pack", [env, *words]))


def test_every_option_is_a_field_and_stands_in_a_group() -> None:
    places = {field.name for kind in (PackOptions, ContentOptions) for field in fields(kind)}
    places |= {"image_" + field.name for field in fields(ImageOptions)}
    for option in pack.params:
        assert option.name in places | COMMANDS_OWN
        assert isinstance(option, (GroupedOption, click.Argument)), f"{option.name} has no group"


def test_no_option_stands_in_two_places() -> None:
    """A second place would be overwritten by the first without a word."""
    names = [field.name for kind in (PackOptions, ContentOptions) for field in fields(kind)]
    assert sorted(set(names)) == sorted(names)


def test_nothing_given_means_the_defaults() -> None:
    assert parsed() == PackOptions()


def test_words_reach_the_options() -> None:
    options = parsed(
        *("--exclude-lib", "libz.so.1", "--exclude-lib", "libm.so.6", "--symlinks", "none", "--image-env", "A=b"),
        *("--base", "base.tar", "--link", "copy", "--pyc", "none", "--no-verify", "-j", "3", "--level", "0", "--force"),
        *("--audit", "quick"),
    )
    assert options.content.exclude_libs == ("libz.so.1", "libm.so.6")
    assert options.content.symlinks is Symlinks.NONE
    assert options.image == ImageOptions(base="base.tar", variables=("A=b",))
    assert options.link is LinkMode.COPY
    assert options.content.pyc is Pyc.NONE
    assert not options.verify
    assert options.audit is AuditDepth.QUICK
    assert (options.threads, options.level, options.force) == (3, 0, True)


def test_the_help_has_a_section_for_each_group() -> None:
    text = pack.get_help(click.Context(pack, info_name="pack"))
    for option in pack.params:
        if isinstance(option, GroupedOption):
            assert f"\n{option.group}:\n" in text
    assert text.index("Output:") < text.index("Content:") < text.index("Other options:")


def test_what_was_not_given_stays_as_it_was() -> None:
    before = ImageOptions(user="me", name="a:1")
    assert filled(before, {"image_name": "b:2", "user": "you"}, "image_") == ImageOptions(user="me", name="b:2")


def test_patterns_keep_the_order_of_the_command_line() -> None:
    options = parsed("--include", "c", "--exclude", "b", "--exclude", "a", "--include=b", "--exclude", "c")
    assert options.content.patterns == ("!c", "b", "a", "!b", "c")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project's folder, in which `.venv` would lie."""
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "x"\n[tool.bundler]\nout = "dist/app.tar.gz"\nlevel = 3\nforce = true\nverify = false\n'
        'symlinks = "none"\nexclude-lib = ["libz.so.1"]\nimage-env = ["A=b"]\nbase = "scratch"\nadd = ["data=share"]\n'
        'exclude = ["tests/", "!tests/keep"]\ninclude = ["x"]\nsystem-site = false\nquiet = true\nprofile = "slim"\n'
    )
    return tmp_path


def test_a_configuration_beside_the_environment_is_what_the_command_line_leaves_open(project: Path) -> None:
    context = pack.make_context("pack", [str(project / ".venv")])
    assert context.params["out"] == str(project / "dist/app.tar.gz")
    assert context.params["quiet"] is True
    options = options_of(context)
    assert (options.level, options.force, options.verify) == (3, True, False)
    assert options.content.symlinks is Symlinks.NONE
    assert options.content.exclude_libs == ("libz.so.1",)
    assert options.content.add == (f"{project}/data=share",)
    assert options.content.patterns == ("tests/", "!tests/keep", "!x")
    assert options.content.profile is Profile.SLIM
    assert options.content.system_site is False
    assert options.image == ImageOptions(variables=("A=b",))


def test_the_command_line_wins(project: Path) -> None:
    options = parsed(
        *("--out", "y", "--level", "9", "--no-force", "--verify", "--symlinks", "keep", "--exclude-lib", "libm.so.6"),
        *("--system-site", "--profile", "full", "--add", "z", "--exclude", "only", "--image-env", "C=d"),
        env=str(project / ".venv"),
    )
    assert (options.level, options.force, options.verify) == (9, False, True)
    assert options.content.symlinks is Symlinks.KEEP
    assert options.content.exclude_libs == ("libm.so.6",)
    assert options.content.system_site
    assert options.content.profile is Profile.FULL
    assert options.content.add == ("z",)
    assert options.content.patterns == ("!x", "only")
    assert options.image.variables == ("C=d",)


def test_another_file_can_be_named_and_every_option_can_stand_in_it(project: Path) -> None:
    other = project / "other.toml"
    other.write_text("[tool.bundler]\nlevel = 1\n")
    options = parsed("--config", str(other), env=str(project / ".venv"))
    assert (options.level, options.force) == (1, False)
    for option in pack.params:
        if isinstance(option, click.Option) and option.name != "config":
            value = {True: '["a"]'}.get(option.multiple) or {True: "true"}.get(option.is_flag) or "7"
            choices = option.type.choices if isinstance(option.type, click.Choice) else ["x"]
            number = isinstance(option.type, click.types.IntParamType)
            if option.multiple and isinstance(option.type, click.Choice):
                value = f'["{choices[0]}"]'
            text = value if option.multiple or option.is_flag or number else f'"{choices[0]}"'
            other.write_text(f"[tool.bundler]\n{max(option.opts, key=len)[2:]} = {text}\n")
            context = pack.make_context("pack", ["--config", str(other)])
            assert option.name is not None
            source = context.get_parameter_source(option.name)
            assert source is ParameterSource.DEFAULT_MAP, option.name


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[tool.bundler]\nexclud-lib = []\n", ("exclud-lib", "exclude-lib")),
        ("[tool.bundler]\nadd = 'x'\n", ("add", "a list of strings", "['x']")),
        ("[tool.bundler]\nforce = 'yes'\n", ("force", "true or false")),
        ("[tool.bundler]\nlevel = true\n", ("level", "a number")),
        ("[tool.bundler]\nout = 3\n", ("out", "a string")),
        ("[tool.bundler]\nentry = 3\n", ("entry", "a string")),
        ("[tool.bundler]\nsymlinks = 'some'\n", ("symlinks", "keep, none", "some")),
        ("[tool.bundler]\nsbom = ['swid']\n", ("sbom", "cyclonedx, spdx", "swid")),
        ("[tool.bundler]\nformat = 'rar'\n", ("format", "tar.gz", "rar")),
        ("[tool.bundler]\nthreads = 0\n", ("threads", "1 or more")),
        ("[tool.bundler]\nconfig = 'x'\n", ("config", "no option")),
        ("[tool]\nbundler = 3\n", ("no table",)),
        ("[tool.bundler\n", ("no TOML",)),
    ],
)
def test_what_is_wrong_in_a_configuration_is_named(project: Path, text: str, words: tuple[str, ...]) -> None:
    (project / "pyproject.toml").write_text(text)
    with pytest.raises(BadConfiguration) as caught:
        parsed(env=str(project / ".venv"))
    for word in (*words, str(project / "pyproject.toml")):
        assert word in f"{caught.value.message} {caught.value.hint}"
    assert caught.value.exit_status == 2


def test_a_word_that_is_none_of_the_choices_is_wrong_usage() -> None:
    with pytest.raises(click.BadParameter, match="some"):
        parsed("--symlinks", "some")


def test_in_place_and_out_exclude_each_other_unless_one_is_configured(project: Path) -> None:
    with pytest.raises(click.UsageError, match="exclude each other"):
        parsed("--in-place", "--out", "x")
    assert parsed("--in-place", env=str(project / ".venv")).in_place
    (project / "pyproject.toml").write_text("[tool.bundler]\nin-place = true\n")
    assert parsed(env=str(project / ".venv")).in_place
    assert not parsed("--out", "x", env=str(project / ".venv")).in_place


@pytest.mark.parametrize(
    ("words", "answers"),
    [
        ("bundler pa", {"plain,pack", "plain,patch"}),
        ("bundler pack --sym", {"plain,--symlinks"}),
        ("bundler pack --symlinks ", {"plain,keep", "plain,none"}),
        ("bundler pack --profile r", {"plain,runtime"}),
        ("bundler pack --target debian1", {f"plain,debian1{number}" for number in range(4)}),
        ("bundler verify --target windows8", {"plain,windows8", "plain,windows8.1"}),
    ],
)
def test_a_shell_completes_commands_options_and_values(project: Path, words: str, answers: set[str]) -> None:
    """As docs/packing.md sets it up; a broken configuration beside must not disturb it."""
    (project / "pyproject.toml").write_text("[tool.bundler")
    variables = {"COMP_WORDS": words, "COMP_CWORD": str(words.count(" ")), "_BUNDLER_COMPLETE": "bash_complete"}
    done = run([tool("bundler")], env=clean() | variables, cwd=project)
    assert (set(done.stdout.split()), done.stderr) == (answers, "")

"""Every option of `pack` stands under a heading and reaches the field that bears its name."""

from __future__ import annotations

from dataclasses import fields

import click

from bundler.cli.grouped import GroupedOption, filled
from bundler.cli.pack import options_of, pack
from bundler.options import ImageOptions, LinkMode, PackOptions, PlanOptions, Pyc, Symlinks

COMMANDS_OWN = {"env", "out", "as_json", "quiet", "verbose", "help"}


def parsed(*words: str) -> PackOptions:
    context = pack.make_context("pack", ["--out", "x", *words])
    return options_of({name: value for name, value in context.params.items() if name not in COMMANDS_OWN})


def test_every_option_is_a_field_and_stands_in_a_group() -> None:
    places = {field.name for kind in (PackOptions, PlanOptions) for field in fields(kind)}
    places |= {"image_" + field.name for field in fields(ImageOptions)}
    for option in pack.params:
        assert option.name in places | COMMANDS_OWN
        assert isinstance(option, (GroupedOption, click.Argument)), f"{option.name} has no group"


def test_nothing_given_means_the_defaults() -> None:
    assert parsed() == PackOptions()


def test_words_reach_the_options() -> None:
    options = parsed(
        *("--exclude-lib", "libz.so.1", "--exclude-lib", "libm.so.6", "--symlinks", "none", "--image-env", "A=b"),
        *("--base", "base.tar", "--link", "copy", "--pyc", "none", "--no-verify", "-j", "3", "--level", "0", "--force"),
    )
    assert options.plan.exclude_libs == ("libz.so.1", "libm.so.6")
    assert options.plan.symlinks is Symlinks.NONE
    assert options.image == ImageOptions(base="base.tar", variables=("A=b",))
    assert options.link is LinkMode.COPY
    assert options.pyc is Pyc.NONE
    assert not options.verify
    assert (options.threads, options.level, options.force) == (3, 0, True)


def test_the_help_has_a_section_for_each_group() -> None:
    text = pack.get_help(click.Context(pack, info_name="pack"))
    for option in pack.params:
        if isinstance(option, GroupedOption):
            assert f"\n{option.group}:\n" in text
    assert text.index("Output:") < text.index("Content:") < text.index("Other options:")


def test_what_was_not_given_stays_as_it_was() -> None:
    before = ImageOptions(user="me", name="a:1")
    assert filled(before, {"image_user": None, "image_name": "b:2", "user": "you"}, "image_") == ImageOptions(
        user="me", name="b:2"
    )

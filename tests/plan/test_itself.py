"""Bundler in the environment that it packs is told, with the words that leave it out."""

from __future__ import annotations

import shlex

import pytest

from bundler.options import ContentOptions
from bundler.plan.application import plan_start
from bundler.plan.filters import filtered
from bundler.plan.itself import check_itself
from bundler.plan.owners import Owners
from tests.plan.made_up import SITE, Machine


@pytest.fixture
def with_bundler(machine: Machine) -> Machine:
    own = "relocatable_bundler-1.dist-info"
    rows = ("bundler/__init__.py,,", "bundler/cli/__init__.py,,", "../../../bin/bundler,,", f"{own}/RECORD,,")
    machine.install("relocatable_bundler", *rows)
    machine.install("shop", "shop/__init__.py,,")
    machine.put(f"env/{SITE}/bundler/__init__.py")
    machine.put(f"env/{SITE}/bundler/cli/__init__.py", "def main(): ...\n")
    machine.put(f"env/{SITE}/shop/__init__.py", "def main(): ...\n")
    machine.put("env/bin/bundler", "#!/bin/sh\n")
    return machine


def warnings(machine: Machine, content: ContentOptions = ContentOptions()) -> tuple[str, ...]:  # noqa: B008
    environment = machine.environment
    entries = filtered(machine.entries, environment.scheme, content)
    start = plan_start(content, entries, environment) if content.entry else None
    return check_itself(entries, environment, Owners(environment, machine.mounts, {}), start)


def test_the_words_leave_it_out_and_nothing_else(with_bundler: Machine) -> None:
    (warning,) = warnings(with_bundler, ContentOptions(entry="shop:main"))
    words = shlex.split(warning.partition("to leave it out: ")[2])
    assert words[::2] == ["--exclude"] * 3
    content = ContentOptions(patterns=tuple(words[1::2]))
    left = filtered(with_bundler.entries, with_bundler.environment.scheme, content)
    gone = set(with_bundler.entries) - set(left)
    assert {"bin/bundler", f"{SITE}/bundler", f"{SITE}/bundler/cli/__init__.py"} <= gone
    assert all("bundler" in path for path in gone - {"bin"}), gone
    assert warnings(with_bundler, content) == ()


def test_who_asks_for_it_gets_it_without_a_word(with_bundler: Machine) -> None:
    assert warnings(with_bundler, ContentOptions(entry="bundler.cli:main")) == ()
    with_bundler.install("tools", "tools.py,,")
    metadata, requires = f"env/{SITE}/tools-1.dist-info/METADATA", "Name: tools\nVersion: 1\nRequires-Dist: {}\n"
    with_bundler.put(metadata, requires.format("relocatable-bundler; extra == 'dev'"))
    assert warnings(with_bundler) != (), "nobody asked for the extra"
    with_bundler.put(metadata, requires.format("Relocatable_Bundler>=0.1"))
    assert warnings(with_bundler) == ()


def test_where_it_is_not_there_is_nothing_to_say(machine: Machine) -> None:
    machine.install("shop", "shop/__init__.py,,")
    assert warnings(machine) == ()

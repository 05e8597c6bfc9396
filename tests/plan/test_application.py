"""What is the user's own: files that are added, distributions from a local place, the start command."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bundler.binaries.elf.launchers import read_launcher
from bundler.entries import Layer, Link, Literal
from bundler.errors import BundlerError
from bundler.options import ContentOptions, Launcher
from bundler.plan.application import added_mounts, check_added, plan_start, with_application_layer
from bundler.plan.collect import Collected
from bundler.plan.launchers import wanted_launcher
from bundler.plan.mounts import Mount
from bundler.platforms import AARCH64, X86_64, Libc, OperatingSystem, Platform, machine_named
from tests.plan.made_up import SITE, Machine, entries, entry


@pytest.mark.parametrize(
    ("words", "path"),
    [
        ("{src}", "src"),
        ("{src}/", "src"),
        ("{src}=etc/app", "etc/app"),
        ("{src}=/etc/./app/", "etc/app"),
        ("{src}/file=etc/a=b", "etc/a=b"),
    ],
)
def test_what_is_added_goes_where_it_is_told(machine: Machine, words: str, path: str) -> None:
    machine.put("src/file")
    source = f"{machine.folder}/src" + ("/file" if "file" in words else "")
    assert added_mounts((words.format(src=machine.folder / "src"),)) == (
        Mount(source, path, f"added:{path}", Layer.APPLICATION),
    )


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("{src}/gone", "gone does not exist"),
        ("{src}=..", "below it"),
        ("{src}=../x", "below it"),
        ("{src}=a/../..", "below it"),
        ("{src}=.", "below it"),
        ("{src}=bundle.json", "bundler's own"),
    ],
)
def test_a_place_that_is_none_is_refused(machine: Machine, words: str, why: str) -> None:
    machine.put("src/file")
    with pytest.raises(BundlerError, match=why):
        added_mounts((words.format(src=machine.folder / "src"),))


def test_all_that_is_wrong_is_told_together(machine: Machine) -> None:
    with pytest.raises(BundlerError) as caught:
        added_mounts((f"{machine.folder}/one", f"{machine.folder}/two"))
    assert "one" in str(caught.value) and "two" in str(caught.value)


def test_an_added_file_takes_nobody_s_place_and_nobody_takes_its() -> None:
    mine = entry("a", origin="added:a")
    check_added(Collected(entries(mine, "b"), (), ()), entries(mine, "b"))
    check_added(Collected(entries(mine, "b"), (), ()), entries("b"))  # a pattern left it out
    with pytest.raises(BundlerError, match="a a of its own"):
        check_added(Collected(entries(mine), (), ()), entries(entry("a", origin="bundler")))
    with pytest.raises(BundlerError, match="a b of its own"):
        check_added(Collected(entries(mine), (), ("b",)), entries(mine))


@pytest.mark.parametrize(
    ("url", "layer"),
    [
        ('{"url": "file:///src/app"}', Layer.APPLICATION),
        ('{"url": "https://example.org/app.whl"}', Layer.PACKAGES),
        ("", Layer.PACKAGES),
    ],
)
def test_a_distribution_from_a_local_place_is_the_application(machine: Machine, url: str, layer: Layer) -> None:
    machine.install("app", "app.py,,", "../../../bin/app,,", "gone.py,,", **({"direct_url__json": url} if url else {}))
    machine.install("other", "other.py,,")
    for path in (f"{SITE}/app.py", "bin/app", f"{SITE}/other.py"):
        machine.put(f"env/{path}")
    before = machine.entries
    found = with_application_layer(before, machine.environment, machine.mounts)
    assert (found[f"{SITE}/app.py"].layer, found["bin/app"].layer) == (layer, layer)
    assert found[f"{SITE}/other.py"].layer is Layer.PACKAGES
    assert before[f"{SITE}/app.py"].layer is Layer.PACKAGES, "what was given stays as it is"


BUNDLE = entries(
    entry(f"{SITE}/app.py", "def main(): pass\n"),
    entry(f"{SITE}/pkg/__init__.py", "class Site: pass\n"),
    f"{SITE}/pkg/fast.cpython-312-x86_64-linux-gnu.so",
    f"{SITE}/pkg/space/",
    f"{SITE}/pkg/other.cpython-311-x86_64-linux-gnu.so",
    entry("bin/app", "#!/bin/sh\n''':'\n__bundler_script=$0\n"),
    entry("bin/tool", "\x7fELF"),
    entry("bin/alias", Link("app")),
    entry("share/run.py", "#!/usr/bin/env python3\n"),
)


@pytest.mark.parametrize(
    ("words", "program", "arguments"),
    [
        ("app:main", ("bin/python3.12", "bin/start"), ()),
        ("pkg:Site.open", ("bin/python3.12", "bin/start"), ()),
        ("pkg.fast:main", ("bin/python3.12", "bin/start"), ()),
        ("pkg:fast.main", ("bin/python3.12", "bin/start"), ()),
        ("pkg:space.main", ("bin/python3.12", "bin/start"), ()),
        ("bin/app serve --port 80", ("bin/python3.12", "bin/app"), ("serve", "--port", "80")),
        ("app 'a b'", ("bin/python3.12", "bin/app"), ("a b",)),
        ("share/run.py", ("bin/python3.12", "share/run.py"), ()),
        ("tool x", ("bin/tool",), ("x",)),
        ("bin/alias", ("bin/alias",), ()),
    ],
)
def test_a_start_command_is_a_program_and_its_arguments(
    machine: Machine, words: str, program: tuple[str, ...], arguments: tuple[str, ...]
) -> None:
    start = plan_start(ContentOptions(entry=words), BUNDLE, machine.environment)
    assert (start.program, start.arguments) == (program, arguments)
    assert (start.script.path, start.script.mode, start.script.origin) == ("bin/start", 0o755, "bundler")


def test_an_isolated_start_command_isolates_python_alone(machine: Machine) -> None:
    for words, options in (("app:main", ("-E", "-s")), ("bin/app", ("-E", "-s")), ("bin/tool", ())):
        start = plan_start(ContentOptions(entry=words, isolated=True), BUNDLE, machine.environment)
        assert start.python_options == options


def test_the_script_hands_the_arguments_on(machine: Machine) -> None:
    content = plan_start(ContentOptions(entry="share/run.py 'a b'"), BUNDLE, machine.environment).script.content
    assert isinstance(content, Literal)
    assert b"""/../share/run.py" 'a b' "$@\"""" in content.data


@pytest.mark.parametrize(
    ("words", "program", "arguments", "started"),
    [
        ("app:main", ("bin/start",), (), ("python", "-Xbundler=", "-E", "-s", "../libexec/bundler/bin/start")),
        ("bin/app serve 'a b'", ("bin/python3.12", "bin/app"), ("serve", "a b"), ("app", "serve", "a b")),
        ("tool x", ("bin/tool",), ("x",), ("tool", "x")),
    ],
)
def test_with_a_launcher_the_start_command_is_one(
    machine: Machine, words: str, program: tuple[str, ...], arguments: tuple[str, ...], started: tuple[str, ...]
) -> None:
    options = ContentOptions(entry=words, isolated=True, launcher=Launcher.NATIVE)
    start = plan_start(options, BUNDLE, machine.environment, wanted_launcher(options, machine.environment))
    assert (start.program, start.arguments) == (program, arguments)
    assert isinstance(start.script.content, Literal)
    launcher = read_launcher(start.script.content.data)
    assert launcher is not None
    assert tuple(word.text for word in launcher.words) == started
    assert [(entry.path, entry.mode) for entry in start.beside] == [("libexec/bundler/bin/start", 0o644)] * (
        ":" in words
    )


@pytest.mark.parametrize(
    ("platform", "named"),
    [
        (Platform(OperatingSystem.LINUX, (machine_named("s390x") or X86_64,), Libc.GLIBC), "Linux on s390x"),
        (Platform(OperatingSystem.MACOS, (AARCH64,)), "macOS on arm64"),
        (Platform(OperatingSystem.WINDOWS, (X86_64,)), "Windows on AMD64"),
    ],
)
def test_where_there_is_no_launcher_the_error_says_where_there_are(
    machine: Machine, platform: Platform, named: str
) -> None:
    environment = machine.environment
    other = replace(environment, platform=platform)
    with pytest.raises(BundlerError, match=f"there is no launcher for {named}") as caught:
        wanted_launcher(ContentOptions(launcher=Launcher.NATIVE), other)
    assert "launchers for Linux on x86_64 and aarch64" in (caught.value.hint or "")
    assert wanted_launcher(ContentOptions(), other) is None


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("gone:main", "no module gone"),
        ("pkg.other:main", "no module pkg.other"),
        ("app:mian", "app.py has no mian"),
        ("app:Site.open", "app.py has no Site"),
        ("bin/gone", "bin/gone is not in the bundle"),
        ("app.py", "app.py is not in the bundle"),
    ],
)
def test_a_start_command_of_nothing_is_refused(machine: Machine, words: str, why: str) -> None:
    with pytest.raises(BundlerError, match=why):
        plan_start(ContentOptions(entry=words), BUNDLE, machine.environment)


def test_a_script_of_the_environment_that_has_the_name_is_told(machine: Machine) -> None:
    with pytest.raises(BundlerError, match="bin/start of its own"):
        plan_start(ContentOptions(entry="app:main"), {**BUNDLE, **entries("bin/start")}, machine.environment)

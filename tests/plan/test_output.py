"""What sinks are told of a plan: times, the start, and for an image its command, its machine and what it needs around it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bundler.entries import Content, Directory, Entry, Layer, Literal, Source
from bundler.environment import Environment, load_environment
from bundler.errors import BundlerError, OutputFailed
from bundler.floor import Floor
from bundler.formats import archive_named
from bundler.options import ImageOptions, PackOptions
from bundler.output_facts import TargetNeeds
from bundler.plan.application import StartCommand
from bundler.plan.make import Plan
from bundler.plan.output import archive_facts, directory_facts, image_facts
from bundler.plan.owners import Title
from bundler.platforms import AARCH64, MACHINES, X86_64, Libc, OperatingSystem, Platform
from bundler.systems.libraries import LibraryFacts
from tests.material.environments import empty_environment

I686 = next(machine for machine in MACHINES if machine.name == "i686")
ON_BASE = PackOptions(image=ImageOptions(base="base.tar"))


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    where = tmp_path_factory.mktemp("output") / "env"
    empty_environment(where)
    return load_environment(str(where))


def entry(path: str, content: Content, time: int) -> Entry:
    return Entry(path, content, 0o644, time, Layer.RUNTIME, "base:")


def plan_of(environment: Environment, start: StartCommand | None = None, program: str | None = None) -> Plan:
    """A plan of a few entries, the interpreter among them; `program` is the file that it is taken from."""
    source = Source(program or environment.interpreter.executable, 1)
    entries = (
        entry("bin", Directory(), 50),
        entry(environment.scheme.executable, source, 30),
        entry("lib", Directory(), 70),
        entry("pyvenv.cfg", Literal(b""), 60),
    )
    return Plan(environment, entries, LibraryFacts((), {}, ()), None, None, (), 0, start)


def start(*program: str, arguments: tuple[str, ...] = (), options: tuple[str, ...] = ()) -> StartCommand:
    return StartCommand(entry("bin/start", Literal(b""), 0), program, arguments, options)


def test_an_archive_is_told_its_times_and_what_starts_it(environment: Environment) -> None:
    facts = archive_facts(plan_of(environment), archive_named("tar.gz"), PackOptions())
    assert (facts.root_ns, facts.latest_ns, facts.start, facts.image) == (50, 70, "", None)
    started = archive_facts(plan_of(environment, start("bin/app")), archive_named("run"), PackOptions())
    assert started.start == "bin/start"


@pytest.mark.parametrize(
    ("begins", "top", "command"),
    [
        (None, "", ("/app/{python}",)),
        (None, "/srv/", ("/srv/{python}",)),
        (start("bin/tool"), "", ("/app/bin/tool",)),
        (
            start("bin/python3", "bin/tool", arguments=("serve", "-v"), options=("-E", "-s")),
            "srv",
            ("/srv/bin/python3", "-E", "-s", "/srv/bin/tool", "serve", "-v"),
        ),
    ],
)
def test_an_image_starts_what_the_plan_says(
    environment: Environment, begins: StartCommand | None, top: str, command: tuple[str, ...]
) -> None:
    facts = image_facts(plan_of(environment, begins), replace(ON_BASE, top=top))
    assert facts.command == tuple(word.format(python=environment.scheme.executable) for word in command)
    assert facts.folder == (top.strip("/") or "app")
    assert facts.scripts == "bin"
    assert facts.surroundings == ()


@pytest.mark.parametrize(("machine", "word"), [(X86_64, "amd64"), (AARCH64, "arm64")])
def test_an_image_says_its_machine_in_the_words_of_images(environment: Environment, machine: object, word: str) -> None:
    platform = Platform(OperatingSystem.LINUX, (machine,), Libc.GLIBC)  # type: ignore[arg-type]
    facts = image_facts(plan_of(replace(environment, platform=platform)), ON_BASE)
    assert (facts.os, facts.architecture) == ("linux", word)


@pytest.mark.parametrize(
    ("folder", "title", "given", "name"),
    [
        ("srv/env", Title("Stock_Room", "1.0+local"), "", "stock_room:1.0-local"),
        ("srv/env", Title("stockroom", "1.0"), "Registry:5000/x/other", "Registry:5000/x/other:latest"),
        ("srv/env", Title("stockroom", "1.0"), "other:2", "other:2"),
        ("srv/My Project/.venv", Title(), "", "my-project:latest"),
        ("srv/analysis", Title(), "", "analysis:latest"),
    ],
)
def test_an_image_has_the_application_s_name_else_that_of_its_folder(
    environment: Environment, folder: str, title: Title, given: str, name: str
) -> None:
    plan = replace(plan_of(replace(environment, root=f"/{folder}")), title=title)
    assert image_facts(plan, PackOptions(image=ImageOptions(base="base.tar", name=given))).name == name


def test_on_scratch_libc_s_family_comes_along_with_the_interpreter_s_time(environment: Environment) -> None:
    entries = {entry.path: entry for entry in image_facts(plan_of(environment), PackOptions()).surroundings}
    names = {path.rpartition("/")[2] for path in entries}
    assert {"libc.so.6", "libm.so.6", "libnss_files.so.2", "passwd", "group", "nsswitch.conf", "tmp"} <= names
    assert "libssl.so.3" not in names
    assert any(name.startswith("ld-linux") for name in names), "the interpreter's loader"
    assert {entry.mtime_ns for entry in entries.values()} == {30}
    assert entries["tmp"].mode == 0o1777
    for path in entries:
        folder = path.rpartition("/")[0]
        assert not folder or isinstance(entries[folder].content, Directory)


def test_a_program_without_a_loader_needs_a_base(environment: Environment) -> None:
    library = next(Path(environment.interpreter.platstdlib).glob("lib-dynload/*.so"))
    plan = plan_of(environment, program=str(library))
    with pytest.raises(OutputFailed, match="names no loader") as caught:
        image_facts(plan, PackOptions())
    assert "--base" in caught.value.hint
    assert image_facts(plan, ON_BASE).surroundings == ()


def test_there_are_no_images_for_macos(environment: Environment) -> None:
    platform = Platform(OperatingSystem.MACOS, (AARCH64,))
    with pytest.raises(BundlerError, match="no images for macOS"):
        image_facts(plan_of(replace(environment, platform=platform)), ON_BASE)


@pytest.mark.parametrize(
    ("path", "regenerated"),
    [
        ("lib/python3.12/__pycache__/os.cpython-312.pyc", True),
        ("lib/python3.12/__pycache__/os.cpython-312.opt-1.pyc", True),
        ("__pycache__/os.cpython-312.pyc.139876", True),
        ("lib/python3.12/os.pyc", False),
        ("lib/__pycache__/notes.txt", False),
        ("lib/my__pycache__/x.pyc", False),
    ],
)
def test_what_python_writes_wherever_it_runs_is_nobody_s_work(path: str, regenerated: bool) -> None:
    assert directory_facts().is_regenerated(path) is regenerated


@pytest.mark.parametrize(
    ("platform", "floor", "needs"),
    [
        (
            Platform(OperatingSystem.LINUX, (AARCH64,), Libc.GLIBC),
            Floor("glibc", (2, 34), "x", "y"),
            TargetNeeds("Linux", ("aarch64",), (), "glibc", "2.34"),
        ),
        (
            Platform(OperatingSystem.LINUX, (I686,), Libc.MUSL),
            None,
            TargetNeeds("Linux", ("i686",), ("x86_64",), "musl", ""),
        ),
        (
            Platform(OperatingSystem.MACOS, (X86_64,)),
            Floor("macOS", (13, 0), "x", "y"),
            TargetNeeds("Darwin", ("x86_64",), ("arm64",), "", "13.0"),
        ),
        (Platform(OperatingSystem.MACOS, (AARCH64,)), None, TargetNeeds("Darwin", ("arm64",))),
    ],
)
def test_an_archive_is_told_what_a_shell_on_the_target_can_ask_for(
    environment: Environment, platform: Platform, floor: Floor | None, needs: TargetNeeds
) -> None:
    plan = replace(plan_of(replace(environment, platform=platform)), floor=floor)
    assert archive_facts(plan, archive_named("run"), PackOptions()).needs == needs

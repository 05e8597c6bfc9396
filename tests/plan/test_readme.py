"""What `README.txt` says of an environment, and when there is none."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from bundler.ceiling import Ceiling, Demand
from bundler.entries import Entry, Literal
from bundler.floor import Floor
from bundler.options import ContentOptions
from bundler.plan.application import plan_start
from bundler.plan.binaries.planned import PlannedBinaries
from bundler.plan.host_packages import HostPackages
from bundler.plan.owners import Owners
from bundler.plan.readme import find_application, with_readme
from bundler.rewrite.readme import ReadmeFacts, write_readme
from bundler.systems.libraries import LibraryFacts, OnHost
from tests.plan.made_up import SITE, STDLIB, Machine

LOCAL = '{"url": "file:///src/app"}'
HOST = {"bin/python3.12": {"libGL.so.1": OnHost(), "libc.so.6": OnHost()}}
BINARIES = PlannedBinaries(
    (),
    LibraryFacts((), HOST, ()),
    None,
    Floor("glibc", (2, 34), "x", "y"),
    (),
    Ceiling(cpu_level=Demand("x86-64-v3", "x")),
)


def planned(machine: Machine, content: ContentOptions = ContentOptions(), **added: tuple[str, ...]) -> dict[str, Entry]:  # noqa: B008
    environment, entries = machine.environment, machine.entries
    start = plan_start(content, entries, environment) if content.entry else None
    if start:
        entries[start.script.path] = start.script
    owned = {f"{SITE}/{name}-1.dist-info": paths for name, paths in added.items()}
    application = find_application(entries, environment, Owners(environment, machine.mounts, owned), start)
    return with_readme(entries, environment, application, content, BINARIES, HostPackages())


def text_of(entries: dict[str, Entry]) -> list[str]:
    content = entries["README.txt"].content
    assert isinstance(content, Literal)
    return content.data.decode("ascii").splitlines()


def server_and_project(machine: Machine) -> None:
    """An application of the user's own, and the server of somebody else's that starts it."""
    machine.install("server", "server.py,,", "../../../bin/serve,,")
    machine.install("shop", "shop/__init__.py,,", "../../../bin/shop,,", direct_url__json=LOCAL)
    for path in (f"{SITE}/server.py", "bin/serve", f"{SITE}/shop/__init__.py", "bin/shop", "bin/idle"):
        machine.put(f"env/{path}", "def main(): ...\n\n\ndef run(): ...\n" if path.endswith(".py") else "#!/bin/sh\n")


@pytest.mark.parametrize("entry", ["shop:main", "bin/shop", "bin/serve shop", "server:run"])
def test_the_users_own_project_is_the_application_whatever_starts_it(machine: Machine, entry: str) -> None:
    server_and_project(machine)
    lines = text_of(planned(machine, ContentOptions(entry=entry)))
    assert lines[0] == "shop 1"
    assert "    bin/start" in lines
    assert not [line for line in lines if "bin/shop" in line]


def test_without_a_start_command_the_projects_scripts_are_named(machine: Machine) -> None:
    server_and_project(machine)
    lines = text_of(planned(machine))
    assert lines[0] == "shop 1"
    assert "    bin/shop" in lines
    assert not [line for line in lines if "bin/serve" in line or "bin/idle" in line]


def test_of_several_projects_the_one_that_is_started_is_the_application(machine: Machine) -> None:
    server_and_project(machine)
    machine.install("lib", "lib.py,,", direct_url__json=LOCAL)
    assert text_of(planned(machine, ContentOptions(entry="shop:main")))[0] == "shop 1"
    assert text_of(planned(machine, ContentOptions(entry="server:run")))[0] == "server 1"
    assert text_of(planned(machine))[0] == "An application in Python"


def test_a_project_that_was_editable_is_known_by_what_it_brought(machine: Machine) -> None:
    machine.install("shop", "shop.pth,,")
    machine.install("other", "other.py,,")
    machine.put(f"env/{SITE}/shop/pages.py", "def main(): ...\n")
    assert text_of(planned(machine, shop=(f"{SITE}/shop",)))[0] == "shop 1"
    both = {"shop": (f"{SITE}/shop",), "other": (f"{SITE}/other.py",)}
    assert text_of(planned(machine, ContentOptions(entry="shop.pages:main"), **both))[0] == "shop 1"


def test_an_environment_without_a_project_is_named_by_its_prompt(machine: Machine) -> None:
    assert "    bin/python" in text_of(planned(machine))
    machine.config["prompt"] = "'tools'"
    assert text_of(planned(machine))[0] == "tools"


def test_what_the_target_needs_is_told(machine: Machine) -> None:
    lines = text_of(planned(machine))
    assert "    Linux on x86_64 (glibc), glibc 2.34 or later" in lines
    assert "    a processor of the level x86-64-v3 or higher" in lines
    assert "    libGL.so.1 (Debian: libgl1)" in lines
    assert not [line for line in lines if "libc.so" in line]


def test_licences_are_named_where_they_are(machine: Machine) -> None:
    assert "    https://docs.python.org/3/license.html (Python)" in text_of(planned(machine))
    machine.put(f"base/{STDLIB}/LICENSE.txt")
    for name in ("libreadline.so.8", "libz.so.1"):
        machine.put(f"env/lib/bundled/{name}")
    lines = text_of(planned(machine))
    assert f"    {STDLIB}/LICENSE.txt (Python)" in lines
    assert "    lib/bundled/libreadline.so.8: GPL-3.0-or-later" in lines
    assert not [line for line in lines if "libz" in line]


def test_bundle_json_lists_it_with_a_reason(machine: Machine) -> None:
    made = planned(machine)["README.txt"]
    assert made.origin == "bundler"
    assert made.reason is not None and "who gets the bundle" in made.reason


@pytest.mark.parametrize("content", [ContentOptions(readme=False), ContentOptions(patterns=("/README.txt",))])
def test_there_is_none_where_the_user_wants_none(machine: Machine, content: ContentOptions) -> None:
    assert "README.txt" not in planned(machine, content)


@pytest.mark.parametrize("name", ["README.txt", "readme.TXT"])
@pytest.mark.parametrize("text", ["mine", "", "x" * 100_000])
def test_one_that_somebody_wrote_stays(machine: Machine, name: str, text: str) -> None:
    place = machine.put(f"env/{name}", text)
    kept = planned(machine)
    assert kept[name] == machine.entries[name]
    assert place.read_text() == text
    assert [path for path in kept if path.lower() == "readme.txt"] == [name]
    assert name in planned(machine, ContentOptions(readme=False))


def test_that_of_a_bundle_is_made_anew(machine: Machine, tmp_path: Path) -> None:
    facts = ReadmeFacts("shop", "0.9", "3.11", (), (), ())
    machine.put("env/README.txt", write_readme(facts).decode())
    server_and_project(machine)
    assert text_of(planned(machine))[0] == "shop 1"
    (tmp_path / f"env/{SITE}/shop-1.dist-info/direct_url.json").unlink()
    assert text_of(planned(machine))[0] == "shop 1", "nothing else says that it is the application"
    machine.put("env/README.txt", write_readme(dataclasses.replace(facts, name="gone")).decode())
    assert text_of(planned(machine))[0] == "An application in Python"
    assert "README.txt" not in planned(machine, ContentOptions(readme=False))

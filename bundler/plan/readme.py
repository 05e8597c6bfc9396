"""`README.txt` of a plan: what the application is, how it is started, what it needs, where licences are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from bundler.entries import Entry, Layer, Link, Literal, Source
from bundler.environment import Distribution, Environment
from bundler.files import opened
from bundler.host_package import Copyleft
from bundler.machine import os
from bundler.options import ContentOptions
from bundler.plan.application import StartCommand
from bundler.plan.binaries.planned import PlannedBinaries
from bundler.plan.filters import filtered
from bundler.plan.host_packages import LICENCES, HostPackages
from bundler.plan.origins import BUNDLER
from bundler.plan.overlay import Entries, overlaid, without
from bundler.plan.owners import Owners, Title
from bundler.rewrite.readme import ReadmeFacts, application_of, write_readme
from bundler.systems import system_of
from bundler.systems.asked import asked_of_target

README = "README.txt"
_MOST_BYTES = 1 << 14  # of a text that bundler made
_SHOWN = 3
_REASON = "tells who gets the bundle how to start it and what it needs"


class Application(NamedTuple):
    """What the bundle was made for."""

    distribution: Distribution | None
    """None where none stands out."""
    title: Title
    start: tuple[str, ...]
    """Bundle paths of what starts it: the start command, else its scripts, else Python."""


def find_application(
    entries: Entries, environment: Environment, owners: Owners, start: StartCommand | None
) -> Application:
    """The application of a bundle with these entries; of one that is packed again by what its `README.txt` says."""
    present = _present(entries)
    before = application_of(present) if present is not None else None
    distribution = owners.application(start, before or "")
    return Application(
        distribution, owners.title(distribution), tuple(_start(entries, environment, owners, distribution))
    )


def with_readme(
    entries: Entries,
    environment: Environment,
    application: Application,
    content: ContentOptions,
    binaries: PlannedBinaries,
    packages: HostPackages,
) -> dict[str, Entry]:
    """The entries with `README.txt`; without, where the user wants none. One that somebody else wrote stays."""
    there, present = _places(entries), _present(entries)
    if there and (present is None or application_of(present) is None):
        return dict(entries)
    if not content.readme:
        return without(entries, there)
    separator = system_of(environment.platform.system).separator
    facts = ReadmeFacts(
        name=application.title.name,
        version=application.title.version,
        python=environment.interpreter.version,
        start=tuple(path.replace("/", separator) for path in application.start),
        needs=tuple(_needs(environment, binaries)),
        licences=tuple(_licences(entries, environment, binaries, packages)),
    )
    text = write_readme(facts)
    if text == present and there == [README]:
        return dict(entries)  # a bundle that is packed again
    time = os.stat(environment.interpreter.executable).st_mtime_ns
    entry = Entry(README, Literal(text), 0o644, time, Layer.APPLICATION, BUNDLER, _REASON)
    return overlaid(without(entries, there), filtered({README: entry}, environment.scheme, content).values())


def _places(entries: Entries) -> list[str]:
    """Where a text of this name is: some file systems know no difference between large and small letters."""
    return [path for path in entries if path.lower() == README.lower()]


def _present(entries: Entries) -> bytes | None:
    """The text that is there; None where there is none, or one that bundler did not make."""
    there = _places(entries)
    return _text_of(entries[there[0]]) if there else None


def _text_of(entry: Entry) -> bytes | None:
    """The bytes of a file that bundler may have made; None for another one."""
    if not isinstance(entry.content, Source) or entry.content.size > _MOST_BYTES:
        return None
    with opened(entry.content.path) as file:
        return file.read()


def _start(entries: Entries, environment: Environment, owners: Owners, application: Distribution | None) -> list[str]:
    """What starts the application: the start command, else its scripts, else Python."""
    scheme = environment.scheme
    system = system_of(environment.platform.system)
    if scheme.script(system.start_name) in entries:
        return [scheme.script(system.start_name)]
    owned = owners.files(application) if application else ()
    scripts = sorted(path for path in owned if scheme.is_script(path) and path in entries)
    aliases = system.python_aliases(environment.interpreter)
    return scripts or [scheme.script(aliases[0]) if aliases else scheme.executable]


def _needs(environment: Environment, binaries: PlannedBinaries) -> Iterator[str]:
    """What the bundle asks of a machine."""
    floor, system = binaries.floor, system_of(environment.platform.system)
    yield environment.platform.text + (f", {floor.system} {floor.text} or later" if floor else "")
    if host := binaries.libraries.host_libc:
        yield f"(no libc: that of the system is used if it is {host.system} {host.text} or later, else the bundle's own)"
    if level := binaries.ceiling.cpu_level:
        yield f"a processor of the level {level.name} or higher"
    for name in asked_of_target(binaries.libraries, system):
        package = system.asks_of_target(name)
        yield f"{name}" + (f" ({package})" if package else "")


def _licences(
    entries: Entries, environment: Environment, binaries: PlannedBinaries, packages: HostPackages
) -> Iterator[str]:
    """Where the licences of what is inside are."""
    scheme, system = environment.scheme, system_of(environment.platform.system)
    places = (f"{scheme.stdlib}/LICENSE.txt", "LICENSE.txt")  # python.org's installer for Windows puts it on top
    licence = next((path for path in places if path in entries), "https://docs.python.org/3/license.html")
    shown = licence if "://" in licence else licence.replace("/", system.separator)
    yield f"{shown} (Python)"
    yield f"{scheme.site_packages}/*.dist-info".replace("/", system.separator) + " (packages)"
    facts = {
        fact.path: fact for library in binaries.libraries.bundled for fact in [packages.fact(library, environment)]
    }
    # Those of a bundle that is packed again are its own.
    bundled = [path for path in sorted(entries) if path.startswith(f"{scheme.bundled}/")]
    bundled = bundled or sorted(facts)  # where they have no folder of theirs
    if bundled:
        them = scheme.bundled or ", ".join(bundled[:_SHOWN]) + (
            f" and {len(bundled) - _SHOWN} more" if len(bundled) > _SHOWN else ""
        )
        texts = f"{scheme.share}/{LICENCES}"
        if any(path.startswith(f"{texts}/") for path in entries):
            yield f"{texts} (libraries of the system, in {them})"
        else:
            yield f"the packages of the system that {them} came from (bundle.json: libraries)"
    for path in bundled:
        fact = facts.get(path)
        if fact is None:
            strong = system.copyleft_licence(path.rpartition("/")[2])
        else:
            strong = fact.licence if fact.copyleft is Copyleft.STRONG else None
        if strong and not isinstance(entries[path].content, Link):
            yield f"{path}: {strong}"

"""Make a plan: from an environment to the entries of its bundle, stage by stage."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from bundler.ceiling import NO_CEILING, Ceiling
from bundler.entries import Entry, Source, size_of
from bundler.environment import Environment
from bundler.errors import raise_all
from bundler.floor import Floor
from bundler.machine import os
from bundler.manifest import RecordedOptions
from bundler.memory import NO_MEMORY, Memory
from bundler.memory.digests import with_known_digests
from bundler.options import Pyc, Symlinks
from bundler.plan.application import StartCommand, added_mounts, check_added, plan_start, with_application_layer
from bundler.plan.bases import mounts_for, unlisted
from bundler.plan.binaries import PlannedBinaries, plan_binaries
from bundler.plan.collect import collect, missing_parents
from bundler.plan.compiling import count_without_pyc, with_pycs
from bundler.plan.completeness import check_complete
from bundler.plan.editables import plan_editables, without_editables
from bundler.plan.extent import refuse_holes
from bundler.plan.filters import filtered, unmatched
from bundler.plan.host_packages import HostPackages, find_host_packages
from bundler.plan.interpreter import interpreter_entries
from bundler.plan.itself import check_itself
from bundler.plan.landmarks import landmark_entries
from bundler.plan.launchers import wanted_launcher
from bundler.plan.left_out import NOTHING_LEFT_OUT, LeftOut, modules_left_out
from bundler.plan.listings import Listings, packed
from bundler.plan.modes import open_to_all, with_settled_modes
from bundler.plan.mounts import MountTable
from bundler.plan.of_python import with_runtime_layer
from bundler.plan.old_scripts import check_old_scripts
from bundler.plan.overlay import Entries, in_order, overlaid, without
from bundler.plan.owners import NO_TITLE, Owners, Title
from bundler.plan.private_files import private_files, told
from bundler.plan.published import Published
from bundler.plan.readme import find_application, with_readme
from bundler.plan.recorded_options import Learned, with_learned
from bundler.plan.records import plan_records
from bundler.plan.settings import PlanSettings
from bundler.plan.system_site import system_site_entries, system_site_mounts, uses_system_site, with_system_site
from bundler.plan.texts import plan_texts
from bundler.plan.times import with_fixed_times
from bundler.plan.traced import Traced, Usage, with_opened
from bundler.plan.without_links import without_links
from bundler.systems import system_of
from bundler.systems.libraries import LibraryFacts
from bundler.systems.system import NameFindings


@dataclass(frozen=True, slots=True)
class Plan:
    """What a bundle will be. `bundle.json` is not among its entries: it also tells what the audit learns."""

    environment: Environment
    """What is packed, with the base's packages where they come along."""
    entries: tuple[Entry, ...]
    """In path order, the deferred ones last."""
    libraries: LibraryFacts
    libpython: str | None
    """The bundle path of the libpython that the interpreter loads; None where its own file holds Python."""
    floor: Floor | None
    warnings: tuple[str, ...]
    modules_without_pyc: int
    start: StartCommand | None = None
    started_by: tuple[str, ...] = ()
    """Bundle paths of what a person starts: the start command, else the application's scripts, else Python."""
    title: Title = NO_TITLE
    ceiling: Ceiling = NO_CEILING
    options: RecordedOptions | None = None
    """The options that decided what is in it; None where `bundle.json` shall not tell."""
    notes: tuple[str, ...] = ()
    """What a person wants to know of the pack, paths of this machine included; `bundle.json` does not have it."""
    traced: Traced | None = None
    """What became of what traced commands used; None where there was none."""
    left_out: LeftOut = NOTHING_LEFT_OUT
    """The modules that the source has, and that were not wanted."""
    published: Published | None = None
    """Which files are published anyway; None where nobody can tell."""
    packages: HostPackages = field(default_factory=HostPackages)
    """Which packages of the machine libraries came from."""
    listings: Listings = field(default_factory=dict)
    """What was in the folders that are packed."""

    @property
    def size(self) -> int:
        """Bytes of all files, about: what a progress bar counts. See `manifest_entry.foreseen`."""
        return sum(size_of(entry.content) for entry in self.entries)


def make_plan(
    environment: Environment,
    settings: PlanSettings = PlanSettings(),  # noqa: B008 - immutable
    memory: Memory = NO_MEMORY,
    announce: Callable[[Sequence[Entry]], object] = lambda _: None,
) -> Plan:
    """The plan for an environment.

    `memory` is what earlier packs of it learned; it notes what this one asks for. `announce` is told of the files that will
    hardly change, as soon as they are known: a sink may write them meanwhile.

    Raises BundlerError (or several at once) for what would make the bundle differ from its source.
    """
    content = settings.content
    launcher = wanted_launcher(content, environment)
    warnings = [*environment.unreadable, *unlisted(environment)]

    # What is taken from where: the base, the environment over it, the base's packages beside its own.
    mounts = mounts_for(environment, in_place=settings.in_place)
    system_site = content.system_site and uses_system_site(environment)
    if system_site:
        environment = with_system_site(environment)
        mounts = (*mounts, *system_site_mounts(environment))
    # Editables are what leads out of these mounts; what the user adds lies over everything.
    editables = plan_editables(environment, MountTable(mounts), settings)
    table = MountTable(
        (*mounts, *editables.mounts, *added_mounts(content.add, system_of(environment.platform.system).separator))
    )
    collected = collect(table, environment.sysroot, memory.digests.known, now=environment.read_at)
    warnings += [*collected.warnings, *editables.warnings]
    notes = [*editables.notes, *open_to_all(collected.entries)]
    # What is missing now will be missing where nobody can install it.
    if not content.allow_incomplete:
        warnings += check_complete(environment, table, collected.entries)

    # What is Python's own in an installation, and the user's own distributions, while every path is still the one in its RECORD.
    entries: Entries = with_application_layer(with_runtime_layer(collected.entries, environment), environment, table)
    # The projects' files are there, so what led to them goes.
    entries = without_editables(entries, editables)
    # What every bundle has takes the place of what tied the environment to its base.
    entries = overlaid(entries, interpreter_entries(environment, content))
    entries = overlaid(entries, system_site_entries(environment) if system_site else ())
    usage = Usage(settings.trace, environment, entries, content.profile)
    # What is left out is neither read nor changed; what was seen to be used the profile does not leave out.
    # What a person's own tools left there is nobody else's.
    owners = Owners(environment, table, editables.added)
    private = private_files(entries, owners, content, in_place=settings.in_place)
    whole, entries = entries, without(filtered(entries, environment.scheme, content, usage.void), private)
    warnings += [
        *unmatched(whole, content.patterns),
        *told(private, whole),
        *check_old_scripts(entries, whole, environment.scheme),
    ]
    if len(entries) < len(whole):
        notes.append(f"left out {len(whole) - len(entries)} files and folders")
    # Python's search for its own parts ends in the bundle, whatever was left out.
    entries = overlaid(refuse_holes(entries, content.patterns), landmark_entries(environment, entries))
    announce(unlikely_to_change(entries, system_of(environment.platform.system).no_binary_suffix, settings.pyc))

    # Binaries bring libraries of the host.
    binaries, learned = _plan_binaries(entries, environment, table, settings, usage, memory)
    entries = without(overlaid(entries, binaries.entries), binaries.removed)
    # Texts name places, which are known now.
    texts = plan_texts(entries, environment, table, content, launcher)
    entries = without(overlaid(entries, texts.entries), texts.removed)
    # By now all that takes the place of others has done so.
    check_added(collected, entries)
    # How a script is started depends on what it has become.
    start = plan_start(content, entries, environment, launcher) if content.entry else None
    # Who ships a library ships its licence.
    packages = find_host_packages(environment, binaries.libraries, entries, content)
    entries = overlaid(entries, (*packages.entries.values(), *((start.script, *start.beside) if start else ())))
    # What the bundle needs is known.
    warnings += [*binaries.warnings, *texts.warnings, *check_itself(entries, environment, owners, start)]
    application = find_application(entries, environment, owners, start)
    entries = with_readme(entries, environment, application, content, binaries, packages)
    # Modules are compiled from what they have become.
    entries = with_pycs(entries, environment, settings)
    # RECORD tells of everything that was changed, made and removed before.
    entries = overlaid(entries, plan_records(entries, environment, table, editables.added))
    # Every path is known, so the directories are.
    entries = overlaid(entries, missing_parents(entries))
    # Every change is known, so digests of earlier packs can be.
    entries = with_known_digests(entries, memory.digests.known)

    # A bundle is run by others than the owner of the environment, and an archive is unpacked by them.
    entries = with_settled_modes(entries, environment.platform.system, for_all=settings.readable_for_all)
    # What the output cannot hold, or shall not tell, is of no consequence for the rest.
    if content.symlinks is Symlinks.NONE:
        entries = without_links(entries)
    if settings.epoch is not None:
        entries = with_fixed_times(entries, settings.epoch, spread=settings.pyc is Pyc.NONE)
    # Nothing takes another path from here on.
    names = _check_names(entries, environment)
    return Plan(
        environment=environment,
        entries=in_order(entries),
        libraries=binaries.libraries,
        packages=packages,
        libpython=binaries.libpython,
        floor=binaries.floor,
        ceiling=binaries.ceiling,
        warnings=(*warnings, *names.warnings),
        modules_without_pyc=count_without_pyc(entries, environment.scheme, environment.interpreter.cache_tag),
        start=start,
        started_by=application.start,
        title=application.title,
        options=with_learned(settings.options, learned, os.path.dirname(environment.root))
        if settings.options
        else None,
        notes=(*notes, *binaries.notes, *packages.packaged.notes, *names.notes),
        traced=usage.told(whole, entries, binaries.libraries, learned, content),
        left_out=modules_left_out(whole, entries, environment, content),
        published=Published(entries, environment, table),
        listings=packed(collected.listings, entries),
    )


def _plan_binaries(
    entries: Entries,
    environment: Environment,
    table: MountTable,
    settings: PlanSettings,
    usage: Usage,
    memory: Memory,
) -> tuple[PlannedBinaries, Learned]:
    """The plan's binaries, and what a trace adds.

    What was opened at run time counts like what the user names. Only what is lacking without is added.
    """
    content = settings.content
    named = (*content.include_libs, *settings.dlopened)
    without = plan_binaries(entries, environment, table, replace(content, include_libs=named), memory)
    opened = usage.libraries(content.exclude_libs, without.libraries)
    if not opened:
        return without, Learned({}, usage.void)
    added = replace(content, include_libs=(*named, *opened))
    binaries = plan_binaries(entries, environment, table, added, memory)
    facts = with_opened(binaries.libraries, opened, environment.scheme.executable)
    return replace(binaries, libraries=facts), Learned(opened, usage.void)


def _check_names(entries: Entries, environment: Environment) -> NameFindings:
    """What the system says of the paths of all entries. Raises those together that it cannot hold."""
    names = system_of(environment.platform.system).check_names(entries.keys())
    raise_all(names.errors)
    return names


def unlikely_to_change(entries: Entries, no_binary: re.Pattern[str], pyc: Pyc) -> list[Entry]:
    """The files that are no binaries; only a few of those are texts that embed a path. In path order."""
    compiled = () if pyc is Pyc.KEEP else (".pyc",)
    return [
        entry
        for path, entry in sorted(entries.items())
        if isinstance(entry.content, Source) and no_binary.search(path) and not path.endswith(compiled)
    ]

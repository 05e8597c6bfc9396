"""Make a plan: from an environment to the entries of its bundle, stage by stage."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bundler.entries import Deferred, Directory, Entry, Link, Source
from bundler.environment import Environment
from bundler.floor import Floor
from bundler.memory import NO_MEMORY, Memory
from bundler.memory.digests import with_known_digests
from bundler.options import PlanOptions, Pyc, Symlinks
from bundler.plan.application import StartCommand, added_mounts, check_added, mark_application, plan_start
from bundler.plan.base_mounts import mounts_for
from bundler.plan.binaries import plan_binaries
from bundler.plan.collect import collect, missing_parents
from bundler.plan.compiling import compile_all, drop_compiled, drop_stale, without_times
from bundler.plan.editables import Editables, plan_editables
from bundler.plan.filters import filtered
from bundler.plan.interpreter import interpreter_entries
from bundler.plan.mounts import MountTable
from bundler.plan.records import plan_records
from bundler.plan.system_site import system_site_entry, system_site_mounts, uses_system_site, with_system_site
from bundler.plan.texts import plan_texts
from bundler.plan.times import with_fixed_times
from bundler.plan.without_links import without_links
from bundler.systems import system_of
from bundler.systems.libraries import LibraryFacts


@dataclass(frozen=True, slots=True)
class Plan:
    """The entries of a bundle in path order, the deferred ones last; and the facts about the whole.

    `bundle.json` is not among them: it also tells what the audit learns.
    """

    environment: Environment
    entries: tuple[Entry, ...]
    libraries: LibraryFacts
    libpython: str | None
    """The bundle path of the libpython that the interpreter loads; None where its own file holds Python."""
    floor: Floor | None
    warnings: tuple[str, ...]
    modules_without_pyc: int
    start: StartCommand | None = None
    notes: tuple[str, ...] = ()
    """What a person wants to know of the pack, paths of this machine included; `bundle.json` does not have it."""

    @property
    def size(self) -> int:
        """Bytes to be copied from sources: what a progress bar counts."""
        return sum(entry.content.size for entry in self.entries if isinstance(entry.content, Source))


def make_plan(
    environment: Environment,
    options: PlanOptions = PlanOptions(),  # noqa: B008 - immutable
    memory: Memory = NO_MEMORY,
    begin: Callable[[Sequence[Entry]], object] = lambda _: None,
) -> Plan:
    """The plan for an environment; `memory` is what earlier packs of it learned. `begin` is told of the files that will hardly
    change, as soon as they are known.

    Raises BundlerError (or several at once) for what would make the bundle differ from its source.
    """
    system_site = options.system_site and uses_system_site(environment)
    own = mounts_for(environment, in_place=options.in_place)
    if system_site:
        environment = with_system_site(environment)
        own = (*own, *system_site_mounts(environment))
    editables = plan_editables(environment, MountTable(own), options)
    mounts = MountTable((*own, *editables.mounts, *added_mounts(options.add)))
    collected = collect(mounts, environment.sysroot, memory.digests.known)
    entries = dict(collected.entries)
    mark_application(entries, environment, mounts)
    remove_editables(entries, editables)
    put(entries, interpreter_entries(environment, options))
    put(entries, (system_site_entry(environment),) if system_site else ())
    complete = len(entries)
    entries = filtered(entries, environment.scheme, options)
    notes = (*editables.notes, *([f"left out {complete - len(entries)} files and folders"] * (len(entries) < complete)))
    begin(unlikely_to_change(entries, system_of(environment.platform.system).no_binary_suffix, options.pyc))
    binaries = plan_binaries(entries, environment, mounts, options, memory.patches)
    put(entries, binaries.entries)
    texts = plan_texts(entries, environment, mounts, isolated=options.isolated)
    put(entries, texts.entries)
    for path in texts.removed:
        entries.pop(path, None)
    check_added(collected, entries)
    start = plan_start(options, entries, environment) if options.entry else None
    put(entries, (start.script,) if start else ())
    settle_compiled(entries, environment, options)
    put(entries, plan_records(entries, environment, mounts, editables.added))
    put(entries, missing_parents(entries))
    with_known_digests(entries, memory.digests.known)
    if options.symlinks is Symlinks.NONE:
        entries = without_links(entries)
    if options.epoch is not None:
        entries = with_fixed_times(entries, options.epoch, spread=options.pyc is Pyc.NONE)
    return Plan(
        environment,
        in_order(entries),
        binaries.libraries,
        binaries.libpython,
        binaries.floor,
        (*collected.warnings, *editables.warnings, *binaries.warnings, *texts.warnings),
        modules_without_pyc(entries, environment.interpreter.cache_tag),
        start,
        notes,
    )


def unlikely_to_change(entries: Mapping[str, Entry], no_binary: re.Pattern[str], pyc: Pyc) -> list[Entry]:
    """The files that are no binaries; only a few of those are texts that embed a path. In path order."""
    compiled = () if pyc is Pyc.KEEP else (".pyc",)
    return [
        entry
        for path, entry in sorted(entries.items())
        if isinstance(entry.content, Source) and no_binary.search(path) and not path.endswith(compiled)
    ]


def remove_editables(entries: dict[str, Entry], editables: Editables) -> None:
    """Take away what made installs editable; their files are there already."""
    for path in editables.removed:
        entries.pop(path, None)
    for path, content in editables.replaced.items():
        entries[path] = entries[path]._replace(
            content=content, reason="nothing in it leads to an editable install any more"
        )


def settle_compiled(entries: dict[str, Entry], environment: Environment, options: PlanOptions) -> None:
    """Keep, make or leave out the compiled modules."""
    if options.pyc is Pyc.KEEP:
        drop_stale(entries)
        if options.epoch is not None:
            without_times(entries)
        return
    drop_compiled(entries)
    if options.pyc is Pyc.COMPILE:
        interpreter = environment.interpreter
        folder, threads = options.pyc_cache, options.threads
        put(entries, compile_all(entries, interpreter, environment.scheme.stdlib, environment.python, folder, threads))


def put(entries: dict[str, Entry], more: tuple[Entry, ...]) -> None:
    """Lay entries over what is there; a directory that is there already stays."""
    for entry in more:
        before = entries.get(entry.path)
        both = before is not None and isinstance(before.content, Directory) and isinstance(entry.content, Directory)
        if not both:
            entries[entry.path] = entry


def in_order(entries: Mapping[str, Entry]) -> tuple[Entry, ...]:
    """Path order, which puts directories before what is in them; then what needs the others' digests."""
    paths = sorted(entries)
    now = [entries[path] for path in paths if not isinstance(entries[path].content, Deferred)]
    return (*now, *(entries[path] for path in paths if isinstance(entries[path].content, Deferred)))


def modules_without_pyc(entries: Mapping[str, Entry], cache_tag: str) -> int:
    """Number of modules that Python compiles anew at each start where it cannot write."""
    count = 0
    for path, entry in entries.items():
        if path.endswith(".py") and path.startswith("lib") and not isinstance(entry.content, Link):
            folder, _, name = path.rpartition("/")
            count += f"{folder}/__pycache__/{name[:-3]}.{cache_tag}.pyc" not in entries
    return count

"""What is written beside a bundle when it is put in place: bills of materials, a folder of licence texts.

All of it lies there under hidden names before the bundle is put in place, and gets its own right after.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from bundler.bundle_paths import lies_in
from bundler.destination import Destination, ToDirectory, ToFile, ToStandardOutput
from bundler.entries import Digests
from bundler.errors import BadOption, OutputExists, OutputFailed
from bundler.files import TEMPORARY, read_regular, replacing, write_at
from bundler.machine import os
from bundler.options import PackOptions, SbomFormat
from bundler.plan.make import Plan

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Beside:
    """What is written, and where."""

    files: Mapping[str, bytes] = field(default_factory=dict)
    """By path."""
    folder: str = ""
    """The path of a folder of licence texts; "" for none."""
    texts: Mapping[str, bytes] = field(default_factory=dict)
    """What is in that, by paths in it."""
    notes: tuple[str, ...] = ()
    """What a person should know of it."""


def check_folder(path: str) -> None:
    """Refuse a folder of licence texts that holds more than an earlier one: it is replaced. Raises OutputExists."""
    if not os.path.lexists(path) or (os.path.isdir(path) and not os.path.islink(path) and not os.listdir(path)):
        return
    foreign = _foreign(path)
    if foreign is not None:
        raise OutputExists(
            f"--licences {path}: there is something else: {foreign}", "name a folder that is not there, or an empty one"
        )


def check_beside(options: PackOptions, destination: Destination, environment: str) -> None:
    """Refuse what would replace something beside the output, or lie in the bundle or in what is packed.

    Raises BadOption, OutputExists.
    """
    if options.dry_run:
        return
    if isinstance(destination, ToDirectory | ToFile) and not (destination.force or destination.update):
        for path in _bill_paths(options, destination).values():
            if os.path.lexists(path):
                raise OutputExists(f"{path} exists", "remove it, or replace it with --force")
    if not options.licences:
        return
    folder = os.path.realpath(options.licences)
    places = [environment] if isinstance(destination, ToStandardOutput) else [environment, destination.path]
    for place in map(os.path.realpath, places):
        if lies_in(folder, place) or lies_in(place, folder):
            raise BadOption(f"--licences {options.licences} and {place} lie one in the other", "name another folder")
    check_folder(options.licences)


def beside_of(plan: Plan, options: PackOptions, destination: Destination, digests: Digests) -> Beside:
    """What is written beside the bundle of a plan, whose entries have these digests."""
    from bundler.plan.bills import planned_files
    from bundler.plan.manifest_entry import manifest_of
    from bundler.sbom import components_of
    from bundler.sbom.bill import BILL_PATHS
    from bundler.sbom.texts import INDEX, collect_texts

    paths = _bill_paths(options, destination)
    read = planned_files(plan.entries, digests)
    bills = ((path, read(BILL_PATHS[form])) for form, path in paths.items())
    files = {path: data for path, data in bills if data is not None}
    if not options.licences:
        return Beside(files)
    collected = collect_texts(components_of(manifest_of(plan, digests, None), read), read)
    notes = []
    if without := collected.without:
        more = f" and {len(without) - _SHOWN} more" if len(without) > _SHOWN else ""
        index = os.path.join(options.licences, INDEX)
        notes.append(f"no licence text came with {', '.join(without[:_SHOWN])}{more}: see {index}")
    return Beside(files, options.licences, collected.files, tuple(notes))


@contextlib.contextmanager
def placed_beside(
    plan: Plan, options: PackOptions, destination: Destination, digests: Digests
) -> Iterator[tuple[str, ...]]:
    """Write what is asked for beside the bundle of a plan, which the block puts in place; gives what a person should know of it.

    Raises what `written_beside` raises.
    """
    if not options.content.sbom and not options.licences:
        yield ()
        return
    beside = beside_of(plan, options, destination, digests)
    with written_beside(beside):
        yield beside.notes


def _bill_paths(options: PackOptions, destination: Destination) -> dict[SbomFormat, str]:
    """Where bills of materials go that lie beside the output: nothing lies beside standard output, or an environment."""
    if not isinstance(destination, ToDirectory | ToFile):
        return {}
    from bundler.sbom.bill import SUFFIXES

    return {form: os.path.normpath(destination.path) + SUFFIXES[form] for form in options.content.sbom}


@contextlib.contextmanager
def written_beside(beside: Beside) -> Iterator[None]:
    """Write it, and give it its names when the block has ended. Raises OutputFailed, OutputExists; then nothing of it is there."""
    held = contextlib.ExitStack()
    with _told():
        try:
            for path, data in beside.files.items():
                if os.path.isdir(path):
                    raise OutputExists(f"{path} is a folder, and a file shall be there", "remove it")
                file = held.enter_context(replacing(path))
                os.fchmod(file.fileno(), 0o644)
                write_at(file.fileno(), data, 0)
            if beside.folder:
                held.enter_context(_folder(beside.folder, beside.texts))
        except BaseException:
            held.__exit__(*sys.exc_info())
            raise
    try:
        yield
    except BaseException:
        held.__exit__(*sys.exc_info())
        raise
    with _told():
        held.close()


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """What the system refuses, as an error of the output."""
    try:
        yield
    except OSError as error:
        raise OutputFailed(f"{error.filename} cannot be written: {error.strerror}") from error


@contextlib.contextmanager
def _folder(path: str, texts: Mapping[str, bytes]) -> Iterator[None]:
    """A folder that takes the place of an earlier one when the block ends."""
    path = os.path.abspath(path)
    parent = os.path.dirname(path)
    os.makedirs(parent, exist_ok=True)
    made = tempfile.mkdtemp(prefix=TEMPORARY, dir=parent)
    try:
        os.chmod(made, 0o755)
        for place, data in texts.items():
            target = os.path.join(made, place)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "wb") as file:
                file.write(data)
        yield
        check_folder(path)
        if os.path.isdir(path):
            shutil.rmtree(path)
        os.rename(made, path)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise


def _foreign(path: str) -> str | None:
    """Something at a path that no folder of licence texts has; None where all of it is one."""
    from bundler.sbom.texts import INDEX, listed_files

    if os.path.islink(path) or not os.path.isdir(path):
        return os.path.basename(path)
    try:
        listed = listed_files(read_regular(os.path.join(path, INDEX)))
    except OSError:
        listed = None
    if listed is None:
        return sorted(os.listdir(path))[0]
    for folder, _, names in os.walk(path):
        for name in sorted(names):
            place = os.path.relpath(os.path.join(folder, name), path)
            if place not in listed:
                return place
    return None

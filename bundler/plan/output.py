"""What sinks are told of a plan, and of bundles as such."""

from __future__ import annotations

import re

from bundler.errors import OutputFailed
from bundler.formats import SIGNATURE, ArchiveFormat
from bundler.image_reference import checked_reference, reference_of
from bundler.machine import os
from bundler.manifest import read_contents
from bundler.options import PackOptions
from bundler.output_facts import ArchiveFacts, DirectoryFacts, ImageFacts, TargetNeeds
from bundler.plan.binaries import plan_surroundings
from bundler.plan.make import Plan
from bundler.plan.manifest_entry import MANIFEST
from bundler.systems import system_of

_FOLDER = "app"
_NAMELESS = (".venv", "venv", ".env", "env")
# Go's words for machines, which images use.
_ARCHITECTURES = {"x86_64": "amd64", "i686": "386", "aarch64": "arm64", "armv7l": "arm", "loongarch64": "loong64"}
# Python writes them wherever it runs; the ones with a number for as long as it is at it.
_COMPILED = re.compile(r"(.*/)?__pycache__/[^/]+\.pyc(\.\d+)?")


def directory_facts() -> DirectoryFacts:
    """What is known of a bundle in a directory, whatever is in it."""
    return DirectoryFacts(
        MANIFEST, read_contents, lambda path: path == SIGNATURE or _COMPILED.fullmatch(path) is not None
    )


def archive_facts(plan: Plan, form: ArchiveFormat, options: PackOptions) -> ArchiveFacts:
    """What an archive of a format is told. Raises OutputFailed for what the format cannot hold."""
    platform = plan.environment.platform
    if form.unpacks_itself and not system_of(platform.system).has_shell:
        raise OutputFailed(
            f"{platform.system.shown} has no shell that a .{form.name} could be run by",
            "pack a .zip, or another archive",
        )
    return ArchiveFacts(
        root_ns=plan.entries[0].mtime_ns,
        latest_ns=max(entry.mtime_ns for entry in plan.entries),
        needs=target_needs(plan),
        start=plan.start.script.path if plan.start else "",
        image=image_facts(plan, options) if form.is_image else None,
        size=plan.size,
    )


def target_needs(plan: Plan) -> TargetNeeds:
    """What the bundle asks of its machine."""
    platform = plan.environment.platform
    return TargetNeeds(
        system=platform.system.uname,
        machines=platform.machine_names,
        runs_on=platform.compatible_names,
        libc=platform.libc.value if platform.libc and not plan.libraries.loader else "",
        release=plan.floor.text if plan.floor and not plan.libraries.loader else "",
    )


def image_facts(plan: Plan, options: PackOptions) -> ImageFacts:
    """What a container image is told.

    Raises OutputFailed for a system of which there are none, or none without a base, BadOption for a name that no image has.
    """
    environment = plan.environment
    scheme, platform = environment.scheme, environment.platform
    image_os = system_of(platform.system).image_os
    if image_os is None:
        raise OutputFailed(f"there are no images for {platform.system.shown}", "pack an archive of another format")
    folder = options.top.strip("/") or _FOLDER
    first, *program = plan.start.program if plan.start else (scheme.executable,)
    python_options = plan.start.python_options if plan.start else ()
    arguments = plan.start.arguments if plan.start else ()
    executable = next(entry for entry in plan.entries if entry.path == scheme.executable)
    machine = platform.machines[0].name
    return ImageFacts(
        folder=folder,
        scripts=scheme.scripts,
        command=(f"/{folder}/{first}", *python_options, *(f"/{folder}/{path}" for path in program), *arguments),
        os=image_os,
        architecture=_ARCHITECTURES.get(machine, machine),
        name=checked_reference(options.image.name) if options.image.name else _default_name(plan),
        surroundings=plan_surroundings(executable, environment, own_libc=bool(plan.libraries.loader))
        if options.image.on_scratch
        else (),
    )


def _default_name(plan: Plan) -> str:
    """The image's name where the user gives none: the application's, as README.txt has it, else that of the environment's folder.

    A folder that is called as all environments are says nothing; the one around it does.
    """
    folder, name = os.path.split(plan.environment.root)
    return reference_of(
        plan.title.name or (os.path.basename(folder) if name in _NAMELESS else name), plan.title.version
    )

"""What an OCI image is made of besides the bundle: the base, the start command and the settings."""

from __future__ import annotations

from bundler.binaries.elf import read_image
from bundler.entries import Patched, Source
from bundler.errors import OutputFailed
from bundler.options import PackOptions
from bundler.plan.binaries.linux.libc_family import libc_family
from bundler.plan.make import Plan
from bundler.sinks.images.oci import ImageSettings
from bundler.sinks.images.oci_base import BaseImage, read_base

_FOLDER = "app"
# Go's words for machines, which images use.
_ARCHITECTURES = {"x86_64": "amd64", "i686": "386", "aarch64": "arm64", "armv7l": "arm", "loongarch64": "loong64"}


def base_image(plan: Plan, options: PackOptions) -> BaseImage:
    """The image that the bundle is put on. Raises OutputFailed where it cannot be read."""
    if options.image.base != "scratch":
        return read_base(options.image.base, _architecture(plan))
    path = plan.environment.scheme.executable
    executable = next(entry for entry in plan.entries if entry.path == path)
    assert isinstance(executable.content, (Source, Patched))
    with open(executable.content.path, "rb") as file:
        image = read_image(file)
    if image.interpreter is None:
        raise OutputFailed(f"{path} names no loader", "give a base: --base IMAGE.tar")
    return BaseImage(entries=libc_family(image, plan.environment, executable.mtime_ns))


def image_settings(plan: Plan, options: PackOptions) -> ImageSettings:
    """What the image says of itself. Raises OutputFailed for variables and labels without a `=`."""
    folder = options.top.strip("/") or _FOLDER
    for item in (*options.image.variables, *options.image.labels):
        if "=" not in item or item.startswith("="):
            raise OutputFailed(f"{item} is not NAME=VALUE")
    first, *program = plan.start.program if plan.start else (plan.environment.scheme.executable,)
    python_options = plan.start.python_options if plan.start else ()
    arguments = plan.start.arguments if plan.start else ()
    return ImageSettings(
        folder=folder,
        command=(f"/{folder}/{first}", *python_options, *(f"/{folder}/{path}" for path in program), *arguments),
        user=options.image.user,
        variables=options.image.variables,
        labels=tuple((name, value) for name, _, value in (item.partition("=") for item in options.image.labels)),
        name=options.image.name,
        architecture=_architecture(plan),
    )


def _architecture(plan: Plan) -> str:
    machine = plan.environment.platform.machines[0].name
    return _ARCHITECTURES.get(machine, machine)

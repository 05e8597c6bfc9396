"""uv's trampoline since uv 0.9.9: kind, path and script are resources (RT_RCDATA).

A relative path counts from the trampoline's own folder; options for Python cannot be given. Measured under Wine with the
trampolines of uv 0.13.
"""

from __future__ import annotations

import io

from bundler.binaries.pe import constants as c
from bundler.binaries.pe.headers import Headers
from bundler.binaries.pe.resources import Resource, Resources, read_resources, resource_data, with_resource
from bundler.binaries.pe.sealing import with_true_checksum, without_signature
from bundler.errors import BinaryFormatError, CannotPatch
from bundler.systems.windows.launchers.archive import find_archive
from bundler.systems.windows.launchers.launcher import Launcher, LauncherKind, Span
from bundler.systems.windows.launchers.programs import is_gui, program_headers

_KIND, _PYTHON, _SCRIPT = "UV_TRAMPOLINE_KIND", "UV_PYTHON_PATH", "UV_SCRIPT_DATA"
_KINDS = {1: LauncherKind.UV, 2: LauncherKind.UV_PYTHON}
_LONGEST_PATH = 1 << 15


def read(data: bytes, headers: Headers, end: int) -> Launcher | None:
    """The trampoline in a file whose own bytes end at `end`; None for another program."""
    file = io.BytesIO(data)
    try:
        resources = read_resources(file, headers)
        kind, python = resources.find(c.RT_RCDATA, _KIND), resources.find(c.RT_RCDATA, _PYTHON)
        if kind is None or python is None or not 0 < python.size < _LONGEST_PATH:
            return None
        number, text = resource_data(file, headers, kind)[:1], resource_data(file, headers, python)
        script = resources.find(c.RT_RCDATA, _SCRIPT)
        span = _span(headers, script) if script is not None else Span(headers.contents_end, end)
        written = text.decode("utf-8")
    except (BinaryFormatError, UnicodeDecodeError):
        return None
    found = _KINDS.get(number[0]) if number else None
    if found is None:
        return None
    return Launcher(
        kind=found,
        gui=is_gui(headers),
        machine=headers.machine,
        python=written,
        place=_span(headers, python),
        script=find_archive(data, span.start, span.end) if found is LauncherKind.UV else None,
    )


def _span(headers: Headers, resource: Resource) -> Span:
    start = headers.place(resource.address, "a resource")[0]
    return Span(start, start + resource.size)


def relocated(data: bytes, headers: Headers, launcher: Launcher, python: str) -> bytes:
    """The trampoline with another path. Raises CannotPatch where its resources have no room."""
    whole = without_signature(data, headers)
    path = python.encode("utf-8", "surrogateescape")
    try:
        resources = read_resources(io.BytesIO(whole), headers)
        changed = with_resource(whole, headers, resources, _python(resources), path)
    except BinaryFormatError as error:
        raise CannotPatch(f"its resources are damaged: {error}") from error
    after = program_headers(changed)
    if after is None:
        raise CannotPatch("its resources cannot be changed: the result would be no program")
    return with_true_checksum(changed, after)


def _python(resources: Resources) -> Resource:
    found = resources.find(c.RT_RCDATA, _PYTHON)
    if found is None:
        raise CannotPatch(f"it has no resource {_PYTHON}")
    return found

"""The words of `bundler patch` as edits of an ELF file."""

from __future__ import annotations

import re

from bundler.binaries.elf.edits import UNCHANGED, Edits, PathTag, Unchanged
from bundler.binaries.elf.encoded_edits import encode
from bundler.binaries.elf.image import Image
from bundler.binaries.elf.search_paths import add, current_path, shrink
from bundler.binaries.request import Request
from bundler.errors import UnwritableString
from bundler.floor import Release
from bundler.machine import os


def edits_of(request: Request, image: Image, path: str) -> Edits:
    """The edits that do `request` to the file at `path`, of which `image` was read.

    Words about the search path are done in the order: remove, set, add, shrink, convert. What is written is DT_RPATH
    unless DT_RUNPATH is asked for; a path that was not touched keeps its tag.
    """
    return Edits(
        rpath=_search_path(request, image, path),
        path_tag=PathTag.RUNPATH if request.runpath else PathTag.RPATH,
        needed=dict(request.replace_needed),
        added=request.add_needed,
        prepended=request.prepend_needed,
        removed=frozenset(request.remove_needed),
        soname=UNCHANGED if request.set_soname is None else request.set_soname,
        interpreter=UNCHANGED if request.set_interpreter is None else request.set_interpreter,
        unversioned=frozenset(request.clear_symbol_version),
        clear_execstack=request.clear_execstack,
        own_loader=None if request.host_loader else UNCHANGED if request.own_loader is None else request.own_loader,
        host_floor=_host_floor(request),
        own_rpath=UNCHANGED if request.own_rpath is None else request.own_rpath,
    )


def _host_floor(request: Request) -> Release | Unchanged | None:
    """`--host-from 2.36`; with `--own-loader` alone the host's loader is no choice any more."""
    if request.host_from is None:
        return UNCHANGED if request.own_loader is None else None
    match = re.fullmatch(r"(\d+)\.(\d+)", request.host_from)
    if match is None:
        raise UnwritableString(f"--host-from {request.host_from}: no release of glibc", "2.36, perhaps")
    return int(match[1]), int(match[2])


def _search_path(request: Request, image: Image, path: str) -> str | Unchanged | None:
    new = current_path(image)
    if request.remove_rpath:
        new = None
    if request.set_rpath is not None:
        new = request.set_rpath
    if request.add_rpath:
        new = add(new, request.add_rpath)
    if request.shrink_rpath:
        needed = _needed(request, image)
        origin = os.path.dirname(os.path.abspath(path))
        new = shrink(new, image, needed, origin, request.allowed_prefix, request.keep_relative)
    asked = request.remove_rpath or request.set_rpath is not None or request.add_rpath or request.shrink_rpath
    return new if asked or request.runpath or request.rpath else UNCHANGED


def _needed(request: Request, image: Image) -> list[str]:
    """The libraries that the file needs in the end."""
    edits = Edits(
        needed=dict(request.replace_needed),
        added=request.add_needed,
        prepended=request.prepend_needed,
        removed=frozenset(request.remove_needed),
    )
    return [os.fsdecode(name) for name in encode(edits).needed([os.fsencode(name) for name in image.needed])]

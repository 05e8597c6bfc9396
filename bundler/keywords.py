"""The keywords of `pack` for type checkers. What they mean is in `options`; tests hold them to `option_names`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from bundler.machine import os
from bundler.options import (
    AuditDepth,
    EditableMode,
    Launcher,
    LeakMode,
    LibcMode,
    LinkMode,
    Profile,
    Pyc,
    SbomFormat,
    Symlinks,
)

StrPath = str | os.PathLike[str]
Texts = list[str] | tuple[str, ...]
"""Not any sequence: a text is one, too."""


class PackKeywords(TypedDict, total=False):
    """Options of `pack` under the names of `[tool.bundler]`, `_` for `-`."""

    root: StrPath
    probe: bool
    in_place: bool
    format: str | None
    force: bool
    update: bool
    reuse: StrPath
    sign: StrPath
    link: LinkMode | str
    symlinks: Symlinks | str
    top: str
    level: int | None
    profile: Profile | str
    exclude: Texts
    include: Texts
    editable: EditableMode | str
    system_site: bool
    build_network: bool
    add: Sequence[StrPath]
    entry: str
    readme: bool
    pyc: Pyc | str | None
    isolated: bool
    launcher: Launcher | str
    libc: LibcMode | str
    target: str
    keep_modes: bool
    allow_incomplete: bool
    exclude_lib: Texts
    include_lib: Sequence[StrPath]
    trace: Texts
    fix_execstack: bool
    leaks: LeakMode | str | None
    allow_leak: Texts
    sbom: Sequence[SbomFormat | str]
    licences: StrPath
    thin: str
    base: StrPath
    image_name: str
    image_user: str
    image_env: Texts
    image_label: Texts
    threads: int
    verify: bool
    audit: AuditDepth | str
    runner: str
    cache: bool
    dry_run: bool
    page: StrPath

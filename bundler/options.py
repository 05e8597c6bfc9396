"""What the user decides: immutable options, one value for each command."""

from __future__ import annotations

import enum
import os
from dataclasses import dataclass, field


class LinkMode(enum.Enum):
    """How a file that is not changed gets into a directory."""

    AUTO = "auto"
    """A reflink where the file system has them, else a copy."""
    COPY = "copy"
    HARDLINK = "hardlink"
    """One inode for bundle and source; a copy where that may not be."""
    REFLINK = "reflink"
    """A reflink, or an error."""


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What decides on the content of a bundle.

    `exclude_libs` are names of libraries left to the host; `include_libs` are names or paths of libraries taken along
    although nothing asks for them, or although they are the host's.
    """

    exclude_libs: tuple[str, ...] = ()
    include_libs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PackOptions:
    """How to pack. `threads` is the number of files written, or of blocks compressed, at once.

    `top` is a folder put above an archive's entries; `level` the compression level of an archive, 0 to 9.
    """

    plan: PlanOptions = field(default_factory=PlanOptions)
    force: bool = False
    link: LinkMode = LinkMode.AUTO
    threads: int = field(default_factory=lambda: os.cpu_count() or 1)
    top: str = ""
    level: int | None = None
    verify: bool = True
    dry_run: bool = False

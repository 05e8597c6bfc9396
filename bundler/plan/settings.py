"""What a plan depends on beside the environment. `pack` makes it, from the user's options, the format and the machine."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field

from bundler.memory.compiled import pyc_cache_folder
from bundler.options import ContentOptions, EditableMode, Pyc


@dataclass(frozen=True, slots=True)
class Workspace:
    """Folders that a plan writes to: what it makes there must live as long as the plan. "" for those that it does not need."""

    pyc: str = ""
    """For compiled modules."""
    builds: str = ""
    """For copies of projects, and the wheels that are built of them."""


@dataclass(frozen=True, slots=True)
class PlanSettings:
    """Everything that is decided before planning begins."""

    content: ContentOptions = field(default_factory=ContentOptions)
    pyc: Pyc = Pyc.KEEP
    """What `content.pyc` means for this format and environment."""
    epoch: int | None = None
    """One time for all files, in seconds; None keeps the times of the sources."""
    threads: int = 1
    in_place: bool = False
    """Whether what marks the environment's folder for other tools stays in it."""
    dlopened: tuple[str, ...] = ()
    """Paths of libraries that come along because modules opened them at run time."""
    workspace: Workspace = Workspace()


@contextlib.contextmanager
def open_workspace(settings: PlanSettings, *, cache: bool) -> Iterator[Workspace]:
    """The folders that a plan with these settings needs: with `cache` the user's cache of compiled modules, else temporary ones."""
    with contextlib.ExitStack() as held:
        pyc = builds = ""
        if settings.pyc is Pyc.COMPILE:
            pyc = held.enter_context(pyc_cache_folder(use=cache))
        if settings.content.editable is EditableMode.BUILD:
            builds = held.enter_context(tempfile.TemporaryDirectory(prefix="bundler-build-"))
        yield Workspace(pyc, builds)

"""What a plan depends on beside the environment. `pack` makes it, from the user's options, the format and the machine."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from bundler.environment import Environment
from bundler.errors import BundlerError
from bundler.machine import os
from bundler.machine.temporary_folder import TemporaryFolder
from bundler.manifest import RecordedOptions
from bundler.memory.compiled import pyc_folders
from bundler.options import ContentOptions, EditableMode, Pyc
from bundler.plan.times import DEFAULT_EPOCH, source_date_epoch
from bundler.tracing.trace import Trace


@dataclass(frozen=True, slots=True)
class Workspace:
    """Folders that a plan writes to: what it makes there must live as long as the plan. None for what it does not need."""

    pyc: tuple[str, ...] = ()
    """For compiled modules: where the first one cannot be written to, the next is taken."""
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
    readable_for_all: bool = False
    """Whether all may read what its owner may: what somebody else unpacks and runs."""
    options: RecordedOptions | None = None
    """What `bundle.json` tells of the options."""
    in_place: bool = False
    """Whether what marks the environment's folder for other tools stays in it."""
    dlopened: tuple[str, ...] = ()
    """Paths of libraries that come along because modules opened them at run time."""
    trace: Trace = field(default_factory=Trace)
    """What commands of the user's were seen to do."""
    workspace: Workspace = Workspace()


def settle_settings(
    content: ContentOptions, environment: Environment, *, is_archive: bool, threads: int
) -> PlanSettings:
    """The settings of a plan, with what the format and the environment decide where the user did not.

    Archives have times of their own: SOURCE_DATE_EPOCH, else a fixed one. Those of the sources only with `--pyc keep`: a zip tells
    times without their zone, and no compiled module would be valid in another one. Only an interpreter that is run can compile;
    else the compiled modules stay. Raises BundlerError where it is asked to and is not run.
    """
    pyc = content.pyc or (Pyc.COMPILE if is_archive and environment.probed else Pyc.KEEP)
    if not environment.probed:
        _check_nothing_runs(environment, pyc, content.editable)
    epoch = None
    if is_archive:
        epoch = source_date_epoch(os.environ)
        if epoch is None and content.pyc is not Pyc.KEEP:
            epoch = DEFAULT_EPOCH
    return PlanSettings(content, pyc, epoch, threads, readable_for_all=is_archive and not content.keep_modes)


def _check_nothing_runs(environment: Environment, pyc: Pyc, editable: EditableMode) -> None:
    """Refuse what would run the environment's Python. Raises BundlerError."""
    scheme = environment.scheme
    why = f"needs to run {environment.python}, and nothing of this environment is run here"
    if pyc is Pyc.COMPILE:
        raise BundlerError(
            f"--pyc compile {why}",
            "use --pyc keep or --pyc none; on its own machine: "
            f"{scheme.executable} -m compileall --invalidation-mode unchecked-hash {scheme.stdlib}",
        )
    if editable is EditableMode.BUILD:
        raise BundlerError(f"--editable build {why}", "use --editable copy, or install wheels into the environment")


@contextlib.contextmanager
def open_workspace(settings: PlanSettings, *, cache: bool) -> Iterator[Workspace]:
    """The folders that a plan with these settings needs: with `cache` the user's cache of compiled modules, else temporary ones."""
    with contextlib.ExitStack() as held:
        pyc: tuple[str, ...] = ()
        builds = ""
        if settings.pyc is Pyc.COMPILE:
            pyc = held.enter_context(pyc_folders(cache=cache))
        if settings.content.editable is EditableMode.BUILD:
            builds = held.enter_context(TemporaryFolder("bundler-build-"))
        yield Workspace(pyc, builds)
